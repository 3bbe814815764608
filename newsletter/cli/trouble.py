"""The deliveries an editor must look into: in doubt, or refused, with what finds them in a log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from newsletter.cli.output import counted, minute, say, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from newsletter.app import Services
    from newsletter.editorial.models import Issue

_SHOWN = 50


def troubled(
    session: Session, services: Services, issue: Issue, *, reveal: bool = False
) -> dict[str, list[dict[str, Any]]]:
    """All doubtful and refused deliveries, with Message-ID; with `reveal` the address too.

    The address is opened for the screen of whoever asked and must not go into any log.
    """
    from newsletter.delivery.ledger import doubtful, refused
    from newsletter.delivery.message_ids import of_delivery

    found = {"doubtful": doubtful(session, issue.id), "refused": refused(session, issue.id)}
    for row in [row for rows in found.values() for row in rows]:
        sender = issue.publication.sender_address
        row["message_id"] = of_delivery(services.ring.index, row["delivery"], sender)
        if reveal:
            row["address"] = _address(session, services, row["delivery"])
    return found


def _address(session: Session, services: Services, delivery_id: int) -> str:
    from newsletter.core.errors import NotFound
    from newsletter.delivery.models import Delivery
    from subscribers.audience import address_of

    subscriber_id = session.get_one(Delivery, delivery_id).subscriber_id
    try:
        return address_of(session, services.sealer, subscriber_id or 0).text
    except NotFound:
        return "erased"


def tell_trouble(number: int, found: Mapping[str, Any]) -> None:
    """Both lists as tables, and what to do about them."""
    doubtful, refused = found["doubtful"], found["refused"]
    if doubtful:
        say(f"\n  {counted(len(doubtful), 'delivery')} in doubt: the answer was lost", "yellow")
        _table(doubtful)
        first = doubtful[0]["delivery"]
        say("  Search the mail server's log for the Message-ID, then:")
        say(f"  newsletter settle {number} {first} --as submitted   (or --as again)")
    if refused:
        say(f"\n  {counted(len(refused), 'delivery')} refused for good", "yellow")
        _table(refused)
        first = refused[0]["delivery"]
        say(f"  Once the cause is mended: newsletter settle {number} {first} --as again")
        say("  ('newsletter subscribers list --state suppressed' shows whom it barred)")


def _table(rows: list[dict[str, Any]]) -> None:
    columns = list(rows[0])
    cells = [
        [minute(row[name]) if name == "since" else row[name] for name in columns]
        for row in rows[:_SHOWN]
    ]
    below = tuple(name for name in columns if name in ("answer", "message_id"))
    table(columns, cells, below=below, width=150)
    if len(rows) > _SHOWN:
        say(f"  … and {len(rows) - _SHOWN} more; --json lists them all")


def accounted(ledger: Mapping[str, Any], number: int) -> tuple[str, str]:
    """The one sentence on whether everybody is accounted for, and its colour."""
    waiting = ledger["planned"] + ledger["claimed"] + ledger["submitting"]
    if not ledger["balanced"]:
        return "The ledger does not add up: please report this with the log.", "red"
    if waiting:
        to_send = f"{counted(waiting, 'message')} still to send{_in_the_air(ledger)}"
        return f"The ledger adds up; {to_send}.", ""
    look = f"'newsletter status {number}' lists them"
    doubt, refused = ledger["unknown"], ledger["refused"]
    also = f", and {counted(refused, 'delivery')} refused" if refused else ""
    if doubt:
        return (
            f"Not everybody is accounted for: {counted(doubt, 'delivery')} in doubt{also}; "
            f"{look}, 'newsletter settle {number} …' decides them.",
            "yellow",
        )
    if refused:
        return (
            f"Everybody is accounted for, {counted(refused, 'delivery')} as refused by the mail "
            f"server; {look}.",
            "yellow",
        )
    return "Everybody is accounted for.", "green"


def _in_the_air(ledger: Mapping[str, Any]) -> str:
    """Of those still to send, how many nobody can call back: they may be on the wire."""
    number = ledger["submitting"]
    return f"; {number} of them may be leaving just now" if number else ""
