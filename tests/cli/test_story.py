"""A week at the command line: from an empty home to mail that arrived and a reader who left."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from tests.cli.command import Command
from tests.cli.conftest import Caught
from tests.cli.sample import approved, files
from tests.smtp_server import DROP, ScriptedServer

TOKEN = re.compile(r"v1\.[\w.-]+")


def test_from_empty_home_to_approval(newsletter: Command, tmp_path: Path) -> None:
    post, burmese = files(tmp_path)
    assert "publication set sender.address" in newsletter.apart.ok("init", "--yes").out
    assert (newsletter.home / "keys.json").stat().st_mode & 0o077 == 0
    assert "nothing was changed" in newsletter.ok("init", "--yes").out

    imported = newsletter.apart.ok("import", post, "--json").json
    shown = newsletter.ok("show", 1, "--json").json
    assert {key: imported[key] for key in shown} == shown
    assert (shown["publication"], shown["number"], shown["date"]) == ("weekly", 1, "2023-11-20")
    english = shown["editions"]["en"]
    assert english["title"] == "Who Carries the Water"
    assert english["reading_minutes"] == 4
    assert len(english["paragraphs"]) == 2
    assert [note["mark"] for note in english["footnotes"]] == ["1"]
    assert [r["category"] for r in shown["resources"]] == [
        "Statements and Press Releases",
        "Reports",
    ]
    assert set(shown["resources"][0]["titles"]) == {"en", "my"}
    assert "imported before, as issue 1" in newsletter.ok("import", post).out

    checked = newsletter.apart("check", 1, "--offline", "--json")
    assert checked.code == 2
    errors = {p["place"] for p in checked.json["problems"] if p["level"] == "error"}
    assert errors == {"publication", "editorial my"}
    assert "no editorial in 'my'" in newsletter.apart.refused("approve", 1)

    newsletter.ok("import", burmese, "--issue", 1)
    newsletter.ok("publication", "set", "sender.address", "desk@example.org")
    newsletter.ok("publication", "set", "postal_addresses.en", "12 Sample Street")
    newsletter.ok("check", 1, "--offline")
    assert "newsletter approve 1" in newsletter.ok("submit", 1).out
    assert newsletter.ok("show", 1, "--json").json["status"] == "in_review"
    assert "newsletter approve 1" in newsletter.refused("submit", 1)
    newsletter.ok("approve", 1)
    assert newsletter.ok("status", "--json").json["publications"][0]["issues"][0]["status"] == (
        "approved"
    )
    slot = newsletter.ok("schedule", 1, "--at", "2031-11-24 09:00", "--json").json
    assert slot["due_at"] == "2031-11-24T02:30:00+00:00"
    assert "2031-11-24 09:00 Asia/Yangon (2031-11-24 02:30 UTC)" in newsletter.ok("status", 1).out
    newsletter.ok("resources", "edit", 2, "--url", "https://example.org/wells")
    assert newsletter.ok("show", 1, "--json").json["status"] == "draft"


def test_from_approval_to_mail_and_leaving(
    newsletter: Command, caught: Caught, tmp_path: Path
) -> None:
    newsletter = caught.used_by(newsletter)
    approved(newsletter, tmp_path)
    readers = tmp_path / "readers.csv"
    readers.write_text("email,edition\na@example.org,en\nb@example.org,my\nc@example.org,en+my\n")
    newsletter.ok("subscribers", "import", readers)

    tested = newsletter.ok("send", 1, "--test", "--to", "me@example.org", "--edition", "my")
    assert "1 test message" in tested.out
    assert [str(m["Subject"])[:6] for m in caught.messages] == ["[TEST]"]

    sent = newsletter.apart.ok("send", 1, "--json").json
    assert (sent["status"], sent["ledger"]["submitted"]) == ("sent", 3)
    assert sent["ledger"]["balanced"]
    assert sent["ledger"]["by_edition"] == {"en": 1, "en+my": 1, "my": 1}
    to = {str(message["To"]): message for message in caught.messages[1:]}
    assert set(to) == {"a@example.org", "b@example.org", "c@example.org"}
    told = newsletter.ok("status", 1).out
    assert "Everybody is accounted for." in told
    minute = r"\d{4}-\d\d-\d\d \d\d:\d\d UTC"
    assert re.search(f"began {minute}, ended {minute}\n", told), told
    assert "it was sent already" in newsletter.refused("send", 1)

    link = TOKEN.search(str(to["b@example.org"]["List-Unsubscribe"]))
    assert link
    mail = f"From: b@example.org\r\nSubject: leave {link[0]}\r\n\r\n"
    assert "is off the list" in newsletter.apart.ok("subscribers", "leave", "-", stdin=mail).out
    assert "had left already" in newsletter.ok("subscribers", "leave", "-", stdin=mail).out
    listed = newsletter.ok("subscribers", "list", "--json").json
    assert listed["counts"]["ended"] == 1
    assert listed["subscribers"][1]["state"] == "ended"
    assert "only the reader can come back" in newsletter.refused(
        "subscribers", "add", "b@example.org"
    )
    log = (newsletter.home / "logs" / "newsletter.log").read_text(encoding="utf-8")
    assert "@example" not in log


def test_preview_is_the_mail_without_power(newsletter: Command, tmp_path: Path) -> None:
    approved(newsletter, tmp_path)
    out = tmp_path / "preview"
    files = newsletter.ok("preview", 1, "--out", out, "--json").json["files"]
    assert {Path(row["path"]).name: row["bytes"] for row in files} == {
        path.name: path.stat().st_size for path in out.iterdir()
    }
    assert {path.name for path in out.iterdir()} == {
        f"{edition}.{kind}" for edition in ("en", "my", "en+my") for kind in ("html", "txt", "eml")
    }
    assert "ရေကို မည်သူ သယ်ဆောင်သနည်း" in (out / "my.html").read_text(encoding="utf-8")
    assert "placeholder.invalid" not in (out / "my.html").read_text(encoding="utf-8")
    stolen = tmp_path / "stolen.eml"
    link = TOKEN.search((out / "en.txt").read_text(encoding="utf-8"))
    assert link
    stolen.write_text(f"Subject: leave {link[0]}\n\n")
    assert "for something else" in newsletter.refused("subscribers", "leave", stolen)

    exported = newsletter.ok("export", "issue", 1).out
    again = tmp_path / "again.md"
    again.write_text(exported, encoding="utf-8")
    newsletter.ok("import", again)
    first, second = (newsletter.ok("show", n, "--json").json for n in (1, 2))
    assert second["editions"] == first["editions"]


def test_a_server_that_goes_away_half_way_is_named_while_the_rest_waits(
    newsletter: Command, tmp_path: Path
) -> None:
    approved(newsletter, tmp_path)
    for name in ("a", "b", "c"):
        newsletter.ok("subscribers", "add", f"{name}@example.org")
    smtp = {"HOST": "127.0.0.1", "SECURITY": "none"}
    newsletter = replace(
        newsletter,
        environment={
            **newsletter.environment,
            **{f"NEWSLETTER_SMTP__{key}": value for key, value in smtp.items()},
            "NEWSLETTER_DELIVERY__PAUSE_AFTER_ERRORS": "2",
        },
    )
    shut = lambda at, nth: DROP if (at, nth) == ("MAIL", 2) else None  # noqa: E731
    with ScriptedServer(shut) as server:
        newsletter.environment["NEWSLETTER_SMTP__PORT"] = str(server.port)
        server.on_kept = lambda _count: server.close_door()
        sent = newsletter.apart("send", 1)
    there = f"no SMTP server answers at 127.0.0.1:{server.port}"
    assert sent.code == 1
    assert f"waiting, and trying again: {there}" in sent.err
    found = newsletter.ok("status", 1, "--json").json
    assert (found["status"], found["ledger"]["submitted"]) == ("paused", 1)
    assert there in found["put_off"]["answer"]
    newsletter.ok("resume", 1)
    assert f"waiting, and trying again: {there}" in newsletter.ok("status", 1).out


def test_what_readers_could_not_get_is_not_approved(newsletter: Command, tmp_path: Path) -> None:
    approved(newsletter, tmp_path)
    newsletter.ok("resources", "edit", 2, "--url", "https://example.org/wells")
    broken = newsletter.home / "templates" / "mail" / "footer.txt"
    broken.parent.mkdir(parents=True)
    broken.write_text("fine\n{{ nobody_knows }}\n", encoding="utf-8")
    refused = newsletter("approve", 1)
    assert (refused.code, refused.out) == (1, "")
    assert "footer.txt:2" in refused.err
    broken.unlink()
    newsletter.ok("subscribers", "add", "a@example.org")
    nowhere = replace(newsletter, environment={"NEWSLETTER_PUBLIC__URL": ""})
    sentence = "readers cannot reach this service yet: set url under [public]"
    assert sentence in nowhere("approve", 1).err
    assert nowhere.ok("show", 1, "--json").json["status"] == "draft"
    out = tmp_path / "preview"
    nowhere.ok("preview", 1, "--edition", "en", "--out", out)
    assert "http://127.0.0.1:8080/u/" in (out / "en.txt").read_text(encoding="utf-8")
    said = newsletter.ok("approve", 1)
    assert "is reached from this machine only" in said.err
    assert "is reached from this machine only" not in said.out, "said twice"
    refused = nowhere("send", 1)
    assert (refused.code, sentence in refused.err) == (1, True)
    assert nowhere.ok("status", 1, "--json").json["status"] == "approved"
    looked = {row["subject"]: row for row in nowhere("doctor", "--json").json["findings"]}
    assert looked["public address"]["verdict"] == "bad"
    assert looked["public address"]["found"] == "readers cannot reach this service yet"
