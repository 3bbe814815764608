"""The week's clock: slots, what is due, and who may fire it.

Owns: slots, the rule of the week (pure), leases, the alarm clock (APScheduler); when the bounce
mailbox is emptied and sources are asked.
Refuses: sending; deciding what an issue needs.
Doors: cycle (pure), slots, firing, clock, lease, emptying, collecting.
Words: slot (one planned send time), fire (once, whatever happens), held, stale.
"""
