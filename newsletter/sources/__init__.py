"""What other sites publish, read: feeds, WordPress, the head of a page. Values in, values out.

Owns: the forms that titles, links and dates have out there, and the damage they come with.
Refuses: the network, the database, deciding what is taken; entities that a document defines.
Doors: page.read, feed.read, wordpress.read, discovery.read, kinds.guess. None of them raises.
Words: entry (one thing a source published), page (the thing itself).
"""
