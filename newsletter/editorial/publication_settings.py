"""What a publication may be told about itself: shapes and rules, no database."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

from newsletter.core import clock, quiet_hours
from newsletter.core import validation_words as said
from newsletter.core.addresses import parse as parse_address
from newsletter.core.errors import InputError
from newsletter.core.validation_words import wanted
from newsletter.editorial.theme_settings import Theme

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails
from newsletter.core.language_codes import canonical

_BY_LANGUAGE = frozenset(
    {
        *("names", "subject_prefixes", "about", "postal_addresses", "subjects", "preheaders"),
    }
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029]")


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("it must stand on one line")
    if "=?" in text:
        raise ValueError("it holds '=?', which mail programs read as a code; write '= ?' instead")
    return text


def _address(text: str) -> str:
    if not text:
        return text
    try:
        return parse_address(text).text
    except InputError as err:
        raise ValueError(err.message) from err


def _https(text: str) -> str:
    parts = urlsplit(text)
    here = parts.hostname in {"127.0.0.1", "localhost"}
    if text and not (parts.hostname and (parts.scheme == "https" or here)):
        raise ValueError("write it as https://… and nothing behind the name of the host")
    if parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError("write it as https://… and nothing behind the name of the host")
    return text.rstrip("/")


def _zone(name: str) -> str:
    try:
        clock.zone(name)
    except InputError as err:
        raise ValueError(err.message) from err
    return name


def _quiet(text: str) -> str:
    quiet_hours.parse(text)
    return text


Line = Annotated[str, StringConstraints(strip_whitespace=True), AfterValidator(_one_line)]
"""A text that may stand in a header or a heading: no line ends, no control characters."""
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True)]
Code = Annotated[str, AfterValidator(canonical)]
"""A language as in BCP 47: `en`, `my`, `shn`, `pt-BR`; an edition joins several with `+`."""
Name = Annotated[
    str,
    Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64),
    wanted("write it in small letters, digits and hyphens, such as briefing-papers"),
]
"""Fit for addresses and commands: lower-case letters, digits, hyphens."""
MailAddress = Annotated[Line, AfterValidator(_address)]


_Switch = Annotated[bool, wanted("write true or false")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Sender(_Part):
    """From whom the mail comes; without `leave_address` mails to the sender ask to leave."""

    address: MailAddress = ""
    names: dict[Code, Line] = {}
    reply_to: MailAddress = ""
    leave_address: MailAddress = ""


class Discreet(_Part):
    """How the mail calls itself for readers who must not be found with it; empty: not offered.

    Everything in its headers and links is of this address and this url. Without `bounce_address`
    bounces come back to `address`; without a key nobody signs but the relay.
    """

    address: MailAddress = ""
    url: Annotated[Line, AfterValidator(_https)] = ""
    names: dict[Code, Line] = {}
    subjects: dict[Code, Line] = {}
    preheaders: dict[Code, Line] = {}
    reply_to: MailAddress = ""
    leave_address: MailAddress = ""
    bounce_address: MailAddress = ""
    postal_addresses: dict[Code, Paragraph] = {}
    dkim_selector: Annotated[
        str,
        Field(pattern=r"^([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)?$"),
        wanted("write a short name of letters, digits and hyphens, such as k2026"),
    ] = ""
    dkim_key_path: Line = ""


class WeeklySlot(_Part):
    """When the week's issue goes out: ISO weekday (1 is Monday), wall time and IANA zone."""

    weekday: Annotated[
        int, Field(ge=1, le=7), wanted("write the day as a number: 1 is Monday … 7 is Sunday")
    ] = 1
    time: Annotated[
        str,
        Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$"),
        wanted("write the time of day with 24 hours, from 00:00 to 23:59, such as 09:30"),
    ] = "09:00"
    zone: Annotated[str, AfterValidator(_zone)] = "Asia/Yangon"
    stale_minutes: Annotated[
        int, Field(ge=1), wanted("write a number of minutes from 1 on, such as 1440 for a day")
    ] = 24 * 60


