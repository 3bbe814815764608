"""dkimpy, opendkim, Mail::DKIM and mailauth: the signatures hold and DMARC passes.

The first three are asked of each message and of one with another body. mailauth is asked for all
of SPF, DKIM and DMARC, and whether the headers of one-click are signed (RFC 8058 §4), which no
verifier calls a fault: its bad samples are one without them and one from another host.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from newsletter.rendering import dkim_keys
from tests.judges.bench import NODE, NODE_HOME, Bench, CannotJudge, debian_version, npm_version, run
from tests.judges.ruling import Judge, Ruling
from tests.judges.samples import BOUNCES, MAIL_HOST, SENDER_IP, signer

_ONE_CLICK = ("list-unsubscribe", "list-unsubscribe-post")
_STRANGER = "192.0.2.66"
Verifier = Callable[[bytes], tuple[bool, str]]


def dkimpy(message: bytes) -> tuple[bool, str]:
    """Debian's dkimpy; of two signatures it is asked about each."""
    told: list[tuple[bool, str]] = []
    for number in range(message.count(b"DKIM-Signature:")):
        words = ("dkimverify", "--index", number)
        result = run(*words, given=message)
        said = result.stdout or result.stderr.strip().rpartition(b"\n")[2]
        told.append((result.returncode == 0, said.decode().strip()))
    return all(good for good, _ in told) and bool(told), "; ".join(say for _, say in told)


def opendkim(message: bytes) -> tuple[bool, str]:
    """OpenDKIM; silent about a good one."""
    result = run("opendkim-testmsg", given=message)
    return result.returncode == 0, result.stderr.decode().strip()


def mail_dkim(message: bytes) -> tuple[bool, str]:
    """Perl's Mail::DKIM, which tells of each signature; an old one knows no Ed25519."""
    program = """use Mail::DKIM::Verifier; binmode STDIN; my $v = Mail::DKIM::Verifier->new;
        while (<STDIN>) { s/\\r?\\n$//; $v->PRINT("$_\\015\\012") } $v->CLOSE;
        print join ', ', map { $_->algorithm . ' ' . $_->result_detail } $v->signatures;"""
    result = run("perl", "-e", program, given=message)
    said = result.stdout.decode()
    if result.returncode or not said:
        raise CannotJudge(f"Mail::DKIM: {result.stderr.decode()[-200:]}")
    kinds = [part for part in said.split(", ") if "unsupported algorithm ed25519" not in part]
    return bool(kinds) and all(part.endswith(" pass") for part in kinds), said


def tampered(message: bytes) -> bytes:
    """With one byte of the body changed."""
    at = len(message) // 2
    return message[:at] + (b"A" if message[at : at + 1] != b"A" else b"B") + message[at + 1 :]


def judge_of(verify: Verifier, package: str) -> Judge:
    """A judge that believes each message, and not the one that was tampered with."""

    def judge(bench: Bench) -> Ruling:
        bad = [verify(tampered(bench.sample("my-bare").raw)), verify(_renamed(bench))]
        faults = []
        for sample in bench.samples:
            good, said = verify(sample.raw)
            if not good:
                faults.append(f"{sample.name}: {said}")
        refused = "; ".join(said or "no" for good, said in bad if not good)
        refused = refused if not any(good for good, _ in bad) else ""
        return Ruling(
            debian_version(package), refused, faults, f"{len(bench.samples)} messages, two keys"
        )

    return judge


def _renamed(bench: Bench) -> bytes:
    """With another subject put before ours."""
    return b"Subject: Win a prize\r\n" + bench.sample("en-bare").raw


def mailauth(bench: Bench) -> Ruling:
    """Every message as mailauth sees it come from our host."""
    bad_host = _faults(_report(bench, bench.sample("en-bare").raw, _STRANGER), one_click=True)
    unsigned = _without_one_click(bench, bench.sample("en-bare").raw)
    bad_list = _faults(_report(bench, unsigned, SENDER_IP), one_click=True, keys=1)
    bad_list = bad_list if all("not signed" in fault for fault in bad_list) else []
    faults = [
        f"{sample.name}: {fault}"
        for sample in bench.samples
        for fault in _faults(_report(bench, sample.raw, SENDER_IP), one_click=sample.is_of_list)
    ]
    refused = f"{bad_host[0]}; {bad_list[0]}" if bad_host and bad_list else ""
    return Ruling(npm_version("mailauth"), refused, faults, f"{len(bench.samples)} messages")


def _report(bench: Bench, message: bytes, ip: str) -> dict[str, Any]:
    program = NODE_HOME / "node_modules" / "mailauth" / "bin" / "mailauth.js"
    file = bench.file("mailauth.eml", message)
    words = ("report", "-i", ip, "-e", MAIL_HOST, "-f", BOUNCES, "-m", MAIL_HOST, file)
    result = run(NODE, program, *words)
    if result.returncode:
        raise CannotJudge(f"mailauth: {result.stderr.decode()[-300:]}")
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def _faults(report: dict[str, Any], *, one_click: bool, keys: int = 2) -> list[str]:
    results = {what: report[what]["status"]["result"] for what in ("spf", "dmarc")}
    found = [f"{what} {result}" for what, result in results.items() if result != "pass"]
    for signature in report["dkim"]["results"]:
        result, kind = signature["status"]["result"], signature["algo"]
        aligned = signature["status"].get("aligned")
        if result != "pass" or not aligned:
            found.append(f"dkim of {kind} {result}, aligned: {aligned}")
        listed = signature["signingHeaders"]["keys"].lower().replace(" ", "").split(":")
        missing = [name for name in _ONE_CLICK if name not in listed]
        if one_click and missing:
            found.append(f"{', '.join(missing)} not signed by {kind}")
    if len(report["dkim"]["results"]) != keys:
        found.append(f"{len(report['dkim']['results'])} signatures")
    return found


_FORGETFUL = """import dkim, sys
key, selector, domain = sys.argv[1:]
names = [b"from", b"to", b"subject", b"date", b"message-id"]
message = sys.stdin.buffer.read()
sys.stdout.buffer.write(dkim.sign(message, selector.encode(), domain.encode(),
    open(key, "rb").read(), include_headers=names) + message)"""


def _without_one_click(bench: Bench, signed: bytes) -> bytes:
    """The message signed anew by dkimpy, which is told nothing of the headers of one-click."""
    key = signer().keys[0]
    file = bench.file("forgetful.pem", dkim_keys.pem(key.private))
    plain = signed[signed.index(b"\r\nFrom:") + 2 :]
    words = ("/usr/bin/python3", "-c", _FORGETFUL, file, key.selector, bench.domain)
    result = run(*words, given=plain)
    if result.returncode:
        raise CannotJudge(f"dkimpy: {result.stderr.decode()[-200:]}")
    return result.stdout


SIGNATURES: dict[str, Judge] = {
    "dkimpy": judge_of(dkimpy, "python3-dkim"),
    "opendkim": judge_of(opendkim, "opendkim-tools"),
    "mail-dkim": judge_of(mail_dkim, "libmail-dkim-perl"),
    "mailauth": mailauth,
}
