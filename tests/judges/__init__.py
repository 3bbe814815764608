"""Judges of our mail that others wrote; each first refuses a bad sample in the same run.

Doors: `python -m tests.judges`, `test_quick.py`; what each says: docs/judges.md. A judge is a
function from the bench (the samples and a place to work) to a ruling. They run in a network of
their own that has a DNS and no way out.
"""
