"""The table of judgement: who is at fault when a message comes back."""

from __future__ import annotations

import pytest

from newsletter.delivery.policy import Verdict, answered, bounce, judge, stated
from newsletter.providers.events import Kind

_TABLE = {
    Verdict.HARD: ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"],
    Verdict.SOFT: ["5.2.2", "4.2.2", "4.4.1", "4.3.0", "5.3.0", "5.3.4", "4.4.7", "4.7.1", "5.4.7"],
    Verdict.NO_HOST: ["5.4.4"],
    Verdict.OURS: [
        *("5.7.1", "5.7.515", "5.7.25", "5.7.32", "5.7.26", "4.7.23", "4.7.28", "4.7.32"),
        *("4.7.650", "5.1.8", "5.6.0"),
    ],
    Verdict.EAI: ["5.6.7"],
    Verdict.NONE: ["2.1.5"],
}


@pytest.mark.parametrize(("verdict", "status"), [(v, s) for v, ss in _TABLE.items() for s in ss])
def test_each_code_is_judged_as_the_table_says(verdict: Verdict, status: str) -> None:
    assert judge(Kind.BOUNCED, status, "") is verdict


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("550 5.1.1 The email account that you tried to reach does not exist", Verdict.HARD),
        ("554 delivery error: dd This user doesn't have a yahoo.com account ([address]) [0]",
         Verdict.HARD),
        ("550 No such user here", Verdict.HARD),
        ("550 unknown user account", Verdict.HARD),
        ("smtp; 550 5.1.1 <[address]>: Recipient address rejected: User unknown", Verdict.HARD),
        ("452 4.2.2 The recipient's inbox is out of storage space", Verdict.SOFT),
        ("552 mailbox full", Verdict.SOFT),
        ("450 user unknown, try again", Verdict.SOFT),
        ("550 5.7.1 Our system has detected that this message is likely unsolicited", Verdict.OURS),
        ("550 5.7.515 Access denied, sending domain does not meet the required level",
         Verdict.OURS),
        ("554 Your access to this mail system is rejected: blocked by spamhaus", Verdict.OURS),
        ("550 sender address does not exist", Verdict.OURS),
        ("421 4.7.0 [TSS04] Messages temporarily deferred due to unexpected volume", Verdict.OURS),
        ("553 SMTPUTF8 is required", Verdict.EAI),
        ("550 the server was built with Exim 4.94.2", Verdict.SOFT),
        ("connect to 5.1.1.1 failed", Verdict.SOFT),
        ("", Verdict.SOFT),
    ],
)  # fmt: skip
def test_without_a_code_of_its_own_the_words_are_read(answer: str, verdict: Verdict) -> None:
    assert answered(answer) is verdict


@pytest.mark.parametrize(
    ("status", "answer", "permanent", "kept", "verdict"),
    [
        # A report says `Action: failed` of what is only full or waited too long.
        ("4.4.1", "", True, "4.4.1", Verdict.SOFT),
        ("5.2.2", "", True, "5.2.2", Verdict.SOFT),
        ("5.7.1", "user unknown", True, "5.7.1", Verdict.OURS),
        # Exim writes 5.0.0 under everything, and the true code into the text.
        ("5.0.0", "550 5.7.26 unauthenticated", True, "5.7.26", Verdict.OURS),
        ("5.0.0", "550 no such mailbox", None, "5.0.0", Verdict.HARD),
        ("5.0.0", "it failed", None, "5.0.0", Verdict.SOFT),
        ("5.0.0", "it failed", True, "permanent", Verdict.HARD),
        ("4.0.0", "it failed", True, "4.0.0", Verdict.SOFT),
        ("", "", True, "permanent", Verdict.HARD),
        ("", "blocked by our spam filter", True, "permanent", Verdict.OURS),
        ("", "", False, "temporary", Verdict.SOFT),
        ("", "user unknown", False, "temporary", Verdict.SOFT),
        ("", "", None, "", Verdict.SOFT),
        ("nonsense", "", None, "", Verdict.SOFT),
    ],
)  # fmt: skip
def test_the_code_outweighs_what_the_provider_thinks(
    status: str, answer: str, permanent: bool | None, kept: str, verdict: Verdict
) -> None:
    assert stated(status, answer, permanent) == kept
    assert bounce(kept, answer) is verdict


@pytest.mark.parametrize("kind", [Kind.DELIVERED, Kind.DEFERRED, Kind.OTHER, Kind.UNSUBSCRIBED])
def test_only_a_bounce_is_read_as_one(kind: Kind) -> None:
    assert judge(kind, "5.1.1", "550 5.1.1 unknown") is Verdict.NONE


def test_a_complaint_is_one_whatever_else_is_said() -> None:
    assert judge(Kind.COMPLAINED, "2.0.0", "") is Verdict.COMPLAINT
