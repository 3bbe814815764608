"""What every mail owes its reader, looked for in the finished thing. Pure.

A way out that works and a postal address (RFC 8058, the laws on bulk mail), nothing fetched from
elsewhere, and words for whatever is only to be seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from newsletter.editorial.checks import Problem
from newsletter.editorial.preflight.pages import Page

_INSIDE = ("cid:", "data:")
_STYLE_URL = "url("


@dataclass(frozen=True, slots=True)
class Owed:
    """What must be found: each reader's own link to leave, and one of these postal addresses."""

    leave_url: str
    postal_addresses: Collection[str]
    hosted: Collection[str] = ()
    """Pictures of ours that may be fetched, when the publication hosts them."""


def of_page(page: Page, html: str, owed: Owed) -> Iterator[Problem]:
    """What the HTML lacks, or fetches."""
    hrefs = {anchor.href for anchor in page.anchors}
    if owed.leave_url not in hrefs:
        yield _no_way_out("HTML")
    if not _holds(page.text, owed.postal_addresses):
        yield _no_address("HTML")
    yield from _fetched(page, owed)
    yield from _pictures(page)
    yield from _language(page)
    if "\\u{" in html:
        text = "letters came out as \\u{…} codes, which readers would see"
        yield Problem("error", "page", text, "report this; an attribute of a template", "page")


def of_text(text: str, owed: Owed) -> Iterator[Problem]:
    """What the plain text lacks."""
    lines = {line.strip() for line in text.splitlines()}
    if owed.leave_url not in lines:
        yield _no_way_out("plain text")
    if not _holds(text, owed.postal_addresses):
        yield _no_address("plain text")


def _no_way_out(where: str) -> Problem:
    text = f"the {where} has no link to leave"
    remedy = "write {{ unsubscribe_url }} into mail/footer.* (in the text on a line of its own)"
    return Problem("error", where, text, remedy, "way out and postal address")


def _no_address(where: str) -> Problem:
    text = f"the {where} shows no postal address, which mail to many people must carry"
    remedy = "give one with 'newsletter publication set postal_addresses.en \"…\"', and show it"
    return Problem("error", where, text, remedy, "way out and postal address")


def _holds(text: str, addresses: Collection[str]) -> bool:
    shown = "".join(text.split())
    return any("".join(one.split()) in shown for one in addresses if one.strip())


def _fetched(page: Page, owed: Owed) -> Iterator[Problem]:
    for tag, address in page.fetched:
        ours = tag == "img" and address in owed.hosted
        if not address.startswith(_INSIDE) and not ours:
            yield _remote(f"<{tag}> fetches {address[:80]}")
    for style in (*page.sheets, *page.inline):
        if _STYLE_URL in style or "@import" in style:
            yield _remote("a style fetches something (url or @import)")


def _remote(text: str) -> Problem:
    remedy = "take it out of the template: a mail that is opened must tell nobody"
    return Problem("error", "page", text, remedy, "remote references")


def _pictures(page: Page) -> Iterator[Problem]:
    for tag, given in page.elements:
        if tag != "img":
            continue
        name = given.get("src", "")[:60]
        if "alt" not in given:
            text = f"the picture {name} has no words for those who do not see it"
            remedy = 'give the image an alt="…" in the template, empty where it says nothing'
            yield Problem("error", "page", text, remedy, "alternative text")
        if not (given.get("width", "").isdigit() and given.get("height", "").isdigit()):
            text = f"the picture {name} has no width and height in pixels"
            remedy = "give both: without them some programs draw a huge empty box"
            yield Problem("warning", "page", text, remedy, "alternative text")


def _language(page: Page) -> Iterator[Problem]:
    told = next((given.get("lang", "") for tag, given in page.elements if tag == "html"), "")
    if not told:
        text = "the page does not say in which language it is"
        yield Problem("warning", "page", text, 'write <html lang="…">', "page")
