"""Six mail parsers: do all read the subject, names, text and HTML that we wrote?"""

from __future__ import annotations

import platform
from collections.abc import Callable
from functools import partial

from tests.judges import reading
from tests.judges.bench import Bench, debian_version, npm_version
from tests.judges.reading import Read, Reading
from tests.judges.ruling import Judge, Ruling
from tests.judges.samples import Sample

_SUBJECT = "ရပ်ရွာကျောင်းများ ကာကွယ်ရေးဆိုင်ရာ ပူးတွဲထုတ်ပြန်ချက် 2026"
_BAD = """\
From: =?utf-8?b?4YCZ4YC84YCU4Y?= <a@news.example.org>
To: reader@example.net
Subject: =?utf-8?b?4YCZ4YC84YCU4Y?= =?utf-8?b?eACZ?=
MIME-Version: 1.0
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: base64

4YCZ4YC84YCU4YC64YCZ4YCs
""".replace("\n", "\r\n").encode()
"""Characters cut between encoded-words, and the wrong charset."""
_WANTED = Sample(
    name="bad",
    raw=_BAD,
    subject="မြန်မာ",
    sender=("မြန်မာ", "a@news.example.org"),
    to="reader@example.net",
    text="မြန်မာ",
    html="",
    mjml="",
)


def judge_of(read: Reading, version: Callable[[], str]) -> Judge:
    """A judge that compares what a parser reads with what we wrote."""

    def judge(bench: Bench) -> Ruling:
        bad = differences(read(bench, _BAD), _WANTED)
        faults = [
            f"{sample.name}: {fault}"
            for sample in bench.samples
            for fault in differences(read(bench, sample.raw), sample)
        ]
        refused = ", ".join(fault.partition(" is ")[0] for fault in bad)
        return Ruling(version(), refused, faults, f"{len(bench.samples)} messages")

    return judge


def differences(found: Read, wanted: Sample) -> list[str]:
    """What the parser reads otherwise; line ends and the last one do not count."""
    pairs = {
        "subject": (found.subject, wanted.subject),
        "name": (found.name, wanted.sender[0]),
        "address": (found.address, wanted.sender[1]),
        "recipient": (found.to, wanted.to),
        "text": (_plain(found.text), _plain(wanted.text)),
        "html": (_plain(found.html or ""), _plain(wanted.html if found.html is not None else "")),
    }
    return [f"{name} is {_around(got, want)}" for name, (got, want) in pairs.items() if got != want]


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n").rstrip("\n")


def _around(got: str, want: str) -> str:
    """The place where two texts part."""
    shared = zip(got, want, strict=False)
    at = next((at for at, (a, b) in enumerate(shared) if a != b), min(len(got), len(want)))
    start = max(0, at - 10)
    return f"{got[start : at + 30]!r}, not {want[start : at + 30]!r} (at {at} of {len(want)})"


PARSERS: dict[str, Judge] = {
    "python-email": judge_of(reading.python, platform.python_version),
    "gmime": judge_of(reading.gmime, partial(debian_version, "libgmime-3.0-0")),
    "email-mime": judge_of(reading.perl, partial(debian_version, "libemail-mime-perl")),
    "mutt": judge_of(reading.mutt, partial(debian_version, "mutt")),
    "mblaze": judge_of(reading.mblaze, partial(debian_version, "mblaze")),
    "mailparser": judge_of(reading.mailparser, partial(npm_version, "mailparser")),
}
