"""Lists of subscribers as they really come: broken rows, lost headers, other encodings."""

from __future__ import annotations

import io
import uuid
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from newsletter.app import Services
from newsletter.core.db import reading, writing
from newsletter.core.errors import ConfigurationError, InputError
from newsletter.editorial import publications
from subscribers import (
    bulk,
    directory,
    erasing,
    importing,
    leaving,
    standing,
    storing,
    suppressing,
    suppression,
)
from subscribers.importing import Report, import_csv
from subscribers.models import Consent, Subscriber
from subscribers.table import open_table
from tests.subscribers.conftest import NOW, Add


def take(
    services: Services,
    publication_id: int,
    data: bytes,
    *,
    strict: bool = False,
    editions: Sequence[str] = ("en", "my", "en+my"),
) -> Report:
    with writing(services.engine) as session:
        return import_csv(
            session,
            services.sealer,
            publication_id=publication_id,
            data=data,
            name="list.csv",
            editions=editions,
            default_edition="en",
            now=NOW,
            strict=strict,
        )


def test_every_row_gets_its_answer_and_the_good_ones_are_taken(
    any_services: Services, publication_id: int, add: Add
) -> None:
    with writing(any_services.engine) as session:
        add(session, "left@example.org")
        directory.remove(session, any_services.sealer, publication_id, "left@example.org", NOW)
        add(session, "keeps@example.org", "my")
    rows = [f"r{n}@example.org,en" for n in range(2, 17)]
    rows += ["broken(at)example.org,en"]  # line 17
    rows += [
        "R2@Example.org,my",
        "left@example.org,en",
        "keeps@example.org,",
        '"m@example.org",my+en',
    ]
    rows += ["x@example.org,Klingon", "y@example.org,en,extra", ",,", "", "z@example.org"]
    data = ("E-Mail,Language\r\n" + "\r\n".join(rows) + "\r\n").encode()
    report = take(any_services, publication_id, data)
    answers = {row.line: (row.outcome, row.reason) for row in report.rows}
    assert answers[17][0] == "broken"
    assert "mail address" in answers[17][1]
    assert answers[18] == ("duplicate", "the same address as in line 2, which counts")
    assert answers[19][0] == "ended"
    assert answers[20][0] == "there"
    assert answers[22] == ("broken", "there is no edition 'Klingon'; write one of en, my, en+my")
    assert answers[23] == ("broken", "3 cells stand here, the header has 2")
    assert answers[26][0] == "new"
    assert sum(report.counts.values()) == len(report.rows) == 23
    with reading(any_services.engine) as session:
        editions = {
            row.address(any_services.sealer).text: (row.state, row.edition)
            for row in directory.listing(session, publication_id)
        }
    assert editions["keeps@example.org"] == ("active", "my")
    assert editions["m@example.org"] == ("active", "en+my")
    assert editions["left@example.org"] == ("ended", "en")
    assert editions["z@example.org"] == ("active", "en")
    assert len(editions) == 15 + 2 + 2


def test_any_languages_may_be_joined_in_a_cell(any_services: Services, publication_id: int) -> None:
    cells = ["shn+en", "PT-BR", "en pt-BR my", "all", "both", "en+fr", "pt"]
    data = "email;edition\n" + "".join(f"r{n}@example.org;{c}\n" for n, c in enumerate(cells))
    report = take(
        any_services, publication_id, data.encode(), editions=("en", "my", "shn", "pt-BR", "en+my")
    )
    assert [row.outcome for row in report.rows] == ["new"] * 4 + ["broken"] * 3
    with reading(any_services.engine) as session:
        found = [row.edition for row in directory.listing(session, publication_id)]
    assert sorted(found) == sorted(["en+shn", "pt-BR", "en+my+pt-BR", "en+my+shn+pt-BR"])


def test_an_edition_of_many_languages_has_room(any_services: Services, publication_id: int) -> None:
    nine = ("en", "my", "shn", "ksw", "kac", "mnw", "cnh", "kyu", "zh-Hans")
    report = take(
        any_services, publication_id, b"email,edition\na@example.org,all\n", editions=nine
    )
    assert report.counts["new"] == 1
    with reading(any_services.engine) as session:
        (row,) = directory.listing(session, publication_id)
        assert row.edition == "+".join(nine)


