"""Makes HTML answers from the templates: language, links and style common to every page."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse

from newsletter.app import Services
from newsletter.core.errors import ConfigurationError
from newsletter.rendering.finishing import keep_together
from newsletter.web.fonts import Fonts

STYLE = "web/static/style.css"
WORK = "web/static/work.js"
_HOLD = '<span class="nw">'
_HEADING = re.compile("<h1[^>]*>(.*?)</h1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Switch:
    """One link of the language bar."""

    code: str
    native: str
    href: str
    current: bool


class Pages:
    """Fills templates for one installation; see `show` for what every template may use."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.languages = services.settings.languages
        self.base = urlsplit(services.settings.public.url).path.rstrip("/")
        """The path under which a proxy shows us, before every link of ours."""
        self.style = _read(STYLE, services.settings.template_paths)
        self.script = _read(WORK, services.settings.template_paths)
        self.fonts = Fonts(self.base, services.settings.template_paths)
        self._style_url = f"{self.base}/static/style.css?{_version(self.style)}"
        self.work_url = f"{self.base}/static/work.js?{_version(self.script)}"

    def show(
        self, template: str, language: str, *, status: int = 200, **values: object
    ) -> HTMLResponse:
        """A whole page in one language.

        Beside `values` a template has `lang`, `native` (code → own name of each language),
        `base` (before links), `style_url`, `fonts_url` and `switches` (empty unless given).
        """
        page = self.part(template, language, **values)
        return HTMLResponse(keep_together(page, _HOLD), status)

    def part(self, template: str, language: str, **values: object) -> str:
        """The text of a template, as `show` fills it."""
        common: dict[str, object] = {
            "lang": language,
            "native": {code: rules.native for code, rules in self.languages.items()},
            "base": self.base,
            "style_url": self._style_url,
            "fonts_url": self.fonts.url,
            "switches": (),
        }
        return self.services.theme.page(template, language, **{**common, **values})

    def in_every_language(
        self, template: str, languages: Sequence[str], *, status: int = 200, **values: object
    ) -> HTMLResponse:
        """A page that says the same in each language, one part under the other."""
        parts = [
            (code, Markup(self.part(template, code, first=code == languages[0], **values)))  # noqa: S704
            for code in languages
        ]
        heading = _HEADING.search(parts[0][1])
        title = Markup(heading[1]).striptags() if heading else ""  # noqa: S704 - escaped before
        return self.show(
            "web/every_language.html", languages[0], status=status, parts=parts, title=title
        )

    def is_tall(self, code: str) -> bool:
        """True for a language of ours whose script wants taller lines."""
        return code in self.languages and self.services.theme.is_tall(code)

    def error(self, kind: str, status: int, request: Request | None = None) -> HTMLResponse:
        """A calm page without any detail: its kind is one of error_part.html."""
        wished = self.wished(request) if request else None
        codes = sorted(self.languages, key=lambda code: code != wished)
        return self.in_every_language("web/error_part.html", codes, status=status, kind=kind)

    def override(self, request: Request) -> str | None:
        """The language asked for by `?l=`, when we have it."""
        wanted = request.query_params.get("l", "")
        return wanted if wanted in self.languages else None

    def wished(self, request: Request) -> str | None:
        """The language by `?l=`, or else the browser's first one that we have."""
        found = self.override(request)
        if found:
            return found
        ranges = request.headers.get("accept-language", "").split(",")
        ordered = sorted((_weighed(r) for r in ranges[:20]), key=lambda pair: -pair[0])
        found_ones = (self._fitting(tag) for weight, tag in ordered if weight)
        return next((code for code in found_ones if code), None)

    def language_for(self, request: Request, own: Sequence[str]) -> str:
        """The wished language when a publication of these has it, or else its first."""
        known = {*own} & {*self.languages} or {*self.languages}
        wishes = [self.wished(request), *own, *self.languages]
        return next(code for code in wishes if code in known)

    def _fitting(self, tag: str) -> str | None:
        """The language for a range, cut at its hyphens from behind (RFC 4647 §3.4).

        `my-MM` finds my; `pt` finds pt-BR when there is no plain one.
        """
        known = {code.lower(): code for code in self.languages}
        words = tag.split("-")
        cut = ("-".join(words[:n]) for n in range(len(words), 0, -1))
        wider = (code for code in known if code.split("-")[0] == words[0])
        return next((known[code] for code in (*cut, *wider) if code in known), None)

    def switches(
        self, request: Request, current: str, languages: Iterable[str]
    ) -> tuple[Switch, ...]:
        """Links to this same page in each language; none when there is only one."""
        return self.switches_at(request.url.path, current, languages)

    def switches_at(self, path: str, current: str, languages: Iterable[str]) -> tuple[Switch, ...]:
        """The same for the page of a path of ours."""
        path = f"{self.base}{path}"
        made = tuple(
            Switch(code, self.languages[code].native, f"{path}?l={code}", code == current)
            for code in languages
            if code in self.languages
        )
        return made if len(made) > 1 else ()


def _weighed(part: str) -> tuple[float, str]:
    """One range of Accept-Language (RFC 9110 §12.5.4) as (weight, tag)."""
    tag, _, weight = part.partition(";q=")
    try:
        return float(weight or 1), tag.strip().lower()
    except ValueError:
        return 0.0, ""


def _read(name: str, directories: Iterable[Path]) -> bytes:
    for directory in directories:
        if (directory / name).is_file():
            return (directory / name).read_bytes()
    raise ConfigurationError(f"the file {name} is missing; install the program again")


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:8]
