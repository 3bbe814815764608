"""What six mail parsers read in a message, each asked in its own way."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from email import policy
from email.header import decode_header
from pathlib import Path
from typing import Any

from tests.judges.bench import Bench, CannotJudge, clean_environment, node_output, run
from tests.judges.samples import parsed

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Read:
    """What a reader would see; `html` is None where the program shows one part only."""

    subject: str
    name: str
    address: str
    to: str
    text: str
    html: str | None


Reading = Callable[[Bench, bytes], Read]


def python(bench: Bench, raw: bytes) -> Read:
    """The standard library's `email`.

    The name by its older decoder: the newer one of 3.11 and 3.12 puts a blank of its own between
    encoded-words of a name, where RFC 2047 §6.2 has none.
    """
    message = parsed(raw)
    older = email.message_from_bytes(raw, policy=policy.compat32)
    pieces = decode_header(older["From"])
    decoded = (
        piece if isinstance(piece, str) else piece.decode(charset or "ascii", "replace")
        for piece, charset in pieces
    )
    address, name = _mailbox("".join(decoded))
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    return Read(
        subject=str(message["Subject"]),
        name=name,
        address=address,
        to=message["To"].addresses[0].addr_spec,
        text=plain.get_content() if plain else "",
        html=html.get_content() if html else "",
    )


def perl(bench: Bench, raw: bytes) -> Read:
    """Email::MIME."""
    return _from_json(run("perl", _HERE / "parse.pl", given=raw).stdout, "Email::MIME")


def mailparser(bench: Bench, raw: bytes) -> Read:
    """Node's mailparser."""
    return _from_json(node_output("parse.mjs", given=raw), "mailparser")


def _from_json(output: bytes, program: str) -> Read:
    if not output:
        raise CannotJudge(f"{program} gave no answer")
    return Read(**json.loads(output))


def gmime(bench: Bench, raw: bytes) -> Read:
    """GMime, through notmuch."""
    home = bench.scratch / "notmuch"
    mail = home / "mail" / "cur"
    mail.mkdir(parents=True, exist_ok=True)
    for old in mail.iterdir():
        old.unlink()
    (mail / "one").write_bytes(raw)
    config = bench.file("notmuch/config", f"[database]\npath={home / 'mail'}\n[user]\nname=x\n")
    environment = {"NOTMUCH_CONFIG": str(config)}
    run("notmuch", "new", environment=environment)
    words = ("notmuch", "show", "--format=json", "--include-html", "*")
    shown = run(*words, environment=environment).stdout
    found = _first_message(json.loads(shown or b"[]"))
    parts = list(_leaves(found["body"]))
    sender, name = _mailbox(found["headers"]["From"])
    return Read(
        subject=found["headers"]["Subject"],
        name=name,
        address=sender,
        to=_mailbox(found["headers"]["To"])[0],
        text=next((p["content"] for p in parts if p["content-type"] == "text/plain"), ""),
        html=next((p["content"] for p in parts if p["content-type"] == "text/html"), ""),
    )


def _first_message(threads: Any) -> dict[str, Any]:
    found = threads
    while isinstance(found, list):
        if not found:
            raise CannotJudge("notmuch found no message")
        found = found[0]
    assert isinstance(found, dict)
    return found


def _leaves(parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for part in parts:
        content = part.get("content")
        found += _leaves(content) if isinstance(content, list) else [part]
    return found


def _mailbox(text: str) -> tuple[str, str]:
    """Address and name of `Name <address>` or `address`, decoded."""
    match = re.fullmatch(r'\s*(?:"?(?P<name>.*?)"?\s*)<(?P<address>[^<>]*)>\s*', text, re.DOTALL)
    return (match["address"], match["name"].replace('\\"', '"')) if match else (text.strip(), "")


def mblaze(bench: Bench, raw: bytes) -> Read:
    """mhdr and mshow."""
    file = bench.file("mblaze.eml", raw)

    def header(name: str) -> str:
        return run("mhdr", "-d", "-h", name, file).stdout.decode().rstrip("\n")

    listed = run("mshow", "-t", file).stdout.decode()
    parts = {
        kind: number
        for number, kind in re.findall(r"^\s*(\d+): (\S+)", listed, re.MULTILINE)
    }  # fmt: skip

    def body(kind: str) -> str:
        number = parts.get(kind)
        return run("mshow", "-O", file, number).stdout.decode() if number else ""

    sender, name = _mailbox(header("from"))
    to = _mailbox(header("to"))[0]
    return Read(header("subject"), name, sender, to, body("text/plain"), body("text/html"))


def mutt(bench: Bench, raw: bytes) -> Read:
    """Mutt, as it hands a message to another program: decoded, the text part only."""
    box = bench.scratch / "mutt" / "box"
    for name in ("cur", "new", "tmp"):
        (box / name).mkdir(parents=True, exist_ok=True)
    (box / "cur" / "one:2,S").write_bytes(raw)
    out = bench.file("mutt/out", b"")
    config = bench.file(
        "mutt/rc",
        f"""set charset=utf-8 pipe_decode=yes wait_key=no mbox_type=Maildir read_only=yes
set header_cache="" folder="{box.parent}" record="" postponed="" quit=yes reflow_text=no
alternative_order text/plain text/html
ignore *
unignore from to subject
push "<pipe-message>cat >{out}<enter><exit>"
""",
    )
    words = f"mutt -n -R -F {config} -f {box}"
    run("script", "-qec", words, "/dev/null", environment={**clean_environment(), "TERM": "vt100"})
    head, _, text = out.read_text("utf-8").partition("\n\n")
    fields = dict(re.findall(r"^(\w+): ((?:.*(?:\n[ \t].*)*))", head, re.MULTILINE))
    if not fields:
        raise CannotJudge("mutt gave nothing back")
    subject = re.sub(r"\n[ \t]+", " ", fields.get("Subject", ""))
    sender, name = _mailbox(re.sub(r"\n[ \t]+", " ", fields["From"]))
    return Read(subject, name, sender, _mailbox(fields["To"])[0], text, None)
