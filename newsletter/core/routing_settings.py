"""Settings of several providers: `[providers.NAME]`, `[[routes]]` and `[pacing."DOMAIN"]`.

A provider is called by its NAME or, where the settings need no more than one of a kind, by the
kind itself (`smtp`). The keys of `[providers.NAME]` go before those of its kind's own section.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    ValidationError,
    model_validator,
)

from newsletter.core import addresses
from newsletter.core.errors import InputError
from newsletter.core.provider_settings import ProviderSection
from newsletter.core.validation_words import place, wanted, words

if TYPE_CHECKING:
    from newsletter.core.settings import Settings

Kind = Literal[
    "smtp", "ses", "mailgun", "sparkpost", "resend", "postmark", "brevo", "console", "memory"
]
KINDS: tuple[str, ...] = get_args(Kind)
NO_SUCH_SETTING = "there is no such setting; see config/defaults.toml for all of them"
_NAME = r"^[a-z][a-z0-9-]{0,31}$"  # 32: the column of a delivery


class Fault(ValueError):
    """Something that is wrong between sections: where it stands, and a sentence."""

    def __init__(self, where: str, sentence: str) -> None:
        self.where = where
        super().__init__(sentence)


def _numbers(value: object) -> object:
    """A list, or the same as one text with commas, which is all that a variable can hold."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _domain(text: str) -> str:
    """As deliveries have it (lower case, ASCII); `*.` in front means all below it."""
    front, rest = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    if front and re.fullmatch(r"[a-zA-Z]{2,63}", rest):  # a whole country, such as *.mm
        return front + rest.lower()
    try:
        return front + addresses.parse(f"a@{rest}").domain
    except InputError:
        raise ValueError(
            f"write a domain such as example.org or *.example.org, not '{text}'"
        ) from None


def _plain_domain(text: str) -> str:
    if text.startswith("*"):
        raise ValueError(f"list the domains themselves; '{text}' could be in several buckets")
    return _domain(text)


def _listed(value: object) -> object:
    return [value] if isinstance(value, str) else value


