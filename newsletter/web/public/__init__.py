"""What a reader meets on the web: sign-up, archive, unsubscribe, preferences.

Owns: the pages that need no account, and what each link in a mail does when it is opened.
Refuses: who is a subscriber and what an edition holds; it asks the rooms below.
Doors: signing_up, confirming, archive, leaving, preferences (a `router(pages)` each).
Words: shelf (a publication with its latest issue), masthead (its name and languages), notice
(what a stranger may know of it), wish (what a sign-up form asks for).
"""