def test_strict_takes_all_or_nothing(any_services: Services, publication_id: int) -> None:
    data = b"email\ngood@example.org\nno-address\n"
    with pytest.raises(InputError, match=r"list\.csv:3.*1 broken rows.*nothing was stored"):
        take(any_services, publication_id, data, strict=True)
    with reading(any_services.engine) as session:
        assert directory.listing(session, publication_id) == []


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "header|no column|empty"),
        (b"\n\n  \n", "empty"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00", "no text.*save the list as CSV"),
        (b"name,town\nAye,Mae Sot\n", r"list\.csv:1.*no column of addresses.*'name', 'town'"),
        (b"email,e-mail\na@b.org,c@d.org\n", "more than one column of addresses"),
        (b"email,lang,language\na@b.org,en,en\n", "more than one column of editions"),
        (b'email,"name\na@b.org,Aye\n', r"list\.csv:1.*never closed"),
        (b"email\na@b.org\n\x81\xff\n", r"list\.csv:3.*UTF-8"),
    ],
)
def test_a_file_that_is_no_such_list_is_refused_whole(data: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says) as refused:
        open_table(io.BytesIO(data), "list.csv")
    assert "example.org" not in str(refused.value)


@pytest.mark.parametrize(
    ("data", "note"),
    [
        ("email,name\na@example.org,Aye\n".encode("utf-8-sig"), None),
        ("email,name\na@example.org,Renée\n".encode("latin-1"), "line 2.*Windows-1252"),
        ("email,name\na@example.org,Renée\n".encode("utf-16"), "UTF-16"),
        ("အီးမေးလ်;အမည်\na@example.org;အေးအေး\n".encode(), None),
        (b"name\te-mail address\nAye\ta@example.org\n", None),
        (b'email,name\n"a@example.org","Aye\nof Mae Sot"\n', None),
    ],
)
def test_encodings_and_separators_of_spreadsheets_are_understood(
    data: bytes, note: str | None
) -> None:
    import re

    table = open_table(io.BytesIO(data), "list.csv")
    assert [row.cells[table.columns.address] for row in table.rows()] == ["a@example.org"]
    assert table.notes[-1].startswith("not taken, because nothing more is kept")
    assert len(table.notes) == (2 if note else 1)
    if note:
        assert re.search(note, table.notes[0])


def test_a_stray_quote_costs_its_own_row_and_nobody_else_s(
    any_services: Services, publication_id: int
) -> None:
    rows = [
        "email,edition,name",
        'y@example.org,en,"Aye',  # opened and never closed
        '"Bob" <bob@example.org>,en,Bob',
        'c@example.org,en,"Mya ""May"" Win"',
        'd@example.org,my,"of two',
        'lines"',
        'e@example.org,en,extra,"x',
        'f@example.org,my,"Kyaw',  # closed by the stray quote two lines below
        "g@example.org,en,Hla",
        'h@example.org,en,Tun"',
    ]
    data = "\r\n".join(rows).encode()
    report = take(any_services, publication_id, data)
    assert {row.line: row.outcome for row in report.rows} == {
        2: "broken", 3: "broken", 4: "new", 5: "new", 7: "broken", 8: "broken", 9: "new", 10: "new",
    }  # fmt: skip
    said = {row.line: row.reason for row in report.rows}
    assert "never closed" in said[2]
    assert "never closed" in said[8]
    with pytest.raises(InputError, match=r"list\.csv:2: .*4 broken rows"):
        take(any_services, publication_id, data, strict=True)


def _stand(services: Services, publication_id: int, add: Add, name: str) -> None:
    """Somebody in each state that a list may meet, under an address named after it."""
    address = f"{name}@example.org"
    with writing(services.engine) as session:
        if name == "stranger":
            return
        if name == "elsewhere":
            settings = publications.default().model_copy(update={"slug": "other"})
            other = publications.create(session, settings, now=NOW)
            directory.add(
                session, services.sealer, publication_id=other.id, address=address, edition="my",
                how="editor", wording="of another list", now=NOW,
            )  # fmt: skip
            return
        add(session, address, "en")
        person = directory.find(session, services.sealer, address)
        assert person is not None
        held = directory.subscription_of(session, person, publication_id)
        assert held is not None
        if name in ("chose", "signed_up"):
            kind, how = ("changed", "page") if name == "chose" else ("given", "form")
            row = Consent(kind=kind, how=how, wording="the reader's own hand", at=NOW)
            row.subscription_id = held.id
            session.add(row)
        elif name in ("pending", "ended"):
            held.state = name
        elif name == "barred":
            suppression.suppress(session, person.address_index, "complaint", NOW)


