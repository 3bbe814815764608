"""What a mail uses of HTML and CSS that mail programs of our readers do not show. Pure.

The knowledge is caniemail's, kept in config/mail-clients.json. What the shipped templates use
though a program drops it is listed here with what is left for its readers; anything beyond, such
as an operator's template brings in, is told with the programs by name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from newsletter.core.resources import shipped
from newsletter.editorial.checks import Problem
from newsletter.editorial.preflight.pages import Page

GMAIL_STYLE_LIMIT = 16_384
"""Bytes of `<style>` beyond which Gmail drops it (caniemail, html-style)."""
_STYLE_CALM = 8_192

ALLOWED = frozenset(
    {
        # The layout stands without them: tables carry it, and widths stand at the elements too.
        *("css-height", "css-max-height", "css-overflow", "css-table-layout", "html-body"),
        *("css-box-sizing", "css-border-spacing"),
        # Decoration: without them corners are square, and colours those of day.
        *("css-at-media", "css-at-media-prefers-color-scheme", "css-color-scheme"),
        *("html-meta-color-scheme", "css-border-radius", "css-opacity", "css-outline"),
        *("css-pseudo-class-hover", "css-pseudo-class-focus", "css-selector-child"),
        "css-text-underline-offset",
        # Long words and Burmese break a little later or earlier.
        *("css-overflow-wrap", "css-word-wrap", "css-white-space", "css-word-spacing"),
        "css-hyphens",
        "css-text-wrap",
        # Heard or followed only where a program knows it; nothing is lost to the eye.
        *("html-aria-label", "html-aria-hidden", "html-anchor-links", "html-semantics"),
    }
)
"""Features of caniemail that may be dropped without a reader missing anything."""

_LONGHANDS = {
    "margin-": "css-margin",
    "padding-": "css-padding",
    "border-": "css-border",
    "background-color": "css-background-color",
}
_WITHOUT_MATTER = ("mso-", "-ms-", "-webkit-text-size-adjust", "font-family", "color", "-moz-")
_VALUES = (
    (re.compile(r"\bdisplay:\s*(?:inline-)?flex\b"), "css-display-flex"),
    (re.compile(r"\bdisplay:\s*(?:inline-)?grid\b"), "css-display-grid"),
    (re.compile(r"\bdisplay:\s*none\b"), "css-display-none"),
    (re.compile(r"!\s*important"), "css-important"),
    (re.compile(r"\bvar\(|(?<![\w-])--[\w-]+\s*:"), "css-variables"),
    (re.compile(r"\bcalc\("), "css-unit-calc"),
    (re.compile(r"\bclamp\("), "css-function-clamp"),
    (re.compile(r"\bmin\("), "css-function-min"),
    (re.compile(r"\bmax\("), "css-function-max"),
    (re.compile(r"\blight-dark\("), "css-function-light-dark"),
    (re.compile(r"\brgba\("), "css-rgba"),
    (re.compile(r"\blinear-gradient\("), "css-linear-gradient"),
    (re.compile(r"\bradial-gradient\("), "css-radial-gradient"),
    (re.compile(r"\b(?:oklch|oklab|lab|lch|color-mix)\("), "css-modern-color"),
    (re.compile(r"@import\b"), "css-at-import"),
    (re.compile(r"@font-face\b"), "css-at-font-face"),
    (re.compile(r"@keyframes\b"), "css-at-keyframes"),
    (re.compile(r"@supports\b"), "css-at-supports"),
    (re.compile(r"@media\b"), "css-at-media"),
    (re.compile(r"\(\s*prefers-color-scheme"), "css-at-media-prefers-color-scheme"),
    (re.compile(r"\(\s*prefers-reduced-motion"), "css-at-media-prefers-reduced-motion"),
    (re.compile(r"\((?:any-)?hover\s*[:)]"), "css-at-media-hover"),
    (re.compile(r"\(\s*orientation"), "css-at-media-orientation"),
    (re.compile(r"::?before\b"), "css-pseudo-element-before"),
    (re.compile(r"::?after\b"), "css-pseudo-element-after"),
)
_UNIT = re.compile(
    r"(?<![\w.#-])-?\d*\.?\d+(rem|em|ex|ch|vh|vw|vmin|vmax|pt|pc|cm|mm|in|px|%)(?!\w)"
)
_PSEUDO = re.compile(r":(hover|focus-within|focus-visible|focus|active|checked|has|lang|not|target|"
                     r"visited|link|first-child|last-child|only-child|nth-child|nth-last-child|"
                     r"first-of-type|last-of-type|nth-of-type|only-of-type)\b")  # fmt: skip
_RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
_DECLARATION = re.compile(r"(?:^|;)\s*([a-z-]+)\s*:")
_ELEMENTS = {
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), "html-h1-h6"),
    **dict.fromkeys(("ul", "ol", "dl"), "html-lists"),
    **dict.fromkeys(
        ("article", "aside", "details", "figure", "footer", "header", "main", "nav", "section"),
        "html-semantics",
    ),
    **dict.fromkeys(("map", "area"), "html-image-maps"),
    **dict.fromkeys(("strong", "b", "em", "i"), "html-strong"),
    **dict.fromkeys(("s", "strike"), "html-strike"),
    **dict.fromkeys(("table", "tbody", "tr", "td"), "html-table"),
    "iframe": "html-object",
    "embed": "html-object",
}


@dataclass(frozen=True, slots=True)
class Clients:
    """What is known: the programs, and of each feature its title and one letter for each."""

    names: tuple[str, ...]
    features: Mapping[str, tuple[str, str]]
    source: str

    def without(self, feature: str) -> list[str]:
        """The programs that do not show it."""
        support = self.features[feature][1]
        return [name for name, known in zip(self.names, support, strict=True) if known == "n"]


@cache
def clients() -> Clients:
    """The knowledge that ships with the program."""
    data = json.loads((shipped("config") / "mail-clients.json").read_text(encoding="utf-8"))
    features = {slug: (str(entry[0]), str(entry[1])) for slug, entry in data["features"].items()}
    return Clients(tuple(data["clients"]), features, str(data["source"]))


def judge(page: Page, known: Clients) -> Iterator[Problem]:
    """A warning for each feature that some program drops and that we do not know to be harmless."""
    for feature in sorted(used(page, known) - ALLOWED):
        without = known.without(feature)
        if without:
            title = known.features[feature][0]
            text = f"{title} is not shown by {', '.join(without)}"
            remedy = f"take it out of the template or theme; see {_page(feature)}"
            yield Problem("warning", "page", text, remedy, "mail programs")
    yield from _sheets(page)


def used(page: Page, known: Clients) -> set[str]:
    """The features of caniemail that a page uses."""
    found = {slug for tag, given in page.elements for slug in _of_element(tag, given)}
    for sheet in page.sheets:
        for selectors, body in _RULE.findall(sheet):
            found |= set(_of_selectors(selectors)) | set(_of_declarations(body, known))
        found |= _of_values(sheet)
    for style in page.inline:
        found |= set(_of_declarations(style, known)) | _of_values(style)
    if page.sheets:
        found.add("html-style")
    return found & known.features.keys()


def _sheets(page: Page) -> Iterator[Problem]:
    size = sum(len(sheet.encode()) for sheet in page.sheets)
    if size > GMAIL_STYLE_LIMIT:
        text = f"the style sheets have {size:,} bytes, and Gmail drops them beyond 16,384"
        yield Problem("error", "page", text, "take rules out of the theme", "mail programs")
    elif size > _STYLE_CALM:
        text = f"the style sheets have {size:,} bytes; with more than 8,192 a mail gets heavy"
        yield Problem("hint", "page", text, "take rules out of the theme", "mail programs")


def _of_element(tag: str, given: Mapping[str, str]) -> Iterator[str]:
    yield _ELEMENTS.get(tag, f"html-{tag}")
    if tag == "input":
        yield f"html-input-{given.get('type', 'text')}"
    if tag == "button":
        yield f"html-button-{given.get('type', 'submit')}"
    for name in given:
        yield f"html-{name}"
    if tag == "a":
        href = given.get("href", "")
        yield "html-mailto-links" if href.startswith("mailto:") else ""
        yield "html-anchor-links" if href.startswith("#") else ""
    if given.get("name") == "color-scheme":
        yield "html-meta-color-scheme"
    if "loading" in given:
        yield "html-loading-attribute"


def _of_selectors(selectors: str) -> Iterator[str]:
    bare = re.sub(r"@[^{]*", "", selectors)
    yield from (f"css-pseudo-class-{name}" for name in _PSEUDO.findall(bare))
    marks = {
        "css-selector-class": r"\.[a-z]",
        "css-selector-id": r"#[a-z]",
        "css-selector-child": r">",
        "css-selector-adjacent-sibling": r"\+",
        "css-selector-general-sibling": r"~(?!=)",
        "css-selector-attribute": r"\[",
        "css-selector-grouping": r",",
        "css-selector-descendant": r"[\w\])] +[\w.#\[]",
        "css-selector-universal": r"\*",
        "css-selector-type": r"(?:^|[\s,>+~])[a-z]",
    }
    for slug, mark in marks.items():
        if re.search(mark, bare.strip()):
            yield slug


def _of_declarations(style: str, known: Clients) -> Iterator[str]:
    for name in _DECLARATION.findall(style):
        if name.startswith(_WITHOUT_MATTER):
            continue
        own = f"css-{name}"
        if own in known.features:
            yield own
        elif name in ("left", "right", "top", "bottom"):
            yield "css-left-right-top-bottom"
        elif name in ("column-gap", "row-gap"):
            yield "css-gap"
        elif name.startswith("grid-template"):
            yield "css-grid-template"
        else:
            yield next((slug for start, slug in _LONGHANDS.items() if name.startswith(start)), "")


@cache
def _of_values(style: str) -> set[str]:
    found = {slug for pattern, slug in _VALUES if pattern.search(style)}
    units = set(_UNIT.findall(style))
    return found | {f"css-unit-{'percent' if unit == '%' else unit}" for unit in units}


def _page(feature: str) -> str:
    return f"www.caniemail.com/features/{feature}/"
