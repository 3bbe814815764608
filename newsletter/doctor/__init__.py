"""The doctor: is everything there with which mail goes out and is believed, and what is to be done.

Owns: judging an installation and its domains (SPF, DKIM, DMARC, TLS, one-click, keys, clock).
Refuses: changing anything; sending mail; guessing: what nobody could say is "not known".
Doors: examining (a home → findings and DNS records), findings (the words of both).
Words: finding (one thing looked at), verdict (good, not known, warning, bad), record (what the DNS
should say). Judgements are pure: they get what was found, or a function that answers for the DNS.
"""
