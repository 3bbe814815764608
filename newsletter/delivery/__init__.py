"""Accounting: who is owed a message, and what became of each.

Owns: the ledger of deliveries, their moves, retries, launching, sending, recovering; the outbox.
Refuses: what an issue says; HTTP; the clock of the week.
Doors: readiness, launching, ledger, pausing, settling, proofs, transactional, events, heard,
notices; for the worker sending, desk, recovering, finishing, applying, rates, doubts, notifying.
Pure: states, retries, outcomes, policy, hearing.
Words: chunk (claimed as one), mark (the intent), flight (what leaves just now), unknown.
"""
