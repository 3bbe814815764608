"""What we promise every reader, checked on each edition whoever wrote the templates.

Nothing in a mail is fetched from anywhere (an opened mail must tell nobody), and every mail
lets its reader leave.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from newsletter.core.errors import RenderError
from newsletter.rendering.content import UNSUBSCRIBE_URL

_ATTRIBUTES = r"(?:[^>\"']|\"[^\"]*\"|'[^']*')*?"
"""What an attribute says in its quotation marks may look like another one, and is none."""
_REMOTE = re.compile(
    r"<(?:script|iframe|object|embed|video|audio|form|link|base)\b"
    rf"|<[a-z]{_ATTRIBUTES}\s(?:src|srcset|background|poster)\s*=\s*[\"']?\s*(?!cid:|data:)"
    r"[^\s\"'>]"
    rf"|<[a-z]{_ATTRIBUTES}\sstyle\s*=\s*\"[^\"]*url\("
    r"|<meta[^>]*http-equiv\s*=\s*[\"']?refresh"
    r"|<style[^>]*>[^<]*(?:url\(|@import)",
    re.IGNORECASE,
)


def require_kept(html: str, text: str, hosted: Iterable[str] = ()) -> None:
    """RenderError when a mail would fetch or run something, or has no way out.

    `hosted` are addresses of our own pictures where an editor lets mails fetch them.
    """
    shown = html
    for address in hosted:
        shown = shown.replace(f'src="{address}"', 'src="cid:"')
    refuse_remote(shown)
    if UNSUBSCRIBE_URL not in html or UNSUBSCRIBE_URL not in text:
        raise RenderError(
            "mail/footer.*",
            None,
            "there is no unsubscribe link; write {{ unsubscribe_url }} into it",
        )


def refuse_remote(html: str) -> None:
    """RenderError when a mail would fetch or run something."""
    remote = _REMOTE.search(html)
    if remote:
        around = html[max(remote.start(), remote.end() - 50) : remote.end() + 40]
        raise RenderError(
            "mail/*", None, f"a mail may fetch and run nothing; take out what is at {around!r}"
        )
