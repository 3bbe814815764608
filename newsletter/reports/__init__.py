"""What can be told from what we hold: the whole account of one person.

Owns: putting together what several rooms know, for a person who asks or for an editor.
Refuses: changing anything; any number about who read what (nothing of it is recorded).
Doors: person (the account as data), person_page (the same to be read and handed over).
Words: account (everything held on one person; GDPR art. 15 and 20).
"""
