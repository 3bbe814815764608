"""A post and a hook put together."""

from __future__ import annotations

import pytest

from newsletter.providers.events import Event
from newsletter.providers.hook import Refused
from tests.providers.tellers import (
    NOW,
    Post,
    Teller,
)


def hear(teller: Teller, post: Post) -> list[Event]:
    """What its hook makes of it."""
    return teller.hook().hear(post.raw, post.headers, NOW)


def refused(teller: Teller, post: Post) -> str:
    """Why its hook does not believe it."""
    with pytest.raises(Refused) as caught:
        hear(teller, post)
    return str(caught.value)
