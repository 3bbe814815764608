"""Templates of an operator's own: what goes wrong in them is named by file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from newsletter.core.errors import RenderError
from newsletter.core.resources import shipped
from newsletter.rendering.content import RenderedEdition
from newsletter.rendering.edition import render
from newsletter.rendering.environment import Theme
from newsletter.rendering.mjml import compile_mjml
from tests.rendering import sample


def _rendered(own: Path) -> RenderedEdition:
    shipped_theme = sample.theme()
    paths = (own, *shipped_theme.template_paths)
    theme = Theme(paths, shipped_theme.locale_paths, shipped_theme.languages)
    return render(sample.letter("en"), theme)


def _replaced(own: Path, name: str, old: str, new: str) -> int:
    """An operator's copy of a template with a fault; the line in which it lies."""
    target = own / "mail" / name
    target.parent.mkdir(parents=True)
    text = (shipped("templates") / "mail" / name).read_text("utf-8")
    assert text.count(old) == 1
    target.write_text(text.replace(old, new), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_an_operators_template_wins(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / "footer.html").write_text(
        "<p>{{ _('Unsubscribe') }} HERE: {{ unsubscribe_url }}</p>", "utf-8"
    )
    assert "Unsubscribe HERE" in _rendered(tmp_path).html


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("head.html", "block.title,", "block.titel,", "titel"),
        ("block.html", "{{ block.pull_quote }}", "{{ quotation }}", "quotation"),
        ("masthead.html", "letter.date|date }}", "letter.date|date }", "'}'"),
        ("footer.txt", "{{ unsubscribe_url }}", "{{ unsubscribe_url|shout }}", "shout"),
        ("block.html", "<h{{ top + 2 }} class", '{% include "mail/gone.html" %}<h', "gone.html"),
        ("edition.mjml", '<mj-spacer height="24px" />', "<mj-gap />", "<mj-gap>"),
        ("edition.mjml", '<mj-spacer height="24px" />', "<mj-spacer>", "mj-spacer"),
        ("footer.html", "</div>", "", "<div>"),
        ("elements.html", "{{ words }}</h{{ level }}>", "{{ wards }}</h{{ level }}>", "wards"),
        ("body.css", "{% set leading", "{% sat leading", "sat"),
        ("masthead.html", "{{ letter.date|date }}", "{{ letter.number|date }}", "month"),
    ],
)
def test_a_fault_names_file_and_line(
    tmp_path: Path, name: str, old: str, new: str, says: str
) -> None:
    line = _replaced(tmp_path, name, old, new)
    with pytest.raises(RenderError) as caught:
        _rendered(tmp_path)
    assert says in str(caught.value)
    if says == "gone.html":
        assert caught.value.template == "mail/gone.html"
        return
    assert caught.value.template == str(tmp_path / "mail" / name)
    if says == "<div>":
        whole = (tmp_path / "mail" / name).read_text("utf-8")
        line = whole[: whole.index("<div")].count("\n") + 1
    assert caught.value.line == line


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    shutil.copytree(shipped("templates") / "mail", tmp_path / "mail")
    (tmp_path / "mail" / "footer.html").unlink()
    theme = Theme((tmp_path,), (), sample.theme().languages)
    with pytest.raises(RenderError, match=r"mail/footer\.html"):
        render(sample.letter("en"), theme)


def test_a_language_without_settings_is_named() -> None:
    with pytest.raises(RenderError, match=r"\[languages\.xx\]"):
        sample.theme().page("mail/jump.html", "xx")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("<mjml>\n<mj-body>\n<mj-sektion></mj-sektion></mj-body></mjml>", 3),
        ("<mjml><mj-body>\n<mj-section>\n</mj-body></mjml>", 2),
        ("<mjml><mj-body><mj-section><mj-column><mj-text>\n\n1 < 2</mj-text>", 1),
    ],
)
def test_broken_mjml_is_refused_with_its_line(source: str, line: int) -> None:
    with pytest.raises(RenderError) as caught:
        compile_mjml(source, "x.mjml")
    assert caught.value.line == line


def test_burmese_attributes_and_titles_survive_the_compiler() -> None:
    body = '<a title="မြန်မာ &quot;စာ&quot;" href="https://example.org/">စာ</a>'
    html = compile_mjml(
        '<mjml><mj-head><mj-title>ကို "x"</mj-title></mj-head><mj-body><mj-section><mj-column>'
        f"<mj-text>{body}</mj-text></mj-column></mj-section></mj-body></mjml>",
        "x.mjml",
    )
    assert "\\u{" not in html
    assert "&#x1019;&#x103c;" in html
    assert ">စာ</a>" in html


@pytest.mark.parametrize(
    ("name", "old", "new", "says"),
    [
        ("picture.html", "{{ picture_source }}", "https://example.org/pixel.gif", "pixel"),
        (
            "masthead.html",
            'style="margin:0;font',
            'style="background:url(//x.example/a);font',
            "url(",
        ),
        ("style.css", ".pad p{", "@import 'x';.pad p{", "@import"),
        ("footer.html", "alone(unsubscribe_url", "alone(browser_url", "unsubscribe"),
        ("footer.txt", "{{ unsubscribe_url }}", "https://example.org", "unsubscribe"),
    ],
)
def test_no_template_can_break_what_readers_are_promised(
    tmp_path: Path, name: str, old: str, new: str, says: str
) -> None:
    _replaced(tmp_path, name, old, new)
    with pytest.raises(RenderError) as caught:
        _rendered(tmp_path)
    assert says in str(caught.value)
