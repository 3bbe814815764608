"""The cellar: settings, database, clock, errors, tokens, keys, sealing, addresses, http, log, i18n.

Owns: everything that would be the same in any other product.
Refuses: any idea of a newsletter; no room above is known here.
Doors: one file, one noun.
"""
