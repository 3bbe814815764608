"""Templates and words: Jinja2 environments, one for each language, and errors with a line.

The first directory of templates wins, so that `<home>/templates/mail/footer.html` replaces the
shipped footer. An undefined variable is an error, everything is escaped in .html and .mjml and
nothing in .txt.
"""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from newsletter.core.errors import RenderError
from newsletter.core.i18n import catalogue
from newsletter.core.settings import Language
from newsletter.language import dates_digits
from newsletter.language.syllables import is_myanmar
from newsletter.rendering.fit_to_show import fit
from newsletter.rendering.markdown import BARE_URL
from newsletter.rendering.mjml import compile_mjml, nesting_fault

_AT_FAULT = (
    *(jinja2.TemplateError, TypeError, ValueError, AttributeError),
    *(ArithmeticError, LookupError),
)
_TALL_FROM = "\u0900"
"""Scripts from Devanagari on stack marks above and below their letters and want taller lines."""


class Theme:
    """The looks and words of one installation; safe to share between threads."""

    def __init__(
        self,
        template_paths: Sequence[Path],
        locale_paths: Sequence[Path],
        languages: Mapping[str, Language],
    ) -> None:
        self.template_paths = tuple(template_paths)
        self.locale_paths = tuple(locale_paths)
        self.languages = dict(languages)
        self._environments: dict[str, jinja2.Environment] = {}

    def words(self, language: str) -> gettext.NullTranslations:
        """The gettext words of a language; English stands where it has none."""
        return catalogue(language, self.locale_paths)

    def rules(self, language: str) -> Language:
        """How a language writes; RenderError when the settings have no such language."""
        try:
            return self.languages[language]
        except KeyError:
            known = ", ".join(self.languages)
            raise RenderError(
                f"[languages.{language}]", None, f"is not in the settings, only {known}"
            ) from None

    def is_tall(self, language: str) -> bool:
        """True for scripts that need a line height of 1.8 where Latin is content with 1.6."""
        return any(character >= _TALL_FROM for character in self.rules(language).native)

    def foreign(self, text: str, language: str) -> str:
        """The language of a text in another script than `language` has; "" when it is its own.

        Told by the script: a name in Myanmar letters on an English page is Burmese, a Latin one
        on a Burmese page is of the first language that is written so. Names carry no language.
        """
        here = _burmese(self.rules(language).native)
        there = _burmese(text)
        if here == there or not any(character.isalpha() for character in text):
            return ""
        alike = (code for code, rules in self.languages.items() if _burmese(rules.native) == there)
        return next(alike, "")

    def page(self, name: str, language: str, **values: Any) -> str:
        """A template in the words of a language.

        It finds `language`, `rules`, `tall`, `is_tall`, `languages`, `_` and `ngettext`, and the
        filters date, digits, join_names, attach, marked, foreign, paragraphs, lines and linked.
        RenderError names file and line.
        """
        environment = self._environment(language)
        try:
            return environment.get_template(name).render(values)
        except RenderError:
            raise
        except _AT_FAULT as err:
            raise self._explain(name, err) from err

    def fragment(self, name: str, language: str, **values: Any) -> Markup:
        """A piece of HTML that other templates take in; every tag in it must be closed."""
        source = self.page(name, language, **values)
        line, fault = nesting_fault(source)
        if fault:
            raise self._locate(name, source, RenderError(name, line, fault))
        return Markup(source)  # noqa: S704 - the template escaped it

    def mjml(self, name: str, language: str, **values: Any) -> str:
        """The HTML of an MJML template; a fault in it is looked up in the files."""
        source = self.page(name, language, **values)
        try:
            return compile_mjml(source, name)
        except RenderError as err:
            raise self._locate(name, source, err) from err

    def _environment(self, language: str) -> jinja2.Environment:
        if language not in self._environments:
            self._environments[language] = self._make(language)
        return self._environments[language]

    def _make(self, language: str) -> jinja2.Environment:
        rules, words = self.rules(language), self.words(language)
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([str(path) for path in self.template_paths]),
            undefined=jinja2.StrictUndefined,
            finalize=fit,
            autoescape=jinja2.select_autoescape(("html", "mjml")),
            extensions=["jinja2.ext.i18n"],
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=False,
        )
        environment.policies["ext.i18n.trimmed"] = True
        environment.install_gettext_translations(words, newstyle=True)  # type: ignore[attr-defined]
        environment.globals.update(
            language=language,
            rules=rules,
            tall=self.is_tall(language),
            languages=self.languages,
            is_tall=self.is_tall,
            language_name=lambda code: words.gettext(self.rules(code).name),
        )
        environment.filters.update(_filters(language, rules, words))
        foreign = partial(self.foreign, language=language)
        environment.filters.update(foreign=foreign, marked=partial(_marked, foreign=foreign))
        return environment

    def _explain(self, name: str, err: Exception) -> RenderError:
        if isinstance(err, jinja2.TemplateNotFound):
            asked = ", ".join(str(missing) for missing in err.templates) or name
            return RenderError(asked, None, "there is no such template; restore or rename it")
        if isinstance(err, jinja2.TemplateSyntaxError):
            return RenderError(err.filename or err.name or name, err.lineno, _sentence(err))
        file, line = _place(err, self.template_paths) or (self._file(name), None)
        return RenderError(file, line, _sentence(err))

    def _file(self, name: str) -> str:
        found = (path / name for path in self.template_paths if (path / name).is_file())
        return str(next(found, name))

    def _locate(self, name: str, rendered: str, err: RenderError) -> RenderError:
        """The same error with the file and, as far as it can be told, the line of the template."""
        file = self._file(name)
        _, _, message = str(err).partition(": ")
        if err.line is None:
            return RenderError(file, None, message)
        wrong = rendered.split("\n")[err.line - 1].strip()
        lines = Path(file).read_text("utf-8").split("\n")
        found = (number for number, line in enumerate(lines, 1) if _could_give(line, wrong))
        return RenderError(file, next(found, None), f"{message}, in {wrong[:60]}")