_STATES = ("stranger", "elsewhere", "active", "chose", "signed_up", "pending", "ended", "barred")


@pytest.mark.parametrize("wish", ["", "en", "my"])
def test_a_list_does_what_adding_one_by_one_does(
    any_services: Services, publication_id: int, add: Add, wish: str
) -> None:
    for name in _STATES:
        _stand(any_services, publication_id, add, name)
    data = "email,edition\n" + "".join(f"{name}@example.org,{wish}\n" for name in _STATES)
    expected, found = {}, {}
    with Session(any_services.engine) as session:  # tried one by one, and rolled back
        for name in _STATES:
            expected[name] = (
                directory.add(
                    session, any_services.sealer, publication_id=publication_id,
                    address=f"{name}@example.org", edition=wish or "en", how="import",
                    wording="x", now=NOW, keep_edition=not wish,
                ),
                _state(session, any_services, publication_id, name),
            )  # fmt: skip
        session.rollback()
    report = take(any_services, publication_id, data.encode())
    with reading(any_services.engine) as session:
        for row, name in zip(report.rows, _STATES, strict=True):
            found[name] = (row.outcome, _state(session, any_services, publication_id, name))
    assert found == expected
    assert found["ended"][0] == "ended"
    assert found["chose"][0] == found["signed_up"][0] == "there"
    assert found["barred"][0] == "suppressed"
    edition = wish or "en"
    assert found["pending"] == (
        "subscribed", ("active", edition, [("given", "editor"), ("given", "import")])
    )  # fmt: skip


def _state(
    session: Session, services: Services, publication_id: int, name: str
) -> tuple[str, str, list[tuple[str, str]]] | None:
    person = directory.find(session, services.sealer, f"{name}@example.org")
    held = directory.subscription_of(session, person, publication_id) if person else None
    if held is None:
        return None
    proofs = select(Consent.kind, Consent.how).where(Consent.subscription_id == held.id)
    return held.state, held.edition, sorted((kind, how) for kind, how in session.execute(proofs))


