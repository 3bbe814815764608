"""The brake of the whole service is silent to whoever signs up, and told to the operator."""

from __future__ import annotations

from datetime import timedelta

from newsletter.app import Services
from newsletter.core.clock import now
from newsletter.core.db import reading, writing
from subscribers import brakes
from tests.cli.command import Command


def asked(services: Services, count: int, hours: float) -> None:
    with writing(services.engine) as session:
        for number in range(count):
            at = now() - timedelta(hours=hours, seconds=number)
            mark = number.to_bytes(16, "big")
            assert brakes.allow(session, mark, at, per_day=9, per_month=9, per_hour=10**9)


def test_when_the_brake_came_to_its_limit(any_services: Services) -> None:
    def held(limit: int) -> bool:
        with reading(any_services.engine) as session:
            return brakes.held_at(session, now(), limit) is not None

    asked(any_services, 3, hours=30)
    assert not held(3), "longer ago than a day"
    asked(any_services, 2, hours=5)
    asked(any_services, 1, hours=3.5)
    assert held(2)
    assert not held(3), "not within one hour"
    asked(any_services, 1, hours=4.5)
    assert held(3)


def test_doctor_tells_it(file_services: Services) -> None:
    services = file_services
    doctor = Command(services.settings.home, {"NEWSLETTER_SIGNUP__PER_SERVICE_HOUR": "2"})
    told = [f["verdict"] for f in doctor("doctor", "--offline", "--json").json["findings"]
            if f["subject"] == "sign-ups"]  # fmt: skip
    assert told == []
    asked(services, 2, hours=2)
    told = [f["verdict"] for f in doctor("doctor", "--offline", "--json").json["findings"]
            if f["subject"] == "sign-ups"]  # fmt: skip
    assert told == ["warning"]
