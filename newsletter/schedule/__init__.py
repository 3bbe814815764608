"""The week's clock: slots, what is due, and who may fire it.

Owns: slots, the rule of the week (pure), the scheduler lease, the alarm clock (APScheduler).
Refuses: sending; deciding what an issue needs.
Doors: cycle (pure), slots, firing, clock, lease.
Words: slot (one planned send time), fire (once, whatever happens), held, stale.
"""
