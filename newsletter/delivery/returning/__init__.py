"""What comes back by mail: bounces, complaints, automatic answers, wishes to leave.

Owns: the return path of each message; reading a returned mail; taking many of them in.
Refuses: what follows from a bounce (events); how a mailbox is spoken to, and when it is read.
Doors: paths, reading (pure), taking.
Words: path (our token in the address it came to), original (our message, as far as it came back).
"""
