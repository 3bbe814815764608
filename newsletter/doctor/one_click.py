"""The address readers leave by, judged by how it answers: RFC 8058 allows no redirect and no step.

Only test tokens are used: they open the page and can do nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.core.http import Reply
from newsletter.doctor.findings import Finding, Verdict

BODY = b"List-Unsubscribe=One-Click"
FORM = "application/x-www-form-urlencoded"
_SUBJECT = "one-click unsubscribe"
_SOURCE = "RFC 8058 §3.1, §3.2; Google 81126"
_PROXY = "let the proxy in front pass /u/ on as it is, without redirect, login or cookie"


@dataclass(frozen=True)
class Tried:
    """What came back from a GET and a POST to the same test link."""

    shown: Reply
    pressed: Reply


def judged(tried: Tried) -> list[Finding]:
    """The button of mail programs (POST) and the page (GET)."""
    return [_pressed(tried.pressed), _shown(tried.shown)]


def _pressed(reply: Reply) -> Finding:
    rule = "a POST leaves at once: no redirect, no login, no cookie"
    if 200 <= reply.status <= 299:
        text = f"a press is answered {reply.status} at once"
        return Finding(_SUBJECT, Verdict.GOOD, text, rule=rule, source=_SOURCE)
    if 300 <= reply.status <= 399:
        where = reply.headers.get("location", "elsewhere")
        text = f"a press is sent on to {where[:120]} ({reply.status}), and mail programs give up"
        return Finding(_SUBJECT, Verdict.BAD, text, _PROXY, rule, _SOURCE)
    return Finding(
        _SUBJECT,
        Verdict.BAD,
        f"a press is answered {reply.status}, so nobody can leave by it",
        f"{_PROXY}; the service behind it must be this one, with this database",
        rule,
        _SOURCE,
    )


def _shown(reply: Reply) -> Finding:
    subject = "unsubscribe page"
    rule = "a GET shows a page and changes nothing: scanners open every link"
    if reply.status != 200:
        text = f"the page is answered {reply.status}"
        return Finding(subject, Verdict.BAD, text, _PROXY, rule, _SOURCE)
    page = reply.body.decode("utf-8", "replace").lower()
    if 'method="post"' not in page:
        text = "the page has no button that posts; something else than this service answers"
        return Finding(subject, Verdict.BAD, text, _PROXY, rule, _SOURCE)
    if "noindex" not in reply.headers.get("x-robots-tag", ""):
        text = "the page is shown, and search engines may keep it (no X-Robots-Tag)"
        remedy = "let the proxy pass the header X-Robots-Tag on"
        return Finding(subject, Verdict.WARNING, text, remedy, rule, _SOURCE)
    return Finding(subject, Verdict.GOOD, "it is shown, and waits", rule=rule, source=_SOURCE)


def hsts(reply: Reply) -> Finding | None:
    """A hint: browsers that were here once never go in clear again."""
    if "strict-transport-security" in reply.headers:
        return None
    return Finding(
        "public address",
        Verdict.GOOD,
        "it does not ask browsers to stay with https",
        "with the header Strict-Transport-Security from the proxy they do (RFC 6797)",
    )
