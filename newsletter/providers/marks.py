"""Template marks: what a provider's engine would replace in a text that is meant as it stands."""

from __future__ import annotations

import re

from newsletter.core.errors import ProviderError, Retry
from newsletter.providers.base import Envelope
from newsletter.providers.parts import Parts, taken_apart


def without_marks(envelope: Envelope, marks: re.Pattern[str], name: str) -> Parts:
    """The parts of a message in which the engine of provider `name` finds nothing of its own.

    Refused instead of escaped: escapes differ from engine to engine and from place to place.
    A mark in the content halts, because everybody would get the same; one in the address is
    that reader's alone.
    """
    if marks.search(envelope.recipient.text):
        raise ProviderError(
            f"{name} would take a recipient's address for a template",
            retry=Retry.NEVER,
            answer="the address holds template marks, which this provider would replace",
            recipient=True,
        )
    parts = taken_apart(envelope.data)
    if parts.holds(marks):
        raise ProviderError(
            f"the text holds marks such as {{{{ or %recipient%, which {name} would replace by "
            "something else; write it otherwise, or choose another provider",
            retry=Retry.LATER,
            halts=True,
        )
    return parts
