"""Whether a provider knows our key, by a question about the account itself that changes nothing.

A key that may do no more than send is a good key: Resend and SES tell such a one from a wrong one.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from newsletter.core.http import Client, Limits, NoAnswer, Reply
from newsletter.core.provider_settings import Http
from newsletter.providers.looking_up import Question
from newsletter.providers.sigv4 import Credentials, signed

_MAY_ONLY_SEND = ("restricted_api_key", "AccessDeniedException")


@dataclass(frozen=True)
class Heard:
    """What a provider said: `good` is None when it said nothing of the key; `date` is its clock."""

    good: bool | None
    words: str
    date: str = ""


def knocked(kind: str, section: Any, endpoint: str, http: Http, now: datetime) -> Heard:
    """Ask a provider whether it knows our key; never raises for what the other side does."""
    question = _question(kind, section, endpoint, now)
    if question is None:
        return Heard(None, "it cannot be asked; whether its key is good the first message tells")
    limits = Limits(http.connect_timeout, http.write_timeout, http.answer_timeout)
    client = Client(limits=limits, proxy=http.proxy)
    try:
        reply = client.get(question.url, question.headers)
    except NoAnswer as err:
        return Heard(None, err.cause)
    finally:
        client.close()
    return judged(reply)


def judged(reply: Reply) -> Heard:
    """What its answer says of the key."""
    date = reply.headers.get("date", "")
    said = _object(reply.body)
    kind = reply.headers.get("x-amzn-errortype", "") or str(said.get("name", ""))
    if 200 <= reply.status <= 299:
        return Heard(True, "it knows the key", date)
    if reply.status in (401, 403):
        if any(word in kind for word in _MAY_ONLY_SEND):
            return Heard(True, "it knows the key, which may do no more than send", date)
        if reply.status == 403 and not kind:
            return Heard(None, "it answers 403: the key may not be enough to ask", date)
        return Heard(False, f"it refuses the key (it answers {reply.status})", date)
    return Heard(None, f"it answers {reply.status}", date)


def _question(kind: str, section: Any, endpoint: str, now: datetime) -> Question | None:
    if kind == "ses":
        return _to_ses(section, endpoint, now)
    path, headers = {
        "mailgun": ("/v3/domains/{domain}", {"Authorization": "Basic {login}"}),
        "sparkpost": ("/api/v1/account", {"Authorization": "{key}"}),
        "resend": ("/domains", {"Authorization": "Bearer {key}"}),
        "postmark": ("/server", {"X-Postmark-Server-Token": "{key}"}),
        "brevo": ("/v3/account", {"api-key": "{key}"}),
    }.get(kind, ("", {}))
    if not path:
        return None
    login = base64.b64encode(f"api:{section.key}".encode()).decode()
    values = {"key": section.key, "login": login, "domain": quote(getattr(section, "domain", ""))}
    filled = {name: value.format(**values) for name, value in headers.items()}
    return Question(f"{endpoint}{path.format(**values)}", {**filled, "Accept": "application/json"})


def _to_ses(section: Any, endpoint: str, now: datetime) -> Question:
    url = f"{endpoint}/v2/email/account"
    credentials = Credentials(section.access_key, section.secret_key, section.session_token)
    headers = signed(
        url,
        {},
        b"",
        credentials=credentials,
        region=section.region,
        service="ses",
        now=now,
        method="GET",
    )
    return Question(url, headers)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
