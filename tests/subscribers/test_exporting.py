"""The list as a file: nothing in it is a formula, and it comes back as the same people."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.provisional import domains

from newsletter.app import Services
from newsletter.core.addresses import parse
from newsletter.core.db import reading, writing
from newsletter.core.errors import InputError
from newsletter.editorial import publications
from subscribers import directory, exporting, importing, listing, suppression
from subscribers.formulas import guarded, starts_formula, unguarded
from subscribers.listing import Wanted
from tests.subscribers.conftest import NOW, Add


def _file(services: Services, wanted: Wanted) -> bytes:
    with reading(services.engine) as session:
        return b"".join(exporting.lines(session, services.sealer, wanted))


def _rows(data: bytes) -> list[dict[str, str]]:
    assert data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_the_file_says_what_a_list_needs(
    any_services: Services, publication_id: int, add: Add
) -> None:
    sealer = any_services.sealer
    with writing(any_services.engine) as session:
        for name in ("here", "barred", "left"):
            add(session, f"{name}@example.org", "en+my", "import")
        suppression.suppress(session, sealer.blind_index("barred@example.org"), "complaint", NOW)
        directory.remove(session, sealer, publication_id, "left@example.org", NOW)
        person = directory.find(session, sealer, "here@example.org")
        assert person
        held = directory.subscription_of(session, person, publication_id)
        assert held
        held.text_only, held.discreet = True, True
        held.paused_until_at = NOW + timedelta(weeks=2)
    here, barred, left = _rows(_file(any_services, Wanted(publication_id)))
    assert here == {
        "email": "here@example.org",
        "edition": "en+my",
        "state": "active",
        "reason": "",
        "text_only": "yes",
        "discreet": "yes",
        "paused_until": "2026-12-04T03:00:00+00:00",
        "since": "2026-11-20T03:00:00+00:00",
        "consent_how": "import",
        "consent_at": "2026-11-20T03:00:00+00:00",
    }
    assert (barred["state"], barred["reason"]) == ("suppressed", "complaint")
    assert (left["state"], left["text_only"], left["discreet"]) == ("ended", "no", "no")
    assert len(_rows(_file(any_services, Wanted(publication_id, state="ended")))) == 1


def test_a_list_of_nobody_is_a_header(services: Services) -> None:
    data = _file(services, Wanted(1))
    assert data == b"\xef\xbb\xbf" + ",".join(exporting.COLUMNS).encode() + b"\r\n"


@pytest.mark.parametrize(
    "cell",
    [
        "=1+1", "+news@example.org", "-x", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "  =1",
        '"=1', "'=1", "' \"=1", "＝1", "＋1", "－1", "＠x", "﹢1", "−1", "\u00a0=1", "“=1", "\tx",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_would_calculate_is_marked_as_text(cell: str) -> None:
    assert starts_formula(cell)
    assert guarded(cell) == f"'{cell}"
    assert unguarded(guarded(cell)) == cell


@pytest.mark.parametrize(
    "cell", ["", " ", "a@example.org", "o'hara", "'quoted'", "1-2", "မြန်မာ", "a=b"]
)
def test_what_is_plain_stays_as_it_is(cell: str) -> None:
    assert guarded(cell) == unguarded(cell) == cell


@given(st.text(max_size=12))
@example("''=x")
@example("'\t")
def test_a_guard_comes_off_as_it_went_on(cell: str) -> None:
    assert unguarded(guarded(cell)) == cell
    assert not starts_formula(guarded(cell)) or guarded(cell).startswith("'")


LOCAL = st.text(st.sampled_from("az09AZ.!#$%&'*+-/=?^_`{|}~éကိ"), min_size=1, max_size=12)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(st.tuples(LOCAL, domains(max_length=40)), min_size=1, max_size=5))
@example(people=[("+news", "example.org"), ("-x", "example.org"), ("'=x", "example.org")])
def test_odd_addresses_come_back_as_they_went(
    services: Services, people: list[tuple[str, str]]
) -> None:
    held = set()
    with writing(services.engine) as session:
        wanted = publications.default()
        wanted.slug = f"p{len(publications.listing(session))}"
        publication_id = publications.create(session, wanted, now=NOW).id
        for local, domain in people:
            try:
                parsed = parse(f"{local}@{domain}")
            except InputError:
                continue
            outcome = directory.add(
                session, services.sealer, publication_id=publication_id, address=parsed.text,
                edition="en", how="editor", wording="asked", now=NOW,
            )  # fmt: skip
            assert outcome in ("new", "there")
            held.add(services.sealer.blind_index(parsed.lookup))
    data = _file(services, Wanted(publication_id))
    for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")):
        for cell in row:
            first = cell.lstrip()[:1]
            assert first not in ("=", "+", "-", "@", "\t", "\r"), cell
    with writing(services.engine) as session:
        wanted.slug = f"{wanted.slug}-again"
        again = publications.create(session, wanted, now=NOW).id
        report = importing.import_csv(
            session, services.sealer, publication_id=again, data=data, name="readers.csv",
            editions=["en", "my"], default_edition="my", now=NOW, strict=True,
        )  # fmt: skip
        assert report.counts["new"] == len(held)
        back = [row.address(services.sealer) for row in listing.rows(session, Wanted(again))]
        assert {services.sealer.blind_index(address.lookup) for address in back} == held
        assert listing.census(session, again)["active"] == ({"en": len(held)} if held else {})