def test_somebody_who_comes_meanwhile_is_taken_once(
    any_services: Services, publication_id: int, add: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program stores the same person after we looked and before we wrote."""
    data = b"email\n" + b"".join(b"r%d@example.org\n" % n for n in range(20))
    order = importing.Order(publication_id, ("en", "my"), "my")
    with importing.Taking(io.BytesIO(data), "list.csv", any_services.sealer, order) as taking:
        taking.read()
        with reading(any_services.engine) as session:
            taking.decide(session)
        (chunk,) = taking.chunks()
        with writing(any_services.engine) as session:
            add(session, "r7@example.org", "en")
            add(session, "r8@example.org", "en")
            directory.remove(session, any_services.sealer, publication_id, "r8@example.org", NOW)
        with monkeypatch.context() as patch:
            # The look that came too early, so that the unique keys must tell.
            patch.setattr(storing, "standings", lambda *_args, **_keys: {})
            with writing(any_services.engine) as session:
                taking.store(session, chunk, NOW)
        rows = {row.line: row.outcome for row in taking.reports()}
    assert (rows[9], rows[10], rows[2]) == ("there", "ended", "new")
    with reading(any_services.engine) as session:
        found = {
            row.address(any_services.sealer).text: (row.state, row.edition)
            for row in directory.listing(session, publication_id)
        }
    assert len(found) == 20
    assert found["r7@example.org"] == ("active", "en")
    assert found["r8@example.org"] == ("ended", "en")
    assert found["r9@example.org"] == ("active", "my")


def test_public_ids_are_random_and_of_version_4(
    any_services: Services, publication_id: int
) -> None:
    data = b"email\n" + b"".join(b"r%d@example.org\n" % n for n in range(300))
    take(any_services, publication_id, data)
    with reading(any_services.engine) as session:
        ids = list(session.scalars(select(Subscriber.public_id)))
        keys = set(session.scalars(select(Subscriber.seal_key_id)))
    assert len(set(ids)) == 300
    assert {(one.version, one.variant) for one in ids} == {(4, uuid.RFC_4122)}
    assert len({one.bytes[4:] for one in ids}) == 300
    assert keys == {any_services.sealer.key_id}
    assert len({one.bytes[0] for one in ids}) > 100, "over all of the range"


def test_a_second_list_of_the_same_people_changes_what_it_says_and_nothing_else(
    any_services: Services, publication_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "CHUNK", 7)
    first = "email,edition\n" + "".join(f"r{n}@example.org,en\n" for n in range(50))
    take(any_services, publication_id, first.encode())
    second = "email,edition\n" + "".join(
        f"R{n}@Example.ORG,{'my' if n % 2 else ''}\n" for n in range(60)
    )
    report = take(any_services, publication_id, second.encode())
    assert (report.counts["updated"], report.counts["there"], report.counts["new"]) == (25, 25, 10)
    with reading(any_services.engine) as session:
        rows = directory.listing(session, publication_id)
        kinds = session.execute(
            select(Consent.kind, func.count()).group_by(Consent.kind).order_by(Consent.kind)
        )
        assert [tuple(row) for row in kinds] == [("changed", 25), ("given", 60)]
    assert sum(row.edition == "my" for row in rows) == 25 + 5


def test_a_reader_s_word_stands_over_a_bounce_that_came_meanwhile(
    any_services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker bars an address between our look and our writing, so the unique key must tell."""
    data = b"email,reason\na@example.org,complaint\nb@example.org,manual\n"
    sealer = any_services.sealer
    with suppressing.Barring(io.BytesIO(data), "list.csv", sealer, None, {}) as barring:
        barring.read()
        with reading(any_services.engine) as session:
            barring.decide(session)
        (chunk,) = barring.chunks()
        marks = [sealer.blind_index(f"{name}@example.org") for name in "ab"]
        with writing(any_services.engine) as session:
            for mark in marks:
                suppression.suppress(session, mark, "hard_bounce", NOW)
        with monkeypatch.context() as patch:
            patch.setattr(bulk, "among", lambda *_args, **_keys: [])
            with writing(any_services.engine) as session:
                barring.store(session, chunk, NOW)
    with reading(any_services.engine) as session:
        held = [suppression.barred(session, mark) for mark in marks]
        assert [bar.reason for bar in held if bar] == ["complaint", "hard_bounce"]


@pytest.mark.parametrize("any_services", ["postgresql"], indirect=True)
@pytest.mark.parametrize("deed", ["leave", "erase"])
def test_who_goes_at_the_very_instant_of_a_list_stays_away(
    any_services: Services,
    publication_id: int,
    add: Add,
    monkeypatch: pytest.MonkeyPatch,
    deed: str,
) -> None:
    """After the look and before the writing: either they wait for it, or the list does."""
    with writing(any_services.engine) as session:
        add(session, "a@example.org", "en")
        person = directory.find(session, any_services.sealer, "a@example.org")
        assert person is not None
        number, public_id = person.id, person.public_id
    tried = []

    def go() -> None:
        with writing(any_services.engine) as session:
            session.execute(text("SET LOCAL lock_timeout = '200ms'"))
            if deed == "erase":
                erasing.erase(
                    session, any_services.sealer, subscriber_id=number, how="page", now=NOW
                )
                return
            leaving.leave(
                session, public_id=public_id, publication_id=publication_id,
                how="one_click", wording="one-click", now=NOW,
            )  # fmt: skip

    def meanwhile(*words: Any) -> Any:
        with pytest.raises(ConfigurationError, match="lock timeout"):
            go()
        tried.append(deed)
        return standing.outcomes(*words)

    monkeypatch.setattr(storing, "outcomes", meanwhile)
    assert take(any_services, publication_id, b"email,edition\na@example.org,my\n").counts[
        "updated"
    ]
    assert tried == [deed]
    go()
    with reading(any_services.engine) as session:
        assert [row.state for row in directory.listing(session, publication_id)] == (
            ["ended"] if deed == "leave" else []
        )
