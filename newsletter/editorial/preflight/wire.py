"""Whether a finished message keeps the rules of mail, judged on its bytes and nothing else. Pure.

The numbers are those of docs/checks.md. Nothing here trusts what made the message: not our own
header writer, and not Python's parser, which forgives what receivers do not.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from email.header import decode_header, make_header

from newsletter.editorial.checks import Level, Problem

_ONCE = (
    *("From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "List-Id"),
    *("List-Unsubscribe", "List-Unsubscribe-Post", "Content-Type"),
)
_AT_MOST_ONCE = ("Sender", "Reply-To", "Content-Language", "Content-Transfer-Encoding")
_SIGNED = (
    *("from", "to", "subject", "date", "message-id", "mime-version", "content-type"),
    *("list-unsubscribe", "list-unsubscribe-post", "list-id"),
)
_DATE = re.compile(
    r"(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov"
    r"|Dec) \d{4} \d\d:\d\d(?::\d\d)? [+-]\d{4}"
)
_WORD = re.compile(r"=\?[^?\s]+\?[bBqQ]\?[^?\s]*\?=")
_URI = re.compile(r"<([^<>\s]+)>")
_LIST_ID = re.compile(r"(?:[^<>]*)<([^<>\s]{1,255})>")
_LARGEST_HEAD = 16_000
_KIND = re.compile(rb"(?im)^content-type:\s*([a-z0-9./+-]+)")
_CHARSET = re.compile(rb"(?im)^content-type:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*?charset=\"?([\w-]+)")
_TRACKERS = re.compile(r"^x-.*(track|open|click|recipient|subscriber|user|campaign)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Field:
    """A header: its name, its value unfolded, and its lines as they stand in the message."""

    name: str
    value: str
    lines: tuple[str, ...]


def judge(message: bytes, *, https: bool = True) -> Iterator[Problem]:
    """Each rule that the message breaks. `https` false while links lead to this machine only."""
    yield from _lines(message)
    yield from _parts(message)
    head, _, _ = message.partition(b"\r\n\r\n")
    fields = headers(head)
    yield from _counts(fields)
    yield from _values(fields)
    yield from _encoded_words(fields)
    yield from _leaving(fields, https=https)
    yield from _signature(fields)
    if len(head) > _LARGEST_HEAD:
        yield _broken("H17", f"the header has {len(head):,} bytes, and Gmail refuses large ones")
    for field in fields:
        if _TRACKERS.match(field.name):
            yield _broken("H19", f"the header {field.name} tells of its reader")


def text_part(message: bytes, kind: str) -> str:
    """The first part of this kind (`text/html`), decoded, with LF; "" when there is none."""
    found = re.search(rb"(?im)^content-type:[ \t]*" + re.escape(kind.encode()), message)
    if found is None:
        return ""
    start = max(0, message.rfind(b"\r\n--", 0, found.start()))
    edge = message[start : message.find(b"\r\n", start + 2)] if start else b""
    begin = message.index(b"\r\n\r\n", found.start()) + 4
    end = message.find(edge, begin) if edge else len(message)
    body, head = message[begin : end if end >= 0 else len(message)], message[start:begin].lower()
    if b"content-transfer-encoding: base64" in head:
        body = base64.b64decode(body)
    elif b"content-transfer-encoding: quoted-printable" in head:
        body = binascii.a2b_qp(body)
    return body.decode("utf-8", "replace").replace("\r\n", "\n")


def headers(head: bytes) -> list[Field]:
    """The fields of a header, in order; what is no field has an empty name."""
    found: list[list[str]] = []
    for line in head.decode("utf-8", "surrogateescape").split("\r\n"):
        if line[:1] in (" ", "\t") and found:
            found[-1].append(line)
        else:
            found.append([line])
    return [_field(lines) for lines in found]


def _field(lines: Sequence[str]) -> Field:
    name, colon, first = lines[0].partition(":")
    value = "".join([first, *lines[1:]])
    return Field(name if colon else "", value.strip(), tuple(lines))


def _lines(message: bytes) -> Iterator[Problem]:
    bare = message.replace(b"\r\n", b"")
    if b"\r" in bare or b"\n" in bare:
        yield _broken("H5", "a line ends with CR or LF alone")
    if b"\0" in message:
        yield _broken("H5", "there is a NUL in it")
    longest = max(map(len, message.split(b"\r\n")))
    if longest > 998:
        yield _broken("H5", f"a line has {longest} bytes, and 998 is the limit of RFC 5322")
    elif longest > 78 and max(_lengths_beyond_links(message)) > 78:
        text = f"a line has {longest} bytes, and RFC 5322 asks for 78"
        yield _broken("H5", text, "warning")
    if not message.isascii():
        yield _broken("B3", "there are bytes beyond ASCII, which a relay may rewrite (8bit)")
    if re.search(rb"(?im)^content-transfer-encoding:\s*(8bit|binary)", message):
        yield _broken("B3", "a part is sent as 8bit; a relay that rewrites it breaks its signature")


def _lengths_beyond_links(message: bytes) -> list[int]:
    """Lengths of all lines but those of one long address, which cannot be folded (RFC 8058)."""
    return [0, *(len(line) for line in message.split(b"\r\n") if not _is_one_link(line))]


def _is_one_link(line: bytes) -> bool:
    return re.fullmatch(rb"(?:[A-Za-z-]+:)?\s*<(?:https?|mailto):[^\s<>]+>,?", line) is not None


def _parts(message: bytes) -> Iterator[Problem]:
    kinds = [kind.lower() for kind in _KIND.findall(message)]
    texts = [kind for kind in kinds if kind in (b"text/plain", b"text/html")]
    if texts not in ([b"text/plain"], [b"text/plain", b"text/html"]):
        yield _broken("B1", "it is not one plain text and after it, at most, one HTML part")
    charsets = [charset.lower() for charset in _CHARSET.findall(message)]
    if charsets != [b"utf-8"] * len(texts):
        yield _broken(
            "B2", "a text part is not marked utf-8, and Gmail clips such mail at any size"
        )


def _counts(fields: Sequence[Field]) -> Iterator[Problem]:
    names = [field.name.lower() for field in fields]
    for name in _ONCE:
        count = names.count(name.lower())
        if count != 1:
            told = "is missing" if not count else f"stands {count} times"
            yield _broken("H1", f"the header {name} {told}, and must stand once")
    for name in _AT_MOST_ONCE:
        if names.count(name.lower()) > 1:
            yield _broken("H1", f"the header {name} stands more than once")
    if "" in names:
        yield _broken("H1", "there is a line in the header that is no field")


def _values(fields: Sequence[Field]) -> Iterator[Problem]:
    given = {field.name.lower(): field.value for field in fields}
    if given.get("from", "").count("@") > 1 and re.search(r">\s*,", given["from"]):
        yield _broken("D5", "From holds more than one address")
    if not re.fullmatch(r"<[!-;=?A-~]+@[A-Za-z0-9.-]+>", given.get("message-id", "<x@y>")):
        yield _broken("H2", "Message-ID is not one ASCII identifier in angle brackets")
    if "date" in given and not _DATE.fullmatch(given["date"]):
        yield _broken("H4", f"Date is '{given['date'][:60]}', not as RFC 5322 §3.3 wants it")
    if "list-id" in given and not _LIST_ID.fullmatch(given["list-id"]):
        yield _broken("H13", "List-Id has no identifier in angle brackets")
    language = given.get("content-language", "")
    if not re.fullmatch(
        r"[A-Za-z]{2,8}(-[A-Za-z0-9]+)*(, [A-Za-z]{2,8}(-[A-Za-z0-9]+)*)*", language
    ):
        yield _broken("H16", "Content-Language does not name the languages", "warning")


def _encoded_words(fields: Sequence[Field]) -> Iterator[Problem]:
    for field in fields:
        words = [word for line in field.lines for word in _WORD.findall(line)]
        if any(len(word) > 75 for word in words):
            yield _broken("H6", f"an encoded word in {field.name} is longer than 75 characters")
        if words and any(len(line) > 76 for line in field.lines if _WORD.search(line)):
            yield _broken("H6", f"a line of {field.name} with encoded words is longer than 76")
        if words and field.name.lower().startswith(("list-", "content-", "message-", "date")):
            yield _broken("H6", f"{field.name} holds an encoded word, so receivers ignore it")
        if words and field.name == "Subject" and _is_plain(words):
            yield _broken("H7", "the subject is encoded although it is plain ASCII", "warning")


def _is_plain(words: Sequence[str]) -> bool:
    try:
        return str(make_header(decode_header(" ".join(words)))).isascii()
    except (UnicodeError, LookupError, ValueError):
        return False


def _leaving(fields: Sequence[Field], *, https: bool) -> Iterator[Problem]:
    given = {field.name.lower(): field for field in fields}
    post = given.get("list-unsubscribe-post")
    if post and post.lines != ("List-Unsubscribe-Post: List-Unsubscribe=One-Click",):
        yield _broken("H11", "List-Unsubscribe-Post is not exactly List-Unsubscribe=One-Click")
    leave = given.get("list-unsubscribe")
    if leave is None:
        return
    uris = _URI.findall(leave.value)
    if "<" + ">, <".join(uris) + ">" != re.sub(r",\s*<", ", <", leave.value):
        yield _broken("H10", "List-Unsubscribe holds more than addresses in angle brackets")
        return
    schemes = [uri.partition(":")[0].lower() for uri in uris]
    if https and schemes[:1] != ["https"]:
        yield _broken("H10", "List-Unsubscribe does not begin with an https address (RFC 8058)")
    if len(schemes) != 2 or "mailto" not in schemes:
        yield _broken("H10", "List-Unsubscribe needs one https and one mailto address", "warning")


def _signature(fields: Sequence[Field]) -> Iterator[Problem]:
    for field in fields:
        if field.name.lower() != "dkim-signature":
            continue
        tags = dict(part.strip().partition("=")[::2] for part in field.value.split(";"))
        signed = {name.strip().lower() for name in re.sub(r"\s", "", tags.get("h", "")).split(":")}
        there = {other.name.lower() for other in fields}
        missing = [name for name in _SIGNED if name in there and name not in signed]
        if missing:
            yield _broken("H12", f"the signature leaves out {', '.join(missing)}")


def _broken(rule: str, text: str, level: Level = "error") -> Problem:
    remedy = f"nothing an editor can mend: report it, with the rule {rule} of docs/checks.md"
    return Problem(level, f"message ({rule})", text, remedy, "rules of mail")
