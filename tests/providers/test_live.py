"""With keys in the environment: real providers take a real message. Without: each is skipped aloud.

    LIVE_FROM=desk@example.org LIVE_MAILGUN__KEY=… LIVE_MAILGUN__DOMAIN=mg.example.org \
        make test   # or: pytest -m live

`LIVE_SECTION__KEY` is the setting `section.key`. LIVE_FROM must be verified with the provider;
LIVE_TO is needed only where the provider has no address that swallows mail. Postmark's own
`LIVE_POSTMARK__KEY=POSTMARK_API_TEST` checks a message without sending it.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from newsletter.core.addresses import Address
from newsletter.core.settings import Settings, load
from newsletter.providers.base import Envelope, NotConnected
from newsletter.providers.registry import OVER_HTTP, build
from newsletter.rendering import headers
from tests.providers.contract import failed

_SINKS = {
    "ses": "success@simulator.amazonses.com",
    "sparkpost": "anybody@example.org.sink.sparkpostmail.com",
    "resend": "delivered@resend.dev",
    "postmark": "test@blackhole.postmarkapp.com",
}


def _settings(name: str, home: Path, **changed: str) -> Settings:
    prefix = f"LIVE_{name.upper()}__"
    given = {k: v for k, v in os.environ.items() if k.startswith(prefix)}
    if not given or "LIVE_FROM" not in os.environ:
        pytest.skip(f"live: set LIVE_FROM and {prefix}… to send by {name}")
    environ = {k.replace("LIVE_", "NEWSLETTER_", 1): v for k, v in {**given, **changed}.items()}
    return load(home, {**environ, "NEWSLETTER_DELIVERY__PROVIDER": name})


def _message(name: str) -> Envelope:
    sender = os.environ["LIVE_FROM"]
    to = os.environ.get("LIVE_TO") or _SINKS.get(name)
    if to is None:
        pytest.skip(f"live: set LIVE_TO to send by {name}")
    lines = [
        headers.mailbox("From", "အပတ်စဉ် သတင်းလွှာ", sender),
        headers.mailbox("To", "", to),
        headers.unstructured("Subject", "မိုး Rain"),
        headers.date(datetime.now(UTC)),
        headers.message_id(f"{uuid4().hex}@{sender.rpartition('@')[2]}"),
        headers.list_unsubscribe([f"https://{sender.rpartition('@')[2]}/u/x", f"mailto:{sender}"]),
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        "MIME-Version: 1.0",
        'Content-Type: multipart/alternative; boundary="b"',
        *("", "--b", "Content-Type: text/plain; charset=utf-8", "", "A live test."),
        *("--b", "Content-Type: text/html; charset=utf-8", "", "<p>A live test.</p>", "--b--", ""),
    ]
    return Envelope(1, sender, Address(to), "\r\n".join(lines).encode())


@pytest.mark.live
@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_real_provider_takes_a_message_and_knows_it_again(name: str, tmp_path: Path) -> None:
    provider = build(_settings(name, tmp_path))
    one = _message(name)
    connection = provider.connect()
    answers = [connection.submit(one, lambda: None)]
    if provider.repeats_safely_for:
        answers.append(connection.submit(one, lambda: None))
    connection.close()
    assert len(set(answers)) == 1, "a second try inside the key's life got another mail out"


@pytest.mark.live
@pytest.mark.parametrize("name", OVER_HTTP)
def test_a_real_provider_turns_a_wrong_key_away(name: str, tmp_path: Path) -> None:
    key = "secret_key" if name == "ses" else "key"
    provider = build(_settings(name, tmp_path, **{f"LIVE_{name.upper()}__{key.upper()}": "wrong"}))
    connection = provider.connect()
    error = failed(lambda: connection.submit(_message(name), lambda: None))
    connection.close()
    assert error.halts
    assert not isinstance(error, NotConnected)
