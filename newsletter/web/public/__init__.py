"""What a reader meets on the web: archive, unsubscribe, preferences.

Owns: the pages that need no account, and what each link in a mail does when it is opened.
Refuses: who is a subscriber and what an edition holds; it asks the rooms below.
Doors: archive, leaving, preferences (a `router(pages)` each).
Words: shelf (a publication with its latest issue), masthead (its name and languages).
"""