class CategorySettings(_Part):
    """A heading, named in each language; the key never changes."""

    key: Name
    names: dict[Code, Line] = {}


class PublicationSettings(_Part):
    """All that an editor decides about a publication, as it is written in a file."""

    slug: Name
    names: dict[Code, Line] = {}
    languages: list[Code] = Field(min_length=1)
    sender: Sender = Sender()
    discreet: Discreet = Discreet()
    theme: Theme = Theme()
    subject_prefixes: dict[Code, Line] = {}
    about: dict[Code, Paragraph] = {}
    postal_addresses: dict[Code, Paragraph] = {}
    fallback_language: Code | None = None
    quiet_hours: Annotated[Line, AfterValidator(_quiet)] = ""
    """`22:00-07:00` in the slot's zone: nothing leaves meanwhile."""
    unknown_policy: Annotated[
        Literal["never", "look"],
        wanted(
            "write never (a message in doubt waits for an editor) or look (where the provider's "
            "log can be asked, what it does not hold is sent again)"
        ),
    ] = "never"
    welcome_mail: _Switch = True
    goodbye_mail: _Switch = False
    """One mail after leaving; never after a complaint or an erasure, nor to discreet readers."""
    hosted_images: _Switch = False
    """Mails fetch their pictures from our own https address instead of carrying them."""
    search_engines: _Switch = False
    """Whether search engines may list the past issues."""
    slot: WeeklySlot = WeeklySlot()
    categories: list[CategorySettings] = []

    @model_validator(mode="after")
    def _languages_agree(self) -> Self:
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("languages: a language is named twice")
        if self.fallback_language and self.fallback_language not in self.languages:
            raise ValueError(
                f"fallback_language: '{self.fallback_language}' is not one of the publication's "
                f"languages ({', '.join(self.languages)})"
            )
        for place, texts in self.texts():
            for language in texts:
                if language not in self.languages:
                    raise ValueError(
                        f"{place}: '{language}' is not one of the publication's languages "
                        f"({', '.join(self.languages)})"
                    )
        return self

    @model_validator(mode="after")
    def _categories_differ(self) -> Self:
        keys = [category.key for category in self.categories]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice:
            raise ValueError(f"categories: '{twice}' is there twice")
        return self

    def texts(self) -> list[tuple[str, dict[str, str]]]:
        """Each setting that has a text for each language, by the key that `set` takes."""
        return [
            ("names", self.names),
            ("sender.names", self.sender.names),
            ("discreet.names", self.discreet.names),
            ("discreet.subjects", self.discreet.subjects),
            ("discreet.preheaders", self.discreet.preheaders),
            ("discreet.postal_addresses", self.discreet.postal_addresses),
            ("subject_prefixes", self.subject_prefixes),
            ("about", self.about),
            ("postal_addresses", self.postal_addresses),
            *((f"categories.{c.key}", c.names) for c in self.categories),
        ]


def parse(data: Mapping[str, Any]) -> PublicationSettings:
    """The settings in plain data (a TOML or JSON file); InputError names the first wrong place."""
    try:
        return PublicationSettings.model_validate(dict(data))
    except ValidationError as err:
        first = err.errors()[0]
        where = said.place(first)
        if first["type"] == "extra_forbidden":
            raise InputError(where, "a publication has no such setting") from err
        raise InputError(where or "publication", _message(first, where)) from err


def _message(error: ErrorDetails, where: str) -> str:
    if error["type"] == "missing" and "." not in where:
        return (
            "it is missing; a publication's file looks like what 'newsletter publication show' "
            "prints, and needs slug and languages"
        )
    return said.words(error)


