"""The safe: a whole installation out into one encrypted file, in again, or gone for ever.

Owns: snapshot (the stream of a backup), backing up, restoring, purging, keyholders.
Refuses: to put the master key into a backup; to send again what may have gone out.
Doors: backing_up, restoring, purging, keyholders.
Words: snapshot, doubtful (may have gone out after the backup), keyholder (two of them purge).
"""
