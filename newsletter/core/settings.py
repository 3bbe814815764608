"""Settings: the shipped defaults, a file in the home, then the environment.

An unknown key is an error.
`NEWSLETTER_SMTP__HOST=mail.example.org` sets `smtp.host`; `NEWSLETTER_SMTP__PASSWORD_FILE=PATH`
reads `smtp.password` from a file; `NEWSLETTER_LANGUAGES__SHN__NAME=Shan` sets `languages.shn.name`
(`PT_BR` for pt-BR), and `NEWSLETTER_PROVIDERS__RELAY_B__HOST` `providers.relay-b.host`.
`[[routes]]` and `[pacing]` stand in the file only. `NEWSLETTER_HOME` names the home itself.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from newsletter.core.bounce_settings import Bounces
from newsletter.core.dkim_settings import Dkim
from newsletter.core.doctor_settings import Doctor
from newsletter.core.errors import ConfigurationError, InputError
from newsletter.core.language_codes import canonical
from newsletter.core.link_settings import Links
from newsletter.core.notice_settings import Notices
from newsletter.core.provider_settings import (
    Brevo,
    Http,
    Mailgun,
    Mailjet,
    Postmark,
    Resend,
    SendGrid,
    Ses,
    SparkPost,
)
from newsletter.core.resources import shipped
from newsletter.core.routing_settings import (
    NO_SUCH_SETTING,
    DomainPacing,
    Fault,
    Providers,
    Routes,
    check,
)
from newsletter.core.settings_environment import from_environment
from newsletter.core.source_settings import Sources
from newsletter.core.validation_words import place, wanted, words

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

NOT_REACHABLE = (
    "readers cannot reach this service yet: set url under [public] in newsletter.toml to its "
    "https:// address"
)
_LISTS = {"routes"}


class _Section(BaseModel):
    # A key that is wrong stands in no message, nor in any trace.
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Public(_Section):
    """How readers reach us; an empty `url` means that they cannot yet."""

    url: Annotated[
        str,
        Field(pattern=r"^(https?://[^\s/]+(/[^\s]*)?)?$"),
        wanted("write the whole address, such as https://news.example.org"),
    ]

    @property
    def shortcoming(self) -> tuple[Literal["warning", "error"], str] | None:
        """What is wrong with this address for readers, and how much; None when nothing is.

        RFC 8058 §3.1: the link to leave must be https.
        """
        if not self.url:
            return "error", NOT_REACHABLE
        parts = urlsplit(self.url)
        if _is_loopback(parts.hostname or ""):
            return "warning", (
                f"{self.url} is reached from this machine only: set url under [public] in "
                "newsletter.toml to its https:// address before real readers are written to"
            )
        if parts.scheme == "http":
            return "error", (
                f"{self.url} is not https, so others can read who leaves and one-click does not "
                "work: set url under [public] to https://… and put a TLS proxy in front"
            )
        return None


def _proxies(text: str) -> str:
    """The same list; a slip in it would count all readers behind the proxy as one."""
    for part in filter(None, map(str.strip, text.split(","))):
        try:
            ip_network(part)
        except ValueError:
            raise ValueError(
                "write addresses or networks of the proxies with commas between them, such as "
                f"127.0.0.1, 10.0.0.0/8, not '{part}'"
            ) from None
    return text


class Server(_Section):
    """Where the web pages listen."""

    host: str
    port: int = Field(ge=0, le=65535)
    trusted_proxies: Annotated[str, AfterValidator(_proxies)]


class Database(_Section):
    """Which database; empty means the embedded one."""

    url: str


class Delivery(_Section):
    """How issues go out."""

    provider: str
    connections: int = Field(ge=1, le=200)
    lease_seconds: int = Field(ge=5)
    retry_hours: float = Field(gt=0)
    pause_after_errors: int = Field(ge=1)


class Smtp(_Section):
    """The server that takes our mail."""

    host: str
    port: int = Field(ge=1, le=65535)
    security: Literal["starttls", "tls", "none"]
    allow_plain: bool
    username: str
    password: str = Field(repr=False)
    timeout: float = Field(gt=0)
    final_timeout: float = Field(gt=0)
    max_per_connection: int = Field(ge=1)
    pipelining: bool
    chunking: bool
    helo: str


class Keys(_Section):
    """What wraps the data keys; with neither the master key lies in a file of the home."""

    passphrase: str = Field(repr=False)
    key: str = Field(repr=False)


def _parted(value: object) -> object:
    """A list, or the same as one text with commas, which is all that a variable can hold."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


class Backup(_Section):
    """Who can open backups and exports; the environment gives them separated by commas."""

    recipients: Annotated[list[str], BeforeValidator(_parted)]


class Signup(_Section):
    """How much the form for readers lets through."""

    per_address_day: int = Field(ge=1)
    per_address_month: int = Field(ge=1)
    per_network_hour: int = Field(ge=1)
    per_service_hour: int = Field(ge=1)
    seconds: float = Field(ge=0)
    slow_seconds: float = Field(ge=0)
    work: int = Field(ge=1, le=10_000_000)
    valid_days: int = Field(ge=2, le=30)


