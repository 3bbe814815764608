"""`newsletter dkim`: a key that only its owner reads, and a record that belongs to it."""

from __future__ import annotations

import stat
from dataclasses import replace

from newsletter.rendering import dkim_keys
from tests.cli.command import Command

DOMAIN = "news.example.org"


def _signing(command: Command, **dkim: str) -> Command:
    set_now = {f"NEWSLETTER_DKIM__{name.upper()}": value for name, value in dkim.items()}
    return replace(command, environment={**command.environment, **set_now})


def test_a_new_key_and_what_the_dns_must_say(newsletter: Command) -> None:
    newsletter.ok("init", "--yes", "--sender", f"desk@{DOMAIN}", "--postal", "12 Lane")
    made = newsletter.ok("dkim", "new-key", DOMAIN, "weekly1").out
    file = newsletter.home / "weekly1.pem"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    record = dkim_keys.zone_line(DOMAIN, "weekly1", dkim_keys.record(dkim_keys.load(file)))
    assert record in made.splitlines()
    assert "PRIVATE" not in made
    assert not newsletter.ok("dkim", "show", "--json").json["records"]
    signing = _signing(newsletter, domain=DOMAIN, selector="weekly1", key_path="weekly1.pem")
    assert signing.ok("dkim", "show").out.splitlines() == [record]
    kept = file.read_bytes()
    newsletter.refused("dkim", "new-key", DOMAIN, "weekly1")
    assert file.read_bytes() == kept


def test_names_that_could_be_anything_else_are_refused(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    for domain, selector in ((f"{DOMAIN}; x", "s"), (DOMAIN, "../s"), (DOMAIN, "a/b"), ("", "s")):
        newsletter.refused("dkim", "new-key", domain, selector)
    newsletter.refused("dkim", "new-key", DOMAIN, "s", "--kind", "dsa")
    assert not list(newsletter.home.glob("*.pem"))


def test_doctor_tells_of_a_signature_that_does_not_count(newsletter: Command) -> None:
    newsletter.ok("init", "--yes", "--sender", "desk@other.example", "--postal", "12 Lane")
    newsletter.ok("dkim", "new-key", DOMAIN, "e1", "--kind", "ed25519")
    signing = _signing(newsletter, domain=DOMAIN, selector="e1", key_path="e1.pem")
    found = _of_signature(signing)
    assert "mail is from other.example, and DKIM speaks for news.example.org" in found
    assert "none that every receiver trusts" in found
    (newsletter.home / "e1.pem").chmod(0o644)
    assert "others can read it" in _of_signature(signing)
    (newsletter.home / "e1.pem").unlink()
    assert "cannot be read" in _of_signature(signing)
    assert "DKIM" not in _of_signature(newsletter)


def _of_signature(command: Command) -> str:
    found = command("doctor", "--json").json
    wanted = {"signature", "alignment of other.example"}
    return " | ".join(one["found"] for one in found["findings"] if one["subject"] in wanted)
