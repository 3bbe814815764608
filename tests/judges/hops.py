"""A real Postfix on the way: signatures hold beyond an 8-bit and a 7-bit hop.

It relays to two receivers, one that offers 8BITMIME and one that does not. The bad sample is a
signed message with a long 8-bit line: Postfix folds it for the one and encodes it anew for the
other, and either breaks the signature.
"""

from __future__ import annotations

import os
import pwd
import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.judges.bench import Bench, CannotJudge, debian_version
from tests.judges.ruling import Ruling
from tests.judges.samples import BOUNCES, DOMAIN, MAIL_HOST, RECEIVER_IP, SENDER_IP, signer
from tests.judges.signatures import dkimpy, opendkim

_HOPS = {"eight.example.net": 2525, "seven.example.net": 2526}
_SERVICES = """\
{ip}:25 inet n - n - - smtpd
cleanup   unix n - n - 0 cleanup
qmgr      unix n - n 300 1 qmgr
rewrite   unix - - n - - trivial-rewrite
bounce    unix - - n - 0 bounce
defer     unix - - n - 0 bounce
trace     unix - - n - 0 bounce
verify    unix - - n - 1 verify
proxymap  unix - - n - - proxymap
smtp      unix - - n - - smtp
relay     unix - - n - - smtp
error     unix - - n - - error
retry     unix - - n - - error
anvil     unix - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""
_SETTINGS = """\
compatibility_level = 3.6
queue_directory = {base}/queue
data_directory = {base}/data
maillog_file = {base}/log
maillog_file_prefixes = {base}
myhostname = {host}
inet_interfaces = {ip}
inet_protocols = ipv4
mynetworks = {ip}/32
mydestination =
alias_maps =
alias_database =
relay_domains = example.net
relay_recipient_maps =
transport_maps = inline:{{{transports}}}
smtp_tls_security_level = none
smtp_dns_support_level = disabled
smtp_address_preference = ipv4
default_process_limit = 10
"""
_BAD_BODY = ("<p>" + "မြန်မာစာ " * 60 + "</p>\r\n").encode() * 3
_BAD = (
    f"From: a@{DOMAIN}\r\nTo: reader@example.net\r\nSubject: bad\r\n"
    f"Date: Fri, 20 Nov 2026 02:30:00 +0000\r\nMessage-ID: <bad@{DOMAIN}>\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
).encode() + _BAD_BODY


def judge(bench: Bench) -> Ruling:
    """Each message over both hops, judged by dkimpy and opendkim at the far end."""
    bad = signer().sign(_BAD)
    if not dkimpy(bad)[0]:
        raise CannotJudge("the bad sample was bad before it left")
    wanted = {"bad": bad, **{sample.name: sample.raw for sample in bench.samples}}
    with ExitStack() as held:
        boxes = {hop: held.enter_context(_receiver(hop, bench.scratch)) for hop in _HOPS}
        held.enter_context(_relay())
        _send(wanted)
        arrived = {hop: _arrived(box, set(wanted)) for hop, box in boxes.items()}
    broken = [hop for hop, found in arrived.items() if not _holds(found["bad"])]
    faults = [
        f"{name}: the signature did not live through {hop}"
        for hop, found in arrived.items()
        for name, message in found.items()
        if name != "bad" and not _holds(message)
    ]
    refused = f"broken on the way to {' and '.join(broken)}" if len(broken) == len(_HOPS) else ""
    return Ruling(
        debian_version("postfix"), refused, faults, f"{len(wanted) - 1} messages, two hops"
    )


def _holds(message: bytes) -> bool:
    return dkimpy(message)[0] and opendkim(message)[0]


def _send(messages: dict[str, bytes]) -> None:
    """Bytes as they are, each to both hops; the name stands in the recipient's address."""
    with smtplib.SMTP(SENDER_IP, 25, timeout=30) as line:
        for name, raw in messages.items():
            for hop in _HOPS:
                options = ["BODY=8BITMIME"] if not raw.isascii() else []
                line.sendmail(BOUNCES, [f"{name}@{hop}"], raw, mail_options=options)


def _arrived(box: Path, names: set[str]) -> dict[str, bytes]:
    """What came, by name; smtp-sink writes lines of its own before the message."""
    until = time.monotonic() + 60
    found: dict[str, bytes] = {}
    while set(found) < names:
        if time.monotonic() > until:
            raise CannotJudge(f"Postfix did not deliver {', '.join(sorted(names - set(found)))}")
        time.sleep(0.1)
        for file in box.iterdir():
            text = file.read_bytes()
            if not text.endswith(b"\n\n"):
                continue
            _, _, rest = text.partition(b"X-Rcpt-Args: <")
            name = rest.partition(b"@")[0].decode()
            message = rest.partition(b"\n")[2][:-1]
            found[name] = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return found


@contextmanager
def _receiver(hop: str, scratch: Path) -> Iterator[Path]:
    """smtp-sink that keeps each message in a file; the 7-bit one does not offer 8BITMIME."""
    program = _program("smtp-sink")
    box = scratch / hop
    box.mkdir()
    box.chmod(0o777)
    seven = ["-8"] if hop.startswith("seven") else []
    words = [program, *seven, "-d", f"{box}/%s.", f"{RECEIVER_IP}:{_HOPS[hop]}", "100"]
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    process = subprocess.Popen([words[0], *user, *words[1:]], stderr=subprocess.DEVNULL)
    try:
        yield box
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def _relay() -> Iterator[None]:
    base = Path(tempfile.mkdtemp(prefix="relay-"))
    base.chmod(0o755)
    owner = pwd.getpwnam("postfix")
    for name in ("config", "queue", "data"):
        (base / name).mkdir()
    os.chown(base / "data", owner.pw_uid, owner.pw_gid)
    transports = ", ".join(
        f"{{ {hop} = smtp:[{RECEIVER_IP}]:{port} }}" for hop, port in _HOPS.items()
    )
    settings = _SETTINGS.format(base=base, host=MAIL_HOST, ip=SENDER_IP, transports=transports)
    (base / "config" / "main.cf").write_text(settings)
    (base / "config" / "master.cf").write_text(_SERVICES.format(ip=SENDER_IP))
    program = _program("postfix")
    process = subprocess.Popen(
        [program, "-c", str(base / "config"), "start-fg"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait(process, base / "log")
        yield
    finally:
        subprocess.run([program, "-c", base / "config", "stop"], capture_output=True, check=False)
        process.wait(timeout=20)
        shutil.rmtree(base)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            smtplib.SMTP(SENDER_IP, 25, timeout=5).quit()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise CannotJudge(f"Postfix did not start: {log.read_text()[-300:] if log.exists() else '-'}")


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    if found is None:
        raise CannotJudge(f"{name} is not installed (Debian package postfix)")
    return found
