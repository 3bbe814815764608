"""SpamAssassin and rspamd, with SPF, DKIM and DMARC for real: how do they rate a message of ours?

rspamd rates combining marks as a mixture of scripts (its issue 5799), so Burmese has 3 to 5 points
there whatever is written; that one rule is taken off. Rules that call the documentation addresses
of the judges' network odd are off in both.
"""

from __future__ import annotations

import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from tests.judges.bench import Bench, CannotJudge, clean_environment, debian_version, run
from tests.judges.ruling import Ruling
from tests.judges.samples import BOUNCES, DNS_IP, MAIL_HOST, SENDER_IP, Sample

ASSASSIN_LIMIT, RSPAMD_LIMIT = 0.5, 0.0
_RSPAMD_AT = ("127.0.0.1", 11333)
_BURMESE_OFFSET = "R_MIXED_CHARSET"
_WANTED = {"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"}
_WANTED_OF_LISTS = {"HAS_LIST_UNSUB", "MAILLIST"}
_UNWANTED = re.compile(r"MISSING_|BROKEN_|SUBJ_EXCESS|SUBJECT_NEEDS_ENCODING|R_BAD_CTE")
_BAD = """From: "Prize Office" <win@elsewhere.example>
Subject: =?utf-8?B?WU9VIFdPTiAkMSwwMDAsMDAwISEh?=
Content-Type: text/html; charset=us-ascii

<html><body><font size=7 color=white>hidden</font><a href="http://192.0.2.1/x.exe">CLICK HERE</a>
Dear friend, you have won a million dollars, no obligation, act now, 100% free viagra!</body></html>
"""
_ASSASSIN = f"""dns_server {DNS_IP}
skip_rbl_checks 1
use_bayes 0
use_razor2 0
use_pyzor 0
use_dcc 0
trusted_networks 127.0.0.0/8
report_safe 0
score RCVD_ILLEGAL_IP 0
"""
_RSPAMD = {
    "options.inc": f'dns {{ nameserver = ["{DNS_IP}:53"]; timeout = 2s; retransmits = 1; }}\n'
    'local_addrs = ["127.0.0.0/8"];\nhs_cache_dir = "{scratch}/hs";\n'
    'tempdir = "{scratch}";\nurl_tld = "{scratch}/suffixes";\ndisable_hyperscan = true;\n',
    "logging.inc": 'type = "file"; filename = "{scratch}/log"; level = "warning";\n',
    "worker-normal.inc": 'bind_socket = "127.0.0.1:11333"; count = 1;\n',
    "worker-controller.inc": "enabled = false;\n",
    "worker-proxy.inc": "enabled = false;\n",
    "worker-fuzzy.inc": "enabled = false;\n",
    **{
        f"{name}.conf": "enabled = false;\n"
        for name in (
            *("rbl", "surbl", "fuzzy_check", "phishing", "asn", "mx_check", "neural", "greylist"),
            *("ratelimit", "reputation", "replies", "history_redis", "bimi", "dkim_signing", "arc"),
            *("milter_headers", "url_redirector", "rspamd_update"),
        )
    },
}


def received(message: bytes) -> bytes:
    """As it lies before a filter: with what the receiving host wrote on top."""
    head = (
        f"Return-Path: <{BOUNCES}>\r\n"
        f"Received: from {MAIL_HOST} ({MAIL_HOST} [{SENDER_IP}])\r\n"
        "\tby mx.example.net (Postfix) with ESMTPS id 4F2A\r\n"
        f"\tfor <reader@example.net>; {format_datetime(datetime.now(UTC))}\r\n"
    )
    return head.encode() + message


def spamassassin(bench: Bench) -> Ruling:
    """At most half a point, and SPF, DKIM and DMARC seen to pass."""
    messages = [_BAD.encode(), *(sample.raw for sample in bench.samples)]
    (bad, _), *rated = _rated(bench, messages)
    faults, scores = [], {}
    for sample, (score, rules_hit) in zip(bench.samples, rated, strict=True):
        scores[sample.name] = score
        missing = {"DKIM_VALID_AU", "SPF_PASS", "DMARC_PASS"} - set(rules_hit)
        if score > ASSASSIN_LIMIT or missing:
            faults.append(f"{sample.name}: {score}: {_costly(rules_hit)} lacks {sorted(missing)}")
    refused = f"{bad} points" if bad > 5 else ""
    return Ruling(debian_version("spamassassin"), refused, faults, _range(scores))


