"""Accounting: who is owed a message, and what became of each.

Owns: the ledger of deliveries, their moves, retries, launching, sending, recovering; the outbox.
Refuses: what an issue says; HTTP; the clock of the week.
Doors: readiness, launching, ledger, pausing, settling, proofs, transactional;
for the worker sending, recovering, finishing.
Pure: states, retries, outcomes.
Words: delivery, submitted (the provider said yes), unknown (it may have gone out), skipped.
"""