def _no_switch(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("it must be a number, such as 20")
    return value


Name = Annotated[
    str,
    Field(pattern=_NAME),
    wanted("write a name of small letters, digits and hyphens, up to 32, such as relay-b"),
]
Weight = Annotated[float, BeforeValidator(_no_switch), Field(gt=0, le=1_000_000)]
PerSecond = Annotated[float, BeforeValidator(_no_switch), Field(gt=0, le=100_000)]
Count = Annotated[int, BeforeValidator(_no_switch), Field(ge=1)]


class Pacing(ProviderSection):
    """How much may go out: in a second, in a UTC day, and in the first days of a new sender."""

    per_second: PerSecond | None = None
    per_day: Count | None = None

    @property
    def is_paced(self) -> bool:
        """Whether anything bounds it."""
        return self.per_second is not None or self.per_day is not None


class Named(Pacing):
    """One provider of a name of its own; `own` are the keys that go before its kind's section."""

    kind: Kind
    warm_up: Annotated[tuple[Count, ...], BeforeValidator(_numbers)] = ()
    """Messages on the first day, the second …; after the last one only `per_day` bounds it."""
    warm_up_from: date | None = None
    connections: Annotated[int, Field(ge=1, le=200)] | None = None
    own: dict[str, Any] = Field(default_factory=dict, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _parted(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        mine = {key: value for key, value in values.items() if key in _NAMED_KEYS}
        return {**mine, "own": {k: v for k, v in values.items() if k not in _NAMED_KEYS}}

    @model_validator(mode="after")
    def _warm_up_is_whole(self) -> Named:
        if bool(self.warm_up) != (self.warm_up_from is not None):
            lacking = "warm_up_from" if self.warm_up else "warm_up"
            raise ValueError(
                f"{lacking} is missing: a warm-up needs warm_up = [50, 100, 500] and the day it "
                "begins on, warm_up_from = 2026-11-01"
            )
        return self

    @property
    def is_paced(self) -> bool:
        """Whether anything bounds it."""
        return super().is_paced or bool(self.warm_up)


_NAMED_KEYS = frozenset(Named.model_fields) - {"own"}


def _with_kinds(value: object) -> object:
    """A provider that is called as its kind need not say so."""
    if not isinstance(value, dict):
        return value
    return {
        name: {"kind": name, **entry} if name in KINDS and isinstance(entry, dict) else entry
        for name, entry in value.items()
    }


def _tables(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise ValueError("write each route as a [[routes]] of its own")
    return value


Providers = Annotated[dict[Name, Named], BeforeValidator(_with_kinds)]


class DomainPacing(Pacing):
    """The pace towards a receiving domain, or towards all `domains` of one operator together."""

    domains: Annotated[
        tuple[Annotated[str, AfterValidator(_plain_domain)], ...], BeforeValidator(_listed)
    ] = ()


class Route(ProviderSection):
    """Which providers take what; what it does not name, it takes all of."""

    publication: str | None = None
    edition: str | None = None
    domain: Annotated[
        tuple[Annotated[str, AfterValidator(_domain)], ...], BeforeValidator(_listed)
    ] = ()
    providers: Annotated[dict[str, Weight], Field(min_length=1)]
    fallback: Annotated[tuple[str, ...], BeforeValidator(_listed)] = ()

    @property
    def takes_all(self) -> bool:
        """Whether it leaves no message to a later one."""
        return not (self.publication or self.edition or self.domain)


Routes = Annotated[tuple[Route, ...], BeforeValidator(_tables)]


def provider_names(settings: Settings) -> tuple[str, ...]:
    """All that may take a message: the usual one first, then the named, then those of routes."""
    routed = (name for route in settings.routes for name in (*route.providers, *route.fallback))
    return tuple(dict.fromkeys((settings.delivery.provider, *settings.providers, *routed)))


def used_names(settings: Settings) -> tuple[str, ...]:
    """Those of them that a message can go by: the usual one first, where not all goes by routes."""
    routed = (name for route in settings.routes for name in (*route.providers, *route.fallback))
    last = settings.routes[-1] if settings.routes else None
    left = last is None or not last.takes_all
    return tuple(dict.fromkeys((*((settings.delivery.provider,) if left else ()), *routed)))


def named(settings: Settings, name: str) -> Named:
    """What is set about a provider; a kind that stands in no `[providers]` is its own entry."""
    return settings.providers.get(name) or Named.model_validate({"kind": name})


def kind_of(settings: Settings, name: str) -> str:
    """What kind of provider a name means; the name itself when it is no other's."""
    entry = settings.providers.get(name)
    return entry.kind if entry else name


def section_of(settings: Settings, name: str) -> BaseModel | None:
    """The keys in force for a provider: its kind's section with its own over it.

    None for a kind that has no settings (console, memory). Fault names the key that is wrong.
    """
    entry = named(settings, name)
    common = getattr(settings, entry.kind, None)
    where = f"providers.{name}"
    if not entry.own:
        return common if isinstance(common, BaseModel) else None
    if not isinstance(common, BaseModel):
        raise Fault(f"{where}.{next(iter(entry.own))}", NO_SUCH_SETTING)
    try:
        return type(common).model_validate({**common.model_dump(), **entry.own})
    except ValidationError as err:
        first = err.errors()[0]
        missing = first["type"] == "extra_forbidden"
        sentence = NO_SUCH_SETTING if missing else words(first)
        raise Fault(f"{where}.{place(first)}", sentence) from None


def check(settings: Settings) -> None:
    """Fault for the first thing that does not fit together: a name nobody has, a doubled domain."""
    for name, entry in settings.providers.items():
        if name in KINDS and entry.kind != name:
            raise Fault(
                f"providers.{name}.kind", f"'{name}' is a kind itself; give this one another name"
            )
        section_of(settings, name)
    for where, name in _uses(settings):
        if name not in KINDS and name not in settings.providers:
            known = ", ".join((*settings.providers, *KINDS))
            raise Fault(where, f"there is no provider '{name}'; name one of {known}")
    _check_routes(settings)
    _check_domains(settings)


def _uses(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "delivery.provider", settings.delivery.provider
    for number, route in enumerate(settings.routes, 1):
        for name in route.providers:
            yield f"routes.{number}.providers", name
        for name in route.fallback:
            yield f"routes.{number}.fallback", name


def _check_routes(settings: Settings) -> None:
    for number, route in enumerate(settings.routes, 1):
        doubled = [name for name in route.fallback if name in route.providers]
        if doubled or len(set(route.fallback)) < len(route.fallback):
            name = (doubled or list(route.fallback))[0]
            raise Fault(
                f"routes.{number}.fallback",
                f"'{name}' is tried twice: name there only providers that the route does not use",
            )
        if route.takes_all and number < len(settings.routes):
            raise Fault(
                f"routes.{number + 1}",
                f"the route before it takes every message (routes.{number} names no publication, "
                "edition or domain), so this one never comes: put that one last",
            )


def _check_domains(settings: Settings) -> None:
    seen: dict[str, str] = {}
    for name, entry in settings.pacing.items():
        if not entry.is_paced:
            raise Fault(f"pacing.{name}", "set per_second or per_day")
        if not entry.domains and re.fullmatch(r"[^.]+", name):
            raise Fault(
                f"pacing.{name}",
                f'\'{name}\' is no domain: write [pacing."gmail.com"], or say domains = ["…"]',
            )
        for domain in domains_of(name, entry):
            if domain in seen:
                raise Fault(f"pacing.{name}", f"{domain} is paced already by pacing.{seen[domain]}")
            seen[domain] = name


def domains_of(name: str, entry: DomainPacing) -> tuple[str, ...]:
    """The receiving domains that share this pace."""
    if entry.domains:
        return entry.domains
    try:
        return (_plain_domain(name),)
    except ValueError as err:
        raise Fault(f"pacing.{name}", str(err)) from None
