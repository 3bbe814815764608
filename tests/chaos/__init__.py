"""Everything that is killed, cut off or put back in time while it sends; `make chaos`.

Real processes, a real SMTP conversation, a receiver of our own that never forgets: who got what
is counted by the receiver and compared with the ledger, reader by reader.

    python -m tests.chaos kills --database sqlite --rounds 200 --seed 7
    python -m tests.chaos calamities | hosts | planted | all
"""
