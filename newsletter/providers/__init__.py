"""What takes our mail: SMTP now, provider APIs later; one provider in one file, one contract.

Owns: speaking to a provider, and judging its answer: accepted, later, never, unknown.
Refuses: the database, subscribers, what a message says.
Doors: base (the contract), registry (settings → provider), smtp, memory, console.
Words: provider, submit, answer, before the body (safe to try again), after the dot (unknown).
"""
