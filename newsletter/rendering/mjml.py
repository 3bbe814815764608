"""MJML to HTML, the only place that knows `mjml` (mrml 6.0.1), and the cures of its faults.

It writes non-ASCII attribute values as `\\u{1019}` and breaks a page whose title holds such:
they become numeric references first, and so does the backslash of an author's own `\\u{`. It
drops unknown tags without a word: a list of the known ones refuses them. Its default fonts are
links to another company: none are allowed. It puts `word-break` on every cell, which some
clients turn into break-all and tear Burmese syllables.
Deep nesting kills the process: only our own templates and bounded Markdown may come here.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser

from mjml import mjml2html

from newsletter.core.errors import RenderError

TAGS = frozenset(
    {
        *("mjml", "mj-head", "mj-title", "mj-preview", "mj-attributes", "mj-all", "mj-class"),
        *(
            "mj-style",
            "mj-raw",
            "mj-breakpoint",
            "mj-body",
            "mj-wrapper",
            "mj-section",
            "mj-column",
        ),
        *("mj-group", "mj-text", "mj-image", "mj-button", "mj-divider", "mj-spacer", "mj-table"),
    }
)
_VOID = frozenset(["area", "br", "col", "hr", "img", "input", "link", "meta", "wbr"])
_TAG = re.compile(r"<(mj[a-z0-9-]*)\b", re.IGNORECASE)
_OPENING = re.compile(r"<[A-Za-z](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>")
_TITLE = re.compile(r"(<mj-title>)(.*?)(</mj-title>)", re.DOTALL)
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
_WORD_BREAK = re.compile(r"word-break:\s*break-word;?")


def compile_mjml(source: str, template: str) -> str:
    """The HTML of a finished MJML document.

    RenderError names `template`, the fault and the line of `source` in which it lies.
    """
    _refuse_unknown_tags(source, template)
    try:
        html: str = mjml2html(_safe(source), disable_comments=True, fonts={})
    except (ValueError, TypeError, RuntimeError) as err:
        line, fault = _fault(source)
        raise RenderError(template, line, f"this is no MJML: {fault or err}") from err
    if "\\u{" in html:
        raise RenderError(template, None, "MJML damaged characters in an attribute")
    return _WORD_BREAK.sub("", html)


def _refuse_unknown_tags(source: str, template: str) -> None:
    for match in _TAG.finditer(source):
        if match[1] not in TAGS:
            line = source.count("\n", 0, match.start()) + 1
            raise RenderError(
                template, line, f"MJML has no tag <{match[1]}> here; it would vanish silently"
            )


def _safe(source: str) -> str:
    own = source.replace("\\u{", "&#92;u{")  # whatever stands in the page then, mrml put there
    safe = _OPENING.sub(lambda match: _references(match[0]), own)
    return _TITLE.sub(_safe_title, safe)


def _safe_title(match: re.Match[str]) -> str:
    # mrml copies the title into an attribute as it stands
    return match[1] + _references(match[2]).replace('"', "&#34;") + match[3]


def _references(text: str) -> str:
    return _NOT_ASCII.sub(lambda match: f"&#x{ord(match[0]):x};", text)


class _Nesting(HTMLParser):
    """Finds the first tag that is not closed, or closes nothing."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, int]] = []
        self.fault: tuple[int, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _VOID:
            self.open.append((tag, self.getpos()[0]))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Opens nothing."""

    def handle_endtag(self, tag: str) -> None:
        if self.fault is None and (not self.open or self.open[-1][0] != tag):
            self.fault = (self.getpos()[0], f"</{tag}> closes nothing that is open here")
            if self.open and any(name == tag for name, _ in self.open):
                name, line = self.open[-1]
                self.fault = (line, f"<{name}> is not closed")
        elif self.open:
            self.open.pop()


def nesting_fault(source: str) -> tuple[int | None, str]:
    """The line and nature of the first tag that is not closed; (None, "") when all are."""
    checker = _Nesting()
    checker.feed(source)
    if checker.fault:
        return checker.fault
    if checker.open:
        name, line = checker.open[-1]
        return line, f"<{name}> is not closed"
    return None, ""


def _fault(source: str) -> tuple[int | None, str]:
    """Where the MJML is wrong; mrml itself only says that it is."""
    line, fault = nesting_fault(source)
    stray = re.search(r"<(?![A-Za-z/!?])", source)
    if fault or stray is None:
        return line, fault
    return source.count("\n", 0, stray.start()) + 1, "a bare '<'"
