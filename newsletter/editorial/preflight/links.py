"""The links of an issue, and what is wrong with one by its looks alone. Pure.

Whether a link opens is another question: see link_states.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from newsletter.core.public_addresses import is_local_name
from newsletter.editorial.checks import Level, Problem
from newsletter.editorial.models import Editorial, Issue, Publication, Resource
from newsletter.editorial.ordering import in_order
from newsletter.editorial.preflight import pages
from newsletter.editorial.preflight.lookalikes import suspicion
from newsletter.rendering import markdown
from newsletter.rendering.edition import web_address

_TRACKING = re.compile(
    r"(utm_\w+|mc_[ce]id|fbclid|gclid|dclid|gbraid|wbraid|msclkid|twclid|igshid|igsh|yclid|mkt_tok|"
    r"_hsenc|_hsmi|ck_subscriber_id|vero_id|oly_(anon|enc)_id|s_cid|wickedid|li_fat_id|ttclid|"
    r"__cft__.*|__tn__|mibextid|ref_src|ref_url)",
    re.IGNORECASE,
)
"""Parameters that say who clicked or where, and change nothing of the page."""
_SAYS_NOTHING = {
    *("here", "click here", "click", "this", "this link", "link", "read more", "more", "see more"),
    *("read", "details", "learn more", "download", "pdf", "page", "website", "source"),
    *("ဒီမှာ", "ဤနေရာ", "ဤနေရာတွင်", "ဤနေရာကို နှိပ်ပါ", "ဒီနေရာကို နှိပ်ပါ", "ဆက်ဖတ်ရန်", "လင့်ခ်"),
}
_REDIRECTORS = frozenset(
    {
        *("bit.ly", "tinyurl.com", "t.co", "goo.gl", "ow.ly", "buff.ly", "is.gd", "t.ly"),
        *("l.facebook.com", "lm.facebook.com", "lnkd.in", "shorturl.at", "cutt.ly", "rebrand.ly"),
    }
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link to another site: where it stands, for readers of which language (None: all)."""

    url: str
    place: str
    text: str
    language: str | None
    mend: str
    """The command that changes it, without the new address."""


def links_of(issue: Issue, publication: Publication) -> list[Link]:
    """All links that an issue's readers will see, of resources first; not those of our own."""
    found = list(_of_resources(in_order(issue.resources)))
    for editorial in issue.editorials:
        if editorial.language in publication.languages:
            found += _of_editorial(editorial, issue)
    for language, text in publication.about.items():
        mend = f"'newsletter publication set about.{language} \"…\"'"
        found += _in_text(text, f"about {language}", language, mend)
    return found


def judge(found: Iterable[Link]) -> Iterator[Problem]:
    """Everything that a link's address and words tell by themselves."""
    for link in found:
        yield from _address(link)
        yield from _words(link)


def without_tracking(url: str) -> str:
    """The same address without the parameters that tell who clicked; as it is without any."""
    parts = urlsplit(url)
    given = parts.query.split("&")
    kept = [one for one in given if not _TRACKING.fullmatch(one.partition("=")[0])]
    fragment = "" if _TRACKING.match(parts.fragment.partition("=")[0]) else parts.fragment
    if len(kept) == len(given) and fragment == parts.fragment:
        return url
    return urlunsplit((*parts[:3], "&".join(kept), fragment))


def _of_resources(resources: Iterable[Resource]) -> Iterator[Link]:
    for resource in resources:
        place = f"resource {resource.id}"
        for language, url in resource.urls.items():
            if not url:
                continue
            title = resource.titles.get(language) or next(iter(resource.titles.values()), "")
            mend = f"'newsletter resources edit {resource.id} --url-in {language}=…'"
            # Readers of another language get it too where theirs has no link.
            alone = language if len([u for u in resource.urls.values() if u]) > 1 else None
            yield Link(url, place, title, alone, mend)


def _of_editorial(editorial: Editorial, issue: Issue) -> Iterator[Link]:
    language = editorial.language
    mend = (
        f"correct the text and run 'newsletter import FILE --issue {issue.number} "
        f"--language {language}'"
    )
    texts = [editorial.body, editorial.about, *(str(n["text"]) for n in editorial.footnotes)]
    for text in texts:
        yield from _in_text(text, f"editorial {language}", language, mend)


def _in_text(text: str, place: str, language: str, mend: str) -> Iterator[Link]:
    if "](" not in text and "://" not in text and "<" not in text and "]:" not in text:
        return
    for anchor in pages.read(markdown.to_html(text)).anchors:
        if not anchor.href.startswith("mailto:"):
            yield Link(anchor.href, place, anchor.text, language, mend)


def _address(link: Link) -> Iterator[Problem]:
    address = web_address(link.url)
    if address is None:
        text = f"“{link.url[:80]}” is no address of a web page, so nobody can follow it"
        yield _problem("error", link, text, f"write the whole https:// address: {link.mend}")
        return
    host = urlsplit(address).hostname or ""
    if is_local_name(host):
        text = f"{link.url[:80]} leads into a private network, where no reader is"
        yield _problem("error", link, text, f"give the public address: {link.mend}")
        return
    if urlsplit(address).scheme == "http":
        text = f"{link.url[:80]} is not https: others on the way can see what is read there"
        secure = f"try {address.replace('http://', 'https://', 1)}"
        yield _problem("warning", link, text, f"{secure} and, if it opens, take it: {link.mend}")
    if why := suspicion(host):
        text = f"the address {host} {why}"
        yield _problem("warning", link, text, "look whether that is the site you mean")
    if host.removeprefix("www.") in _REDIRECTORS:
        text = f"{link.url[:80]} hides where it leads, and tells its owner who follows it"
        yield _problem(
            "warning", link, text, f"open it and take the address it ends at: {link.mend}"
        )
    clean = without_tracking(link.url)
    if clean != link.url:
        text = f"{link.url[:80]} carries marks by which its readers are followed"
        yield _problem("warning", link, text, f"take {clean}: {link.mend}", "tracking")


def _words(link: Link) -> Iterator[Problem]:
    plain = " ".join(link.text.split()).strip(" .…»>→:။").casefold()
    if not plain:
        text = f"the link to {link.url[:60]} has no words"
        yield _problem("warning", link, text, "write what is to be read there", "link texts")
    elif plain in _SAYS_NOTHING:
        text = f"the words of a link, “{link.text.strip()}”, do not say where it leads"
        remedy = "write what is to be read there, for those who hear the mail read out"
        yield _problem("warning", link, text, remedy, "link texts")


def _problem(
    level: Level, link: Link, text: str, remedy: str, check: str = "link addresses"
) -> Problem:
    return Problem(level, link.place, text, remedy, check, link.language)
