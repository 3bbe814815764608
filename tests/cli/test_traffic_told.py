"""What `status` says of providers, paces and quiet hours, and `doctor` of each provider."""

from __future__ import annotations

from datetime import timedelta

from newsletter.app import open_services
from newsletter.core.clock import now
from newsletter.core.db import writing
from newsletter.delivery.traffic import Candidate, Traffic
from newsletter.editorial import publications
from tests.cli.command import Command

SEVERAL = """
[delivery]
provider = "memory"
[providers.relay-b]
kind = "memory"
per_second = 20
per_day = 400
warm_up = [50, 100]
warm_up_from = {today}
[[routes]]
providers = {{relay-b = 1}}
fallback = ["memory"]
[pacing.google]
domains = ["gmail.com", "googlemail.com"]
per_day = 3
"""


def test_one_provider_that_is_well_is_not_worth_a_word(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    assert "provider" not in newsletter.ok("status").out
    traffic = newsletter.ok("status", "--json").json["traffic"]
    (one,) = traffic["providers"]
    assert (one["state"], one["pace"], one["usual"]) == ("in use", None, True)
    assert (traffic["domains"], traffic["quiet"]) == ([], [])


def test_paces_outages_and_quiet_hours_are_shown(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    text = SEVERAL.format(today=f"{now():%Y-%m-%d}")
    (newsletter.home / "newsletter.toml").write_text(text)
    services = open_services(newsletter.home)
    wall = now()
    hours = f"{wall - timedelta(hours=2):%H:00}-{wall + timedelta(hours=2):%H:00}"
    with writing(services.engine) as session:
        traffic = Traffic(services.settings, services.providers)
        mixed = [Candidate(n, "en", "gmail.com" if n < 3 else "x.org") for n in range(1, 13)]
        traffic.admit(session, "weekly", mixed, now())
        traffic.down(session, "memory", "the line broke", now())
        (owner,) = publications.listing(session)
        owner.slot_zone, owner.quiet_hours = "UTC", hours
    services.close()
    found = newsletter.ok("status", "--json").json["traffic"]
    usual, relay = found["providers"]
    assert (usual["name"], usual["state"], usual["reason"]) == ("memory", "down", "the line broke")
    assert usual["until"] > now().isoformat()
    assert relay["pace"] == {
        "per_second": 20,
        "today": 12,
        "cap": 50,
        "warm_up_day": 1,
        "warm_up_days": 2,
        "spent_until": None,
    }
    assert found["domains"][0]["pace"]["today"] == 2
    assert found["quiet"][0]["until"] is not None
    shown = newsletter.ok("status").out
    assert "down until" in shown
    assert "the line broke" in shown
    assert "12 of 50, day 1 of 2 of its warm-up" in shown
    assert "gmail.com and googlemail.com" in shown
    assert "2 of 3" in shown
    assert f"quiet hours ({hours} UTC) until" in shown


def test_doctor_looks_at_every_provider(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    (newsletter.home / "newsletter.toml").write_text(
        '[delivery]\nprovider = "memory"\n[providers.far]\nkind = "smtp"\nhost = "127.0.0.1"\n'
        'port = 1\nsecurity = "none"\n[providers.post]\nkind = "postmark"\n'
    )
    findings = newsletter("doctor", "--json").json["findings"]
    mail = {one["subject"]: one for one in findings if one["subject"].startswith("mail")}
    assert mail["mail"]["verdict"] == "warning"
    assert mail["mail by far"]["verdict"] == mail["mail by post"]["verdict"] == "bad"
    assert "see [providers.far]" in mail["mail by far"]["remedy"]
    assert "providers.post.key is not set" in mail["mail by post"]["found"]


def test_doctor_names_a_route_that_can_take_nothing(newsletter: Command) -> None:
    newsletter.ok("init", "--yes")
    route = "[[routes]]\n{}\nproviders = {{memory = 1}}\n"
    conditions = (
        'publication = "weakly"',
        'edition = "xx"',
        'edition = "my+en"',  # never stored in this order
        'publication = "weekly"\nedition = "en+my"',
        'edition = "my"',
    )
    (newsletter.home / "newsletter.toml").write_text("".join(map(route.format, conditions)))
    findings = newsletter("doctor", "--json").json["findings"]
    told = {one["subject"]: one for one in findings if one["subject"].startswith("route ")}
    assert sorted(told) == ["route 1", "route 2", "route 3"]
    assert {one["verdict"] for one in told.values()} == {"warning"}
    assert "there is no publication 'weakly'" in told["route 1"]["found"]
    assert told["route 1"]["remedy"].endswith("there are: weekly")
    assert "edition 'xx'" in told["route 2"]["found"]
    assert "en+my" in told["route 3"]["remedy"]
