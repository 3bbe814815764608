"""What an operator sets is what is in force; a slip of the pen is an error that names its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.core.errors import InputError
from newsletter.core.settings import default_home, load


def test_file_overrides_defaults_and_environment_overrides_the_file(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[smtp]\nhost = "from-file"\nport = 2525\n')
    found = load(tmp_path, {"NEWSLETTER_SMTP__HOST": "from-environment"})
    assert (found.smtp.host, found.smtp.port) == ("from-environment", 2525)
    assert found.smtp.security == "starttls", "encryption is never off by default"


def test_secret_comes_from_a_file_and_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret-value\n")
    found = load(tmp_path, {"NEWSLETTER_SMTP__PASSWORD_FILE": str(tmp_path / "secret")})
    assert found.smtp.password == "s3cret-value"
    assert "s3cret-value" not in repr(found)


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"NEWSLETTER_SMTP__HOTS": "x"}, r"NEWSLETTER_SMTP__HOTS: smtp.hots: there is no such"),
        ({"NEWSLETTER_SMPT__HOST": "x"}, r"NEWSLETTER_SMPT__HOST: smpt: there is no such"),
        ({"NEWSLETTER_SMTP__PORT": "many"}, r"NEWSLETTER_SMTP__PORT: smtp.port: "),
        ({"NEWSLETTER_SMTP__PORT": "many"}, r"a whole number, such as 5, not 'many'$"),
        ({"NEWSLETTER_SMTP__PORT": "99999"}, r"it must be 65535 or less, not '99999'$"),
        ({"NEWSLETTER_SMTP__SECURITY": "ssl"}, r"one of 'starttls', 'tls' or 'none', not 'ssl'$"),
        ({"NEWSLETTER_PUBLIC__URL": "news.example.org"}, r"NEWSLETTER_PUBLIC__URL: public.url: "),
        ({"NEWSLETTER_PUBLIC__URL": "notaurl"}, r"such as https://news.example.org, not 'notaurl'"),
        ({"NEWSLETTER_SERVER__TRUSTED_PROXIES": "10.0.0.1/8"}, r"10.0.0.0/8, not '10.0.0.1/8'$"),
        (
            {"NEWSLETTER_SERVER__TRUSTED_PROXIES": "::1, proxy"},
            r"addresses or netwo.* not 'proxy'$",
        ),
        ({"NEWSLETTER_HOST": "x"}, r"write a setting as NEWSLETTER_SECTION__KEY"),
        ({"NEWSLETTER_SMTP__HOST__NAME": "x"}, r"write a setting as NEWSLETTER_SECTION__KEY"),
        ({"NEWSLETTER_LANGUAGES__EN": "x"}, r"as NEWSLETTER_LANGUAGES__CODE__KEY"),
        ({"NEWSLETTER_LANGUAGES__KLINGON__NAME": "x"}, r"NAME: 'klingon' is no code of a lang"),
        ({"NEWSLETTER_LANGUAGES__EN__SCRIPT": "x"}, r"__SCRIPT: languages.en.script: "),
        ({"NEWSLETTER_SMTP__PASSWORD_FILE": "/no/such"}, r"/no/such cannot be read"),
    ],
)
def test_unknown_or_wrong_settings_are_named(
    tmp_path: Path, environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        load(tmp_path, environ)


@pytest.mark.parametrize("key", ["PORT", "PRT"])
def test_the_variable_is_blamed_and_not_the_file_that_has_its_section(
    tmp_path: Path, key: str
) -> None:
    (tmp_path / "newsletter.toml").write_text('[smtp]\nhost = "mail"\n')
    with pytest.raises(InputError) as caught:
        load(tmp_path, {f"NEWSLETTER_SMTP__{key}": "abc"})
    assert caught.value.field == f"NEWSLETTER_SMTP__{key}"
    (tmp_path / "newsletter.toml").write_text('[smtp]\nport = "abc"\n')
    with pytest.raises(InputError) as caught:
        load(tmp_path, {"NEWSLETTER_SMTP__HOST": "mail"})
    assert caught.value.field == str(tmp_path / "newsletter.toml")


def test_unknown_key_in_the_file_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text("[delivery]\nconection = 3\n")
    with pytest.raises(InputError, match=r"newsletter.toml: delivery.conection: there is no such"):
        load(tmp_path, {})
    (tmp_path / "newsletter.toml").write_text("[delivery\n")
    with pytest.raises(InputError, match=r"newsletter.toml: this is not valid TOML"):
        load(tmp_path, {})


def test_a_language_is_one_entry(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text(
        '[languages.shn]\nname = "Shan"\nnative = "လိၵ်ႈတႆး"\n', encoding="utf-8"
    )
    assert set(load(tmp_path, {}).languages) == {"en", "my", "shn"}


def test_a_language_comes_from_the_environment_too(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[languages.pt-BR]\nname = "Portuguese"\n')
    named = {"SHN__NAME": "Shan", "SHN__NATIVE": "လိၵ်ႈတႆး", "SHN__SCRIPT": "Mymr"}
    named |= {"PT_BR__NATIVE": "português", "EN__LIST_LAST": " & "}
    found = load(tmp_path, {f"NEWSLETTER_LANGUAGES__{key}": v for key, v in named.items()})
    shan, english = found.languages["shn"], found.languages["en"]
    assert (shan.name, shan.native, shan.script) == ("Shan", "လိၵ်ႈတႆး", "Mymr")
    assert (english.name, english.list_last, english.script) == ("English", " & ", "Latn")
    assert (found.languages["pt-BR"].name, found.languages["pt-BR"].native) == (
        *("Portuguese", "português"),
    )
    assert found.languages["my"].script == "Mymr"


def test_a_list_comes_from_the_environment_with_commas(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text('[backup]\nrecipients = ["age1a"]\n')
    assert load(tmp_path, {}).backup.recipients == ["age1a"]
    found = load(tmp_path, {"NEWSLETTER_BACKUP__RECIPIENTS": "age1b, age1c,"})
    assert found.backup.recipients == ["age1b", "age1c"]
    assert load(tmp_path, {"NEWSLETTER_BACKUP__RECIPIENTS": ""}).backup.recipients == []


def test_home_comes_from_the_environment() -> None:
    assert default_home({"NEWSLETTER_HOME": "/srv/weekly"}) == Path("/srv/weekly")
    assert default_home({"XDG_DATA_HOME": "/data"}) == Path("/data/newsletter")


@pytest.mark.parametrize(
    ("url", "level"),
    [
        ("", "error"),
        ("http://127.0.0.1:8080", "warning"),
        ("http://localhost", "warning"),
        ("https://[::1]/x", "warning"),
        ("http://news.example.org", "error"),
        ("http://127.example.org", "error"),
        ("https://news.example.org/weekly", None),
    ],
)
def test_an_address_that_readers_cannot_use_is_said(
    tmp_path: Path, url: str, level: str | None
) -> None:
    settings = load(tmp_path, {}, {"public": {"url": url}})
    found = settings.public.shortcoming
    assert (found and found[0]) == level
    assert settings.links_url == (url or "http://127.0.0.1:8080")
    assert load(tmp_path, {}).public.url == ""


@pytest.mark.parametrize(
    ("section", "key"),
    [
        *(("ses", "access_key"), ("ses", "secret_key"), ("ses", "session_token")),
        *(("mailgun", "key"), ("sparkpost", "key"), ("resend", "key")),
        *(("postmark", "key"), ("brevo", "key")),
    ],
)
def test_a_providers_key_is_shown_nowhere_not_even_when_it_is_wrong(
    tmp_path: Path, section: str, key: str
) -> None:
    variable = f"NEWSLETTER_{section.upper()}__{key.upper()}"
    found = load(tmp_path, {variable: "s3cret-value"})
    assert getattr(getattr(found, section), key) == "s3cret-value"
    assert "s3cret-value" not in repr(found)
    with pytest.raises(InputError) as caught:
        load(tmp_path, {variable: "s3cret value\n"})
    assert "copy it again" in str(caught.value)
    assert "s3cret" not in f"{caught.value} {caught.value.__cause__!r} {caught.value.__cause__}"


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"NEWSLETTER_MAILGUN__ENDPOINT": "http://api.mailgun.net"}, "the whole https://"),
        ({"NEWSLETTER_MAILGUN__ENDPOINT": "https://x@api.mailgun.net"}, "the whole https://"),
        ({"NEWSLETTER_MAILGUN__DOMAIN": "a/../b"}, "the sending domain"),
        ({"NEWSLETTER_SES__REGION": "eu central"}, "a region such as"),
        ({"NEWSLETTER_SES__ENDPOINT": "ftp://x"}, "the whole https://"),
        ({"NEWSLETTER_HTTP__PROXY": "user:s3cret@proxy"}, "as http://host:port$"),
        ({"NEWSLETTER_POSTMARK__STREAM": ""}, "message stream"),
    ],
)
def test_keys_never_go_to_a_place_that_is_not_encrypted(
    tmp_path: Path, environ: dict[str, str], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        load(tmp_path, environ)
