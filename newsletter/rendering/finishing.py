"""The last hand on finished HTML: what neither templates nor MJML can give each element.

Mail programs that drop `<style>` must still break lines, keep tables in their width and colour
links, so these stand at the elements themselves. Nothing here changes what a page says.
"""

from __future__ import annotations

import re
from functools import partial

from newsletter.language.line_breaks import hold_together
from newsletter.rendering.look import HOUSE

HOLD = '<span style="white-space:nowrap">'
"""Opens what must stay on one line, where styles may stand in the markup."""
_PIECES = re.compile(
    r"<!--.*?-->"
    r"|<(?P<mute>title|style|script|textarea)\b.*?</(?P=mute)\s*>"
    r"|<div style=\"display:none[^>]*>[^<]*</div>"
    r"|<[A-Za-z/!](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>"
    r"|(?P<text>[^<]+)",
    re.DOTALL,
)
_ELEMENT = re.compile(r"<(a|table|div)(?=[\s>])((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
_STYLE = re.compile(r"(\sstyle=\")([^\"]*)")
_RULE = re.compile(r"([^{}]+)\{([^{}]*)\}")
_REFERENCE = re.compile("&#x(10[0-9a-f]{2}|a9[ef][0-9a-f]|aa[67][0-9a-f]);")


def keep_together(html: str, opening: str = HOLD) -> str:
    """The page with every Burmese syllable that browsers tear in an element of its own.

    `opening` is the tag of that `<span>`; the text, attributes, title and styles stay as they are.
    """

    def held(found: re.Match[str]) -> str:
        if found["text"] is None:
            return found[0]
        return hold_together(found[0], lambda piece: f"{opening}{piece}</span>")

    return _PIECES.sub(held, html)


def finish_mail(html: str, link: str = HOUSE.light.link) -> str:
    """A mail as it leaves the compiler, made sound for programs that drop its style sheet.

    Links carry their colour, `link`, tables their fixed layout (or one long word widens the
    mail), text may break inside such a word, and letters of the Myanmar block take three bytes,
    not eight.
    """
    head, body, rest = html.partition("<body")
    readable = _REFERENCE.sub(lambda found: chr(int(found[1], 16)), body + rest)
    return head + keep_together(_PIECES.sub(partial(_styled, link), readable))


def styles_of(sheet: str) -> dict[str, str]:
    """What a plain style sheet (`h2,h3{margin:0}`) says of each element, for its attribute."""
    rules = _RULE.findall(re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL))
    return {name.strip(): said.strip() for names, said in rules for name in names.split(",")}


def _styled(link: str, piece: re.Match[str]) -> str:
    element = _ELEMENT.fullmatch(piece[0])
    if element is None:
        return piece[0]
    tag, attributes = element[1], element[2]
    style = _STYLE.search(attributes)
    wanted = _wanted(tag, style[2] if style else "", link)
    if not wanted:
        return piece[0]
    if style is None:
        return f'<{tag}{attributes} style="{wanted}">'
    both = f"{style[2].rstrip('; ')};{wanted}".lstrip(";")
    return f"<{tag}{attributes[: style.start(2)]}{both}{attributes[style.end(2) :]}>"


def _wanted(tag: str, style: str, link: str) -> str:
    """What an element lacks: mrml marks the `<div>` of a text by its font family."""
    if tag == "a":
        return "" if re.search(r"(?:^|;)\s*color:", style) else f"color:{link}"
    if tag == "table":
        return "table-layout:fixed"
    return "overflow-wrap:break-word" if style.startswith("font-family:") else ""
