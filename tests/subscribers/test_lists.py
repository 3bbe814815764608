"""Lists as they come from other systems and from people: each oddity has its answer."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.core.errors import InputError
from newsletter.core.keyring import Keyring
from newsletter.core.sealing import Sealer
from subscribers.formulas import guarded
from subscribers.importing import Order, Taking
from subscribers.lines import LONGEST
from subscribers.table import open_table
from subscribers.tally import RowReport

_EDITIONS = ("en", "my", "en+my")


@pytest.fixture(scope="module")
def sealer() -> Sealer:
    """Seals under keys of nobody."""
    return Sealer(Keyring.generate())


def read(
    sealer: Sealer, data: bytes, columns: dict[str, str] | None = None, name: str = "list.csv"
) -> Taking:
    """The list, read and judged row by row; nothing is looked up."""
    taking = Taking(io.BytesIO(data), name, sealer, Order(1, _EDITIONS, "en", columns or {}))
    taking.read()
    return taking


def taken(taking: Taking) -> list[str]:
    """The addresses that would be taken, in the order of the file."""
    people = sorted(one for chunk in taking.tally.people(100) for one in chunk)
    return [taking.reread(person) for person in people]


def told(taking: Taking, outcome: str) -> list[RowReport]:
    """The rows with this outcome."""
    return list(taking.reports((outcome,)))


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("Email Address,First Name,Last Name,MEMBER_RATING,OPTIN_TIME,LANGUAGE",
         "a@example.org,Aye,Aye,2,2024-01-02 10:00:00,en"),  # Mailchimp
        ("uuid,email,name,attributes,status,created_at,updated_at",
         '0b,a@example.org,Aye,"{""city"": ""Mae Sot""}",enabled,2024,2024'),  # listmonk
        ("id,email,name,note,subscribed_to_emails,complimentary_plan,created_at,deleted_at",
         "1,a@example.org,Aye,,true,false,2024,"),  # Ghost
        ("email,active_subscription,expiry,email_disabled,created_at",
         "a@example.org,false,,false,2024"),  # Substack
        ("Members for group weekly\nEmail address,Nickname,Group status,Email status,"
         "Email preference,Posting permissions",
         "a@example.org,Aye,member,,Each email,Allowed"),  # Google Groups
        ("Name,Given Name,E-mail 1 - Value", "Aye,Aye,a@example.org"),  # Google Contacts
        ("အမည်,အီးမေးလ်,ဘာသာစကား", "အေးအေး,a@example.org,မြန်မာ"),
        ("wer,wo", "Aye,a@example.org"),  # found by looking
        ("sep=;\nname;e-mail", "Aye;a@example.org"),  # as Excel marks it
        ("Email Address,Address,City", "a@example.org,12 Sample Street,Mae Sot"),
    ],
)  # fmt: skip
def test_exports_of_other_systems_are_understood(sealer: Sealer, header: str, row: str) -> None:
    assert taken(read(sealer, f"{header}\n{row}\n".encode())) == ["a@example.org"]


@pytest.mark.parametrize(
    ("header", "cell", "said"),
    [
        ("email,status", "unsubscribed", "'status' says 'unsubscribed': this reader left there"),
        ("email,Status", "Cleaned", "this reader bounced there"),
        ("email,status", "blocklisted", "this reader is barred there"),
        ("email,status", "Unconfirmed", "this reader never confirmed there"),
        ("email,status", "marked as spam", "this reader complained there"),
        ("email,state", "ended", "no longer takes part"),  # our own export
        ("email,Group status", "pending", "never confirmed"),
        ("email,Email preference", "No email", "this reader left there"),
        ("email,subscribed_to_emails", "false", "'subscribed_to_emails' says 'false'"),
        ("email,subscribed", "no", "'subscribed' says 'no'"),
        ("email,email_disabled", "TRUE", "'email_disabled' says 'TRUE'"),
        ("email,unsubscribed_at", "2024-05-01", "'unsubscribed_at' says when they left"),
        ("email,CLEAN_TIME", "2024-05-01", "'CLEAN_TIME' says when they left"),
        ("email,deleted_at", "2024-05-01", "says when they left"),
    ],
)
def test_who_left_there_is_left_out_here(sealer: Sealer, header: str, cell: str, said: str) -> None:
    taking = read(sealer, f"{header}\na@example.org,{cell}\nb@example.org,\n".encode())
    (row,) = told(taking, "left_out")
    assert row.line == 2
    assert said in row.reason
    assert taken(taking) == ["b@example.org"]


def test_an_unknown_word_for_the_standing_is_asked_about(sealer: Sealer) -> None:
    data = b"email,status,Standing\na@example.org,lapsed,yes\nb@example.org,active,active\n"
    (row,) = told(read(sealer, data), "broken")
    assert "the column 'status' says 'lapsed', which is not known here" in row.reason
    assert "--column status=NAME" in row.reason
    assert "status=-" not in row.reason
    with pytest.raises(InputError, match="who left is never taken in"):
        read(sealer, data, {"status": "-"})


def test_the_state_of_an_address_is_no_standing(sealer: Sealer) -> None:
    rows = "a@example.org,CA,unsubscribed,2024-01-01\nb@example.org,NY,subscribed,\n"
    taking = read(sealer, f"Email,State,Status,Unsubscribe Date\n{rows}".encode())
    assert [row.line for row in told(taking, "left_out")] == [2]
    assert taken(taking) == ["b@example.org"]
    assert "kept of a reader: State" in taking.notes[0]
    alone = read(sealer, b"Email,State\na@example.org,CA\nb@example.org,\nc@example.org,NY\n")
    assert len(taken(alone)) == 3


def test_a_state_that_mostly_tells_the_standing_counts(sealer: Sealer) -> None:
    taking = read(sealer, b"email,state\na@example.org,active\nb@example.org,ended\n")
    assert [row.line for row in told(taking, "left_out")] == [3]
    mixed = read(sealer, b"email,state\na@b.org,active\nc@b.org,confirmed\nd@b.org,lapsed\n")
    assert [row.line for row in told(mixed, "broken")] == [4]


@pytest.mark.parametrize("name", ["Status", "State", "Where"])
@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("unsubscribed_at", "2024-01-01"), ("Unsubscribe Date", "2024-01-01"),
        ("unsubscribed date", "2024-01-01"), ("Unsubscribed", "yes"), ("bounced", "1"),
        ("subscribed", "no"), ("Member Status", "unsubscribed"), ("State", "unsubscribed"),
    ],
)  # fmt: skip
def test_a_column_told_by_hand_hides_no_other_that_says_who_left(
    sealer: Sealer, name: str, column: str, said: str
) -> None:
    other = "Status" if name == column else name
    data = f"email,{other},{column}\na@example.org,subscribed,{said}\nb@example.org,active,\n"
    taking = read(sealer, data.encode(), {"status": other})
    assert [row.line for row in told(taking, "left_out")] == [2]
    assert taken(taking) == ["b@example.org"]


def test_a_column_told_by_hand_replaces_one_with_other_words(sealer: Sealer) -> None:
    data = b"email,status,standing\na@example.org,gold,active\nb@example.org,left,active\n"
    taking = read(sealer, data, {"status": "standing"})
    assert taken(taking) == ["a@example.org"]
    assert not told(taking, "broken")


@pytest.mark.parametrize("rows", [("", "unsubscribed"), ("unsubscribed", "")])
def test_who_left_once_is_not_taken_from_another_row(sealer: Sealer, rows: tuple[str, str]) -> None:
    data = "email,status\n" + "".join(f"{'aA'[n]}@example.org,{rows[n]}\n" for n in (0, 1))
    taking = read(sealer, data.encode())
    assert taken(taking) == []
    assert not told(taking, "broken")


@pytest.mark.parametrize(
    ("cell", "edition"),
    [
        ("en", "en"), ("EN", "en"), ("English", "en"), ("en_GB", "en"), ("en-US", "en"),
        ("my", "my"), ("Burmese", "my"), ("Myanmar", "my"), ("မြန်မာ", "my"), ("my_MM.UTF-8", "my"),
        ("both", "en+my"), ("en+my", "en+my"), ("my, en", "en+my"),
        ("English and Burmese", "en+my"),
        ("အင်္ဂလိပ်နှင့် မြန်မာ", None), ("အင်္ဂလိပ် နှင့် မြန်မာ", "en+my"), ("နှစ်ဘာသာ", "en+my"),
        ("all", "en+my"), ("", ""), ("fr", None), ("Klingon", None), ("en fr", None),
    ],
)  # fmt: skip
def test_editions_in_anybody_s_words(sealer: Sealer, cell: str, edition: str | None) -> None:
    taking = read(sealer, f'email,edition\na@example.org,"{cell}"\n'.encode())
    if edition is None:
        (row,) = told(taking, "broken")
        assert "write one of en, my, en+my" in row.reason
        return
    ((person,),) = taking.tally.people(9)
    assert (taking._wish(person).edition or "") == edition


@pytest.mark.parametrize(
    ("cell", "address"),
    [
        ("'+news@example.org", "+news@example.org"),  # as our own export guards it
        ("'=a@example.org", "=a@example.org"),
        ("+news@example.org", "+news@example.org"),
        ("-a@example.org", "-a@example.org"),
        ("'tHooft@example.org", "'tHooft@example.org"),
        ("\ta@example.org", "a@example.org"),
        ("  a@example.org\u00a0", "a@example.org"),
        ("Aye Aye <a@example.org>", "a@example.org"),
        ("<a@example.org>", "a@example.org"),
        ("a@ｅｘａｍｐｌｅ.org", "a@example.org"),
    ],
)
def test_cells_are_text_whatever_they_begin_with(sealer: Sealer, cell: str, address: str) -> None:
    assert taken(read(sealer, f"name,email\nx,{cell}\n".encode())) == [address]


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        ("=cmd|'/c calc'!A1@example.org", "characters that no mail address may hold"),
        ("@SUM(1;1)", "characters that no mail address may hold"),
        ("＝a＠example.org", "a plain @"),
        ("a\0@example.org", "control characters stand in this row"),
        ("a\x1b[2J@example.org", "control characters stand in this row"),
        ("=?utf-8?q?x?=@example.org", "characters that no mail address may hold"),
        ("a@example.org b@example.org", "it needs one @-sign"),
        ("../../etc/passwd", "it needs one @-sign"),
    ],
)
def test_cells_that_are_no_address_break_their_row_only(
    sealer: Sealer, cell: str, said: str
) -> None:
    taking = read(sealer, f"name,email\nx,{cell}\ny,b@example.org\n".encode())
    (row,) = told(taking, "broken")
    assert (row.line, said in row.reason) == (2, True), row
    assert taken(taking) == ["b@example.org"]


def test_plain_lists_keep_the_address_and_drop_the_name(sealer: Sealer) -> None:
    data = "\ufeffa@example.org\r\n\r\nDaw Mya <b@example.org>\r\nno address\r\nA@example.org"
    taking = read(sealer, data.encode())
    assert taken(taking) == ["a@example.org", "b@example.org"]
    assert [row.line for row in told(taking, "broken")] == [4]
    assert told(taking, "duplicate")[0].reason == "the same address as in line 1, which counts"
    assert taking.notes == [
        "in 1 row (line 3): a name stood beside the address; names are not kept"
    ]


def test_a_table_without_a_header_is_taken_by_its_looks(sealer: Sealer) -> None:
    data = b"Aye,a@example.org,my\nBo,b@example.org,en\n"
    taking = read(sealer, data)
    assert taken(taking) == ["a@example.org", "b@example.org"]
    assert "line 1 holds an address" in taking.notes[0]
    told_by_hand = read(sealer, data, {"edition": "3"})
    ((first, second),) = told_by_hand.tally.people(9)
    assert {told_by_hand._wish(one).edition for one in (first, second)} == {"en", "my"}


def test_what_is_odd_is_remarked_and_taken(sealer: Sealer) -> None:
    rows = [f"info@a{n}.example.org" for n in range(7)] + ["a@exаmple.org"]
    taking = read(sealer, ("email,city\n" + ",Mae Sot\n".join(rows)).encode())
    assert len(taken(taking)) == 8
    assert "in 7 rows (line 2, 3, 4, 5, 6, …): an address of an office" in taking.notes[1]
    assert "in 1 row (line 9): a domain that looks like another one" in taking.notes[2]
    assert taking.notes[0].endswith("kept of a reader: city")


@pytest.mark.parametrize(
    ("data", "columns", "said"),
    [
        (b"email,name,e-mail\na@b.org,x,c@d.org\n", {}, "more than one column of addresses"),
        (b"one,two\na@b.org,c@d.org\n", {}, "more than one column that holds addresses"),
        (b"email,town\na@b.org,x\n", {"edition": "Village"}, "no column has the name 'Village'"),
        (b"x,x\na@b.org,c\n", {"email": "x"}, "more than one column has the name 'x'"),
        (b"email\na@b.org\n", {"colour": "x"}, "'colour' is none of email, edition"),
        (b",,\n,,\n", {}, "no column of addresses"),
        (b"\x1f\x8b\x08\x00" + b"\0" * 99, {}, "a packed file .gzip.; unpack it first"),
        (b"%PDF-1.7\n", {}, "a PDF; ask for the list as CSV"),
        (bytes(range(256)) * 9, {}, "this is no text; in the spreadsheet, save the list as CSV"),
        (b"\x89PNG\r\n\x1a\n" + b"\0\1\2" * 99, {}, "this is no text"),
        (b"\xff\xfeemail", {}, "in no encoding known here"),
        (b"email," * 20_000, {}, "this line is longer than 64 kB"),
    ],
)  # fmt: skip
def test_what_is_no_list_is_refused_in_words(
    sealer: Sealer, data: bytes, columns: dict[str, str], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read(sealer, data, columns)


def test_a_zip_bomb_is_never_unpacked(sealer: Sealer) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("../../list.csv", b"0" * 50_000_000)
    with pytest.raises(InputError, match=r"a workbook \(xlsx, ods\) or a zip file.*as CSV"):
        read(sealer, bomb.getvalue())


def test_a_line_without_end_costs_its_own_row(sealer: Sealer) -> None:
    long = b"x" * 10_000_000
    data = b"email,name\na@example.org,x\nb@example.org," + long + b"\nc@example.org,y\n" + long
    taking = read(sealer, data)
    assert taken(taking) == ["a@example.org", "c@example.org"]
    assert [row.line for row in told(taking, "broken")] == [3, 5]
    assert f"longer than {LONGEST // 1024} kB" in told(taking, "broken")[0].reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_any_encoding_and_line_ending(sealer: Sealer, encoding: str, ending: str) -> None:
    rows = [
        "email,name",
        "a@example.org,Renée",
        'b@example.org,"of two',
        'lines"',
        "c@example.org,é",
    ]
    taking = read(sealer, ending.join(rows).encode(encoding))
    assert taken(taking) == ["a@example.org", "b@example.org", "c@example.org"]
    assert [row.line for row in taking.tally.reports({}, ("broken",))] == []


def test_a_byte_late_in_the_file_decides_how_all_of_it_is_read(sealer: Sealer) -> None:
    rows = [f"r{n}@example.org,x" for n in range(30_000)]
    data = ("email,name\n" + "\n".join(rows)).encode() + b"\nlast@example.org,Ren\xe9e\n"
    taking = read(sealer, data)
    assert taking.notes[0].startswith("the file is not in UTF-8 (see line 30002)")
    assert len(taken(taking)) == 30_001


def test_a_file_changed_while_it_is_read_is_noticed(sealer: Sealer) -> None:
    source = io.BytesIO(b"email\na@example.org\nb@example.org\n")
    with Taking(source, "list.csv", sealer, Order(1, _EDITIONS, "en")) as taking:
        taking.read()
        source.seek(6)
        source.write(b"c@example.org")
        with pytest.raises(InputError, match="changed while it was read"):
            taken(taking)


@given(
    st.one_of(st.binary(), st.text().map(str.encode), st.text().map(lambda t: t.encode("utf-16")))
)
@example(b'email\n"')
@example(b"email,x\n\xff\xfe\n")
@example(b"a@b.org\r\r\n\x00")
@settings(max_examples=400)
def test_any_bytes_are_a_report_or_a_sentence(data: bytes) -> None:
    sealer = Sealer(Keyring.generate())
    for front in (b"", b"email,name\n", b"\xef\xbb\xbfemail;x\r"):
        try:
            taking = read(sealer, front + data)
        except InputError:
            continue
        addresses = taken(taking)
        rows = list(taking.reports()) if not addresses else []
        assert all(row.outcome in ("broken", "duplicate") and row.reason for row in rows)
        taking.tally.close()


_CELL = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=12)


@given(
    st.lists(st.tuples(_CELL, st.integers(0, 999), _CELL), min_size=1, max_size=20),
    st.sampled_from([csv.excel, csv.excel_tab, csv.unix_dialect]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_a_spreadsheet_writes_is_read_as_it_was(
    rows: list[tuple[str, int, str]], dialect: type[csv.Dialect], encoding: str
) -> None:
    """Notes with quotes, separators and leading signs stand beside each address."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, dialect)
    writer.writerow(("note", "email", "more"))
    for note, number, more in rows:
        writer.writerow((note, guarded(f"+r{number}@example.org"), more + "\nand more"))
    taking = read(Sealer(Keyring.generate()), out.getvalue().encode(encoding))
    wanted = dict.fromkeys(f"+r{number}@example.org" for _, number, _ in rows)
    assert taken(taking) == list(wanted)
    assert not told(taking, "broken")
    taking.tally.close()


def test_columns_are_named_in_a_sentence_without_addresses() -> None:
    table = open_table(io.BytesIO(b"email,me@example.org's,x\na@b.org,1,2\n"), "list.csv")
    assert "example.org" not in "".join(table.notes)
