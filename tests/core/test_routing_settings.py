"""Several providers in the settings; every slip is a sentence that names file and key."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from newsletter.core.errors import InputError
from newsletter.core.routing_settings import kind_of, provider_names, section_of
from newsletter.core.settings import Settings, Smtp, load

WHOLE = """
[delivery]
provider = "relay-b"
[smtp]
host = "mail.example.org"
username = "desk"
password = "s3cret-one"
[providers.relay-b]
kind = "smtp"
host = "b.example.org"
password = "s3cret-two"
per_second = 20
warm_up = [50, 100, 500]
warm_up_from = 2026-11-01
[providers.ses]
per_day = 50000
[[routes]]
publication = "weekly"
domain = ["bücher.example.org", "*.MM"]
providers = {ses = 3, relay-b = 1}
fallback = ["smtp"]
[pacing."gmail.com"]
per_second = 20
[pacing.microsoft]
domains = ["outlook.com", "Hotmail.com"]
per_day = 1000
"""


def _load(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> Settings:
    (tmp_path / "newsletter.toml").write_text(text, encoding="utf-8")
    return load(tmp_path, environ or {})


def test_a_named_provider_is_its_kind_s_section_with_its_own_keys_over_it(tmp_path: Path) -> None:
    found = _load(tmp_path, WHOLE)
    assert provider_names(found) == ("relay-b", "ses", "smtp")
    assert [kind_of(found, name) for name in provider_names(found)] == ["smtp", "ses", "smtp"]
    second, first = section_of(found, "relay-b"), section_of(found, "smtp")
    assert isinstance(first, Smtp)
    assert isinstance(second, Smtp)
    assert (second.host, second.username, second.password) == (
        *("b.example.org", "desk", "s3cret-two"),
    )
    assert (first.host, first.password) == ("mail.example.org", "s3cret-one")
    assert "s3cret" not in repr(found), "no secret is shown, whichever section it stands in"
    assert found.routes[0].domain == ("xn--bcher-kva.example.org", "*.mm"), "as deliveries have it"
    assert found.pacing["microsoft"].domains == ("outlook.com", "hotmail.com")


def test_the_simple_way_stays(tmp_path: Path) -> None:
    found = _load(tmp_path, '[delivery]\nprovider = "ses"\n')
    assert (provider_names(found), found.routes, found.pacing) == (("ses",), (), {})


def test_a_variable_sets_a_key_of_a_named_provider(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-a-file\n")
    names = {
        "RELAY_B__PASSWORD_FILE": str(tmp_path / "secret"),
        "RELAY_B__PORT": "2525",
        "RELAY_B__WARM_UP": "5, 6",
        "NEW__KIND": "memory",
    }
    found = _load(
        tmp_path, WHOLE, {f"NEWSLETTER_PROVIDERS__{key}": value for key, value in names.items()}
    )
    relay = section_of(found, "relay-b")
    assert isinstance(relay, Smtp)
    assert (relay.host, relay.port, relay.password) == ("b.example.org", 2525, "from-a-file")
    assert found.providers["relay-b"].warm_up == (5, 6)
    assert found.providers["relay-b"].warm_up_from == date(2026, 11, 1)
    assert kind_of(found, "new") == "memory"


NAMED = '[providers.a]\nkind = "smtp"\n'
ROUTE = "[[routes]]\nproviders = {smtp = 1}\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[delivery]\nprovider = "smpt"', "delivery.provider: there is no provider 'smpt'; name "),
        ('[providers.a]\nhost = "x"', "providers.a.kind: it is missing"),
        ('[providers.a]\nkind = "smpt"', "providers.a.kind: it must be one of 'smtp', "),
        (NAMED + "hots = 1", "providers.a.hots: there is no such setting"),
        (NAMED + 'port = "x"', "providers.a.port: it must be a whole number, such as 5, not 'x'"),
        (NAMED + "per_day = true", "providers.a.per_day: it must be a number"),
        (NAMED + "per_second = 0", "providers.a.per_second: it must be more than 0"),
        (NAMED + "warm_up = [5]", "providers.a: warm_up_from is missing"),
        (NAMED + "warm_up_from = 2026-11-01", "providers.a: warm_up is missing"),
        ('[providers.a]\nkind = "memory"\nhost = "x"', "providers.a.host: there is no such set"),
        ('[providers.A_b]\nkind = "smtp"', "providers.A_b: write a name of small letters"),
        ('[providers.ses]\nkind = "smtp"', "providers.ses.kind: 'ses' is a kind itself"),
        ("[providers]\na = 1", r"providers.a: it must be a \[section\]"),
        ("[[routes]]\nproviders = {smtp = 0}", "routes.1.providers.smtp: it must be more than 0"),
        ("[[routes]]\nproviders = {}", "routes.1.providers: it must hold at least 1"),
        ("[[routes]]\nproviders = {x = 1}", "routes.1.providers: there is no provider 'x'; name "),
        (ROUTE + 'fallback = ["x"]', "routes.1.fallback: there is no provider 'x'; name "),
        (ROUTE + 'fallback = "smtp"', "routes.1.fallback: 'smtp' is tried twice"),
        (ROUTE + 'fallback = ["ses", "ses"]', "routes.1.fallback: 'ses' is tried twice"),
        (ROUTE + 'domain = "exa mple"', "routes.1.domain.1: write a domain such as example.org"),
        (ROUTE + 'country = "x"', "routes.1.country: there is no such setting"),
        (ROUTE + ROUTE, "routes.2: the route before it takes every message"),
        ("[routes]\nx = 1", r"routes: write each route as a \[\[routes\]\] of its own"),
        ('[pacing."gmail.com"]', "pacing.gmail.com: set per_second or per_day"),
        ("[pacing.gmail]\nper_day = 1", "pacing.gmail: 'gmail' is no domain: write "),
        ('[pacing."*.x.org"]\nper_day = 1', r"pacing.\*.x.org: list the domains themselves"),
        (
            '[pacing."a.org"]\nper_day = 1\n[pacing.a]\ndomains = ["A.org"]\nper_day = 1',
            "pacing.a: a.org is paced already by pacing.a.org",
        ),
    ],
)
def test_a_slip_is_told_with_its_file_and_key(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        _load(tmp_path, text)
    assert caught.value.field == str(tmp_path / "newsletter.toml")


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PROVIDERS__A": "x"}, "write a setting as NEWSLETTER_PROVIDERS__NAME__KEY"),
        ({"ROUTES__A": "x"}, "write routes into newsletter.toml; no variable can hold it"),
        ({"PACING__A__PER_DAY": "1"}, "write pacing into newsletter.toml"),
        ({"PROVIDERS__SMTP__PORT": "x"}, "providers.smtp.port: it must be a whole number"),
        ({"DELIVERY__PROVIDER": "x"}, "delivery.provider: there is no provider 'x'"),
    ],
)
def test_a_slip_in_a_variable_is_told_with_its_name(
    tmp_path: Path, environ: dict[str, str], sentence: str
) -> None:
    ((name, value),) = environ.items()
    with pytest.raises(InputError, match=sentence) as caught:
        _load(tmp_path, "", {f"NEWSLETTER_{name}": value})
    assert caught.value.field == f"NEWSLETTER_{name}"


def test_the_example_in_the_documentation_is_in_force_as_it_stands(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "routing.md").read_text(encoding="utf-8")
    found = _load(tmp_path, page.split("```toml\n")[1].split("```")[0])
    assert provider_names(found) == ("ses", "relay-a", "relay-b")
    assert len(found.routes) == 2
    assert set(found.pacing) == {"yahoo.com", "google"}
    relay = section_of(found, "relay-b")
    assert isinstance(relay, Smtp)
    assert (relay.host, relay.username) == ("b.example.org", "newsletter")
