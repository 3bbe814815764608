"""What takes our mail: SMTP and provider APIs; one provider in one file, one contract.

Owns: speaking to a provider, and judging its answer: accepted, later, never, unknown; proving and
reading what it tells later.
Refuses: the database, subscribers, what a message says.
Doors: base (the contract), registry (settings → provider), smtp, memory, console; api for HTTP:
ses, mailgun, sparkpost (raw MIME), resend, postmark, brevo (fields, see parts); webhooks (what a
provider tells, as events), looking_up (what it answers when asked).
Words: provider, submit, answer, before the body (safe to try again), after the dot (unknown).
"""
