"""Whom we may say it to: addresses (sealed), subscriptions, consent, suppression, leaving.

Owns: everything held about a reader: an address, a language, a state, the proof of consent.
Refuses: content, mail, and any trace of what somebody read; knows nothing of newsletter but core.
Doors: optin, directory, listing, growth, story, importing, exporting, audience, leaving,
preferences, erasing, journal, suppression, hygiene.
Words: subscriber, subscription (pending, active, ended), consent, suppression, audience.
"""
