"""The sign-up form to paste into another site."""

from __future__ import annotations

import re

import pytest

from tests.cli.command import Command
from tests.rendering.pages import Page


@pytest.fixture
def reachable(newsletter: Command) -> Command:
    """A home whose pages readers can reach."""
    newsletter.environment["NEWSLETTER_PUBLIC__URL"] = "https://news.example.org/letters/"
    newsletter.ok("init", "--yes")
    return newsletter


def test_the_form_asks_for_two_things_and_fetches_nothing(reachable: Command) -> None:
    ran = reachable.ok("publication", "form")
    page = Page(ran.out)
    assert page.fault == ""
    (form,) = page.all("form")
    assert form.attributes["action"] == "https://news.example.org/letters/s/weekly"
    assert form.attributes["method"] == "post"
    fields = [e for e in page.elements if "name" in e.attributes]
    assert [field.attributes["name"] for field in fields] == ["address", "edition"]
    assert [o.attributes["value"] for o in page.all("option")] == ["en", "my", "en+my"]
    labels = [label.attributes["for"] for label in page.all("label")]
    assert labels == [field.attributes["id"] for field in fields]
    assert not re.search(r"<script|<link|<img|\ssrc=|url\(|\son\w+=", ran.out)
    assert ran.out.count("http") == 1
    assert "စာရင်းသွင်းရန်" in ran.out
    assert ran.err.startswith("Paste this where the form is to stand")
    assert ran.err.count("\n") == 1


def test_the_form_in_one_language(reachable: Command) -> None:
    out = reachable.ok("publication", "form", "-p", "weekly", "--language", "my").out
    assert 'action="https://news.example.org/letters/s/weekly?l=my"' in out
    assert "Subscribe" not in out
    assert '<option value="my" lang="my" selected>' in out
    said = reachable.refused("publication", "form", "--language", "fr")
    assert "there is no 'fr'; there are en, my" in said


def test_a_publication_of_one_language_has_nothing_to_choose(reachable: Command) -> None:
    reachable.ok("publication", "set", "languages", "en")
    page = Page(reachable.ok("publication", "form").out)
    assert page.all("select") == []


def test_without_an_address_for_readers_there_is_no_form(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    newsletter.environment["NEWSLETTER_PUBLIC__URL"] = ""
    ran = newsletter("publication", "form")
    assert (ran.code, ran.out) == (1, "")
    assert "set url under [public]" in ran.err
