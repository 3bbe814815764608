"""The tests' own guard: no way of a socket leads to another machine."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest

_ELSEWHERE = ("192.0.2.1", 9)  # TEST-NET-1 (RFC 5737): nobody is there


@pytest.mark.parametrize(
    "way",
    [
        lambda s: s.connect(_ELSEWHERE),
        lambda s: s.connect_ex(_ELSEWHERE),
        lambda s: s.sendto(b"x", _ELSEWHERE),
        lambda s: s.sendto(b"x", 0, _ELSEWHERE),
    ],
)
def test_no_test_reaches_another_machine(way: Callable[[socket.socket], object]) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        pytest.raises(AssertionError, match=r"wanted to reach 192\.0\.2\.1"),
    ):
        way(one)