def _could_give(line: str, rendered: str) -> bool:
    """Whether a line of a template can have become this line."""
    parts = re.split(r"\{\{.*?\}\}|\{%.*?%\}", line.strip())
    if len("".join(parts)) < 4:
        return False
    return re.fullmatch(".*".join(map(re.escape, parts)), rendered) is not None


def _filters(language: str, rules: Language, words: gettext.NullTranslations) -> dict[str, Any]:
    def day(value: date) -> str:
        return dates_digits.format_date(value, language, rules, words)

    return {
        "date": day,
        "digits": partial(dates_digits.digits, rules=rules),
        "join_names": partial(dates_digits.join, rules=rules),
        "attach": _attach,
        "paragraphs": _paragraphs,
        "lines": _lines,
        "linked": linked,
    }


def _burmese(text: str) -> bool:
    return any(map(is_myanmar, text))


def _marked(text: str, foreign: Callable[[str], str]) -> Markup:
    """A name in an element with its language, where that is not the page's."""
    code = foreign(text)
    return Markup('<span lang="{}">{}</span>').format(code, text) if code else escape(text)


def _attach(phrase: str, name: str) -> str:
    if isinstance(phrase, Markup):
        return Markup(dates_digits.attach(phrase, str(escape(name))))  # noqa: S704 - escaped
    return dates_digits.attach(phrase, name)


def _paragraphs(text: str) -> list[str]:
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text) if part.strip()]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def linked(text: str) -> Markup:
    """Plain text as HTML in which addresses of web pages can be pressed."""
    parts: list[str] = []
    end = 0
    for match in BARE_URL.finditer(text):
        parts += [escape(text[end : match.start()]), _link(match[0])]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def _link(url: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(url, url)


def _sentence(err: Exception) -> str:
    text = str(err) or type(err).__name__
    return text[:1].lower() + text[1:] if text[:1].isupper() else text


def _place(err: BaseException, directories: Iterable[Path]) -> tuple[str, int] | None:
    """The deepest line of ours in the traceback, which Jinja rewrites to name template lines.

    A line of an operator's own template comes before one of a shipped template that it calls:
    what was handed to the shipped one is what was wrong.
    """
    lines = []
    trace = err.__traceback__
    while trace is not None:
        lines.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno))
        trace = trace.tb_next
    for root in map(str, directories):
        found = [line for line in lines if line[0].startswith(root)]
        if found:
            return found[-1]
    return None