def _rated(bench: Bench, messages: list[bytes]) -> list[tuple[float, dict[str, float]]]:
    """Points and rules of each message, all in one go, because its rules take seconds to load."""
    rules = bench.file("sa/local.cf", _ASSASSIN)
    files = [bench.file(f"sa/{n:02}", received(message)) for n, message in enumerate(messages)]
    home = {"HOME": str(bench.scratch / "sa")}
    words = ("spamassassin", "--test-mode", f"--prefspath={rules}", *files)
    result = run(*words, environment=home, timeout=300)
    text = result.stdout.decode(errors="replace")
    status = re.findall(r"^X-Spam-Status: .*?score=(-?[\d.]+)", text, re.MULTILINE | re.DOTALL)
    reports = text.split("Content analysis details")[1:]
    if len(status) != len(messages) or len(reports) != len(messages):
        raise CannotJudge(f"SpamAssassin: {result.stderr.decode()[-300:] or text[:300]}")
    row = re.compile(r"^\s*(-?\d+\.\d+)\s+([A-Z][A-Z0-9_]+)\s", re.MULTILINE)
    return [
        (float(score), {name: float(points) for points, name in row.findall(report)})
        for score, report in zip(status, reports, strict=True)
    ]


def rspamd(bench: Bench) -> Ruling:
    """At most nothing, net of the Burmese offset."""
    with _running(bench) as rated:
        bad = _net(rated(_BAD.encode()))
        faults, scores, offsets = [], {}, []
        for sample in bench.samples:
            symbols = rated(sample.raw)
            scores[sample.name] = _net(symbols)
            offsets.append(symbols.get(_BURMESE_OFFSET, 0.0))
            faults += _faults(sample, symbols)
    refused = f"{bad:.1f} points" if bad > 5 else ""
    figures = f"{_range(scores)} net of the Burmese offset of up to {max(offsets):.1f}"
    return Ruling(debian_version("rspamd"), refused, faults, figures)


def _net(symbols: dict[str, float]) -> float:
    return sum(points for name, points in symbols.items() if name != _BURMESE_OFFSET)


def _faults(sample: Sample, symbols: dict[str, float]) -> list[str]:
    wanted = _WANTED | _WANTED_OF_LISTS if sample.is_issue else _WANTED
    found = [f"{sample.name}: lacks {name}" for name in sorted(wanted - set(symbols))]
    found += [f"{sample.name}: {name}" for name in symbols if _UNWANTED.match(name)]
    if _net(symbols) > RSPAMD_LIMIT:
        found.append(f"{sample.name}: {_net(symbols):.2f}: {_costly(symbols)}")
    return found


def _costly(rules: dict[str, float]) -> str:
    return ", ".join(f"{name} {points}" for name, points in rules.items() if points > 0)


def _range(scores: dict[str, float]) -> str:
    worst = max(scores, key=lambda name: scores[name])
    return f"{min(scores.values()):.2f} to {scores[worst]:.2f} points ({worst})"


@contextmanager
def _running(bench: Bench) -> Iterator[Any]:
    """A server with the packaged rules; gives the symbols of a message with their points."""
    home = bench.scratch / "rspamd"
    local = home / "local.d"
    local.mkdir(parents=True)
    home.chmod(0o777)
    # The whole list of suffixes takes half a minute to compile.
    (home / "suffixes").write_text("com\nnet\norg\nexample\n")
    for name, text in _RSPAMD.items():
        (local / name).write_text(text.replace("{scratch}", str(home)))
    process = subprocess.Popen(
        [
            *("rspamd", "-f", "-i", "-c", "/etc/rspamd/rspamd.conf", "-p", str(home / "pid")),
            *(f"--var=LOCAL_CONFDIR={home}", f"--var=DBDIR={home}", f"--var=RUNDIR={home}"),
            *("-u", "nobody", "-g", "nogroup"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=clean_environment(),
    )
    try:
        _wait(process, home / "log")
        yield _symbols
    finally:
        process.terminate()
        process.wait(timeout=20)


def _symbols(message: bytes) -> dict[str, float]:
    words = (
        *("rspamc", "--connect", "127.0.0.1:11333", "--json", "--ip", SENDER_IP),
        *("--helo", MAIL_HOST, "--hostname", MAIL_HOST, "--from", BOUNCES),
        *("--rcpt", "reader@example.net", "symbols"),
    )
    told = json.loads(run(*words, given=received(message)).stdout or b"{}")
    if "symbols" not in told:
        raise CannotJudge(f"rspamd gave no symbols: {str(told)[:200]}")
    return {name: float(one["score"]) for name, one in told["symbols"].items()}


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + 90
    while time.monotonic() < until and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(_RSPAMD_AT) == 0:
                return
        time.sleep(0.2)
    raise CannotJudge(f"rspamd did not start: {log.read_text()[-500:] if log.exists() else '-'}")