def default() -> PublicationSettings:
    """A weekly in English and Burmese; who sends it, and from where, is for the editor to say."""
    categories = {
        "statements": (
            "Statements and Press Releases",
            "ထုတ်ပြန်ချက်များနှင့် သတင်းထုတ်ပြန်ချက်များ",
        ),
        "reports": ("Reports", "အစီရင်ခံစာများ"),
        "news": ("News", "သတင်းများ"),
        "briefing-papers": ("Briefing Papers", "အကျဉ်းချုပ်စာတမ်းများ"),
    }
    return PublicationSettings(
        slug="weekly",
        names={"en": "Weekly Newsletter", "my": "အပတ်စဉ် သတင်းလွှာ"},
        languages=["en", "my"],
        categories=[
            CategorySettings(key=key, names={"en": english, "my": burmese})
            for key, (english, burmese) in categories.items()
        ],
    )


def with_value(settings: PublicationSettings, dotted_key: str, value: str) -> PublicationSettings:
    """The settings with one of them changed; InputError names the key and what is wrong."""
    data = settings.model_dump()
    keys = dotted_key.strip().split(".")
    if keys[0] == "categories":
        _set_category(data["categories"], keys, value)
    elif keys == ["languages"]:
        _set_languages(data, value)
    else:
        _set_plain(data, keys, value)
    return parse(data)


def differences(old: PublicationSettings, new: PublicationSettings) -> Iterator[str]:
    """Each setting that differs, as a line for an editor: `slot.time: 09:00 → 10:30`."""
    before, after = _flat(old.model_dump()), _flat(new.model_dump())
    for key in dict.fromkeys([*before, *after]):
        was, now = before.get(key, ""), after.get(key, "")
        if was != now:
            yield f"{key}: {was or 'nothing'} → {now or 'nothing'}"


def _flat(data: dict[str, Any], prefix: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in data.items():
        if key == "categories":
            found["categories"] = ", ".join(c["key"] for c in value)
            for c in value:
                found |= _flat(c["names"], f"categories.{c['key']}.")
        elif isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            found[f"{prefix}{key}"] = ", ".join(value)
        else:
            found[f"{prefix}{key}"] = "" if value is None else str(value)
    return found


def _with_places(data: dict[str, Any], language: str) -> dict[str, Any]:
    """The same with a place in `language` wherever texts may stand and none does yet."""
    return {
        key: {language: ""}
        if key in _BY_LANGUAGE and not value
        else _with_places(value, language)
        if isinstance(value, dict)
        else value
        for key, value in data.items()
    }


def _set_category(categories: list[dict[str, Any]], keys: list[str], value: str) -> None:
    if len(keys) != 3:
        raise InputError(
            ".".join(keys), "write a category's name as categories.KEY.LANGUAGE (…reports.my)"
        )
    found = next((c for c in categories if c["key"] == keys[1]), None)
    if found is None:
        found = {"key": keys[1], "names": {}}
        categories.append(found)
    found["names"][keys[2]] = value


def _set_languages(data: dict[str, Any], value: str) -> None:
    languages = [_code(part) for part in value.split(",") if part.strip()]
    data["languages"] = languages
    places = [data, data["sender"], data["discreet"], *data["categories"]]
    for place in places:
        for key in _BY_LANGUAGE:
            if key in place:
                place[key] = {c: text for c, text in place[key].items() if c in languages}


def _code(text: str) -> str:
    try:
        return canonical(text)
    except ValueError as err:
        raise InputError("languages", str(err)) from err


def _set_plain(data: dict[str, Any], keys: list[str], value: str) -> None:
    dotted = ".".join(keys)
    place: Any = data
    for key in keys[:-1]:
        place = place.get(key) if isinstance(place, dict) else None
    free = len(keys) > 1 and keys[-2] in _BY_LANGUAGE
    if not isinstance(place, dict) or not (free or keys[-1] in place):
        there = _flat(_with_places(data, data["languages"][0]))
        names = ", ".join(key for key in there if not key.startswith("categories."))
        raise InputError(dotted, f"a publication has no such setting; it has {names}")
    if isinstance(place.get(keys[-1]), dict):
        raise InputError(dotted, f"say for which language: {dotted}.{data['languages'][0]}")
    if free and not value:
        place.pop(keys[-1], None)
    else:
        place[keys[-1]] = None if dotted == "fallback_language" and not value else value