class Logging(_Section):
    """What is written down."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Language(_Section):
    """What a language needs beside its catalogue of words."""

    name: str
    native: str
    script: Annotated[
        str,
        Field(pattern=r"^[A-Z][a-z]{3}$"),
        wanted("write the script as its four letters (ISO 15924), such as Latn or Mymr"),
    ] = "Latn"
    """In which it is written (ISO 15924); by it an import knows the language of a title."""
    digits: Literal["latn", "mymr"] = "latn"
    date: str = "{day} {month} {year}"
    day_of_week: str = "{weekday}, {date}"
    list_separator: str = ", "
    list_last: str = ", "
    reading_unit: Literal["words", "syllables"] = "words"
    reading_per_minute: int = Field(default=200, ge=1)


class Settings(_Section):
    """Everything an operator may set, and the home in which all state lies."""

    home: Path
    public: Public
    server: Server
    database: Database
    delivery: Delivery
    providers: Providers = Field(default_factory=dict)
    routes: Routes = ()
    pacing: dict[str, DomainPacing] = Field(default_factory=dict)
    smtp: Smtp
    http: Http
    ses: Ses
    mailgun: Mailgun
    sparkpost: SparkPost
    resend: Resend
    postmark: Postmark
    brevo: Brevo
    sendgrid: SendGrid
    mailjet: Mailjet
    keys: Keys
    backup: Backup
    signup: Signup
    bounces: Bounces
    notices: Notices
    dkim: Dkim
    doctor: Doctor = Field(default_factory=Doctor)
    links: Links
    sources: Sources
    logging: Logging
    languages: dict[Annotated[str, AfterValidator(canonical)], Language]

    @property
    def links_url(self) -> str:
        """Where links lead, without a slash at the end; to this machine while readers have none."""
        return self.public.url.rstrip("/") or f"http://127.0.0.1:{self.server.port}"

    @property
    def database_url(self) -> str:
        """The database in force."""
        return self.database.url or f"sqlite:///{self.home / 'newsletter.db'}"

    @property
    def key_path(self) -> Path:
        """The key file: keep its backup apart from the database's."""
        return self.home / "keys.json"

    @property
    def media_path(self) -> Path:
        """Images of issues, named by their hash."""
        return self.home / "media"

    @property
    def locale_paths(self) -> tuple[Path, ...]:
        """Catalogues: the home's first, then the shipped ones."""
        return (self.home / "locale", shipped("templates") / "locale")

    @property
    def template_paths(self) -> tuple[Path, ...]:
        """Templates: the home's first, so that any can be replaced, then the shipped ones."""
        return (self.home / "templates", shipped("templates"))


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def default_home(environ: Mapping[str, str] = os.environ) -> Path:
    """NEWSLETTER_HOME, or a directory of this user's own."""
    if environ.get("NEWSLETTER_HOME"):
        return Path(environ["NEWSLETTER_HOME"]).expanduser().resolve()
    data = environ.get("XDG_DATA_HOME") or "~/.local/share"
    return (Path(data).expanduser() / "newsletter").resolve()


def load(
    home: Path,
    environ: Mapping[str, str] = os.environ,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
) -> Settings:
    """The settings in force; InputError names the file or variable, the key and what is wrong."""
    merged = _read_toml(shipped("config") / "defaults.toml")
    origins: dict[str, str] = {}
    own = home / "newsletter.toml"
    if own.is_file():
        _merge(merged, _read_toml(own), str(own), origins)
    for name, values in from_environment(environ):
        _merge(merged, values, name, origins)
    _merge(merged, overrides or {}, "the command line", origins)
    try:
        settings = Settings(home=home, **merged)
        check(settings)
    except ValidationError as err:
        first = err.errors()[0]
        where = place(first)
        raise InputError(_origin(where, origins), f"{where}: {_plain(first)}") from err
    except Fault as err:
        raise InputError(_origin(err.where, origins), f"{err.where}: {err}") from err
    return settings


def shipped_languages() -> dict[str, Language]:
    """The languages that come with the program, without those of any home."""
    found = _read_toml(shipped("config") / "defaults.toml")["languages"]
    return {code: Language.model_validate(entry) for code, entry in found.items()}


def _origin(place: str, origins: Mapping[str, str]) -> str:
    """Who set it: the key itself before its section, `smtp.port` before `smtp`."""
    while place and place not in origins:
        place = place.rpartition(".")[0]
    return origins.get(place, "settings")


def _plain(error: ErrorDetails) -> str:
    if error["type"] == "extra_forbidden":
        return NO_SUCH_SETTING
    return words(error)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as err:
        raise InputError(str(path), f"this is not valid TOML: {err}") from err
    except UnicodeDecodeError as err:
        raise InputError(str(path), "this is no text in UTF-8; save it as such") from err
    except OSError as err:
        raise ConfigurationError(f"{path} cannot be read: {err.strerror}") from err


def _merge(
    into: dict[str, Any], new: Mapping[str, Any], origin: str, origins: dict[str, str]
) -> None:
    for section, values in new.items():
        if section in _LISTS:
            into[section], origins[section] = values, origin
            continue
        if not isinstance(values, Mapping):
            raise InputError(origin, f"'{section}' must stand in a [section]")
        target = into.setdefault(section, {})
        for key, value in values.items():
            origins[f"{section}.{key}"] = origin
            if isinstance(value, Mapping):
                origins.update((f"{section}.{key}.{inner}", origin) for inner in value)
            if isinstance(value, Mapping) and isinstance(target.get(key), Mapping):
                target[key] = {**target[key], **value}
            else:
                target[key] = value
        origins.setdefault(section, origin)
