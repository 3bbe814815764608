"""What an editor waits for: importing, assembling, rendering, the start of a command.

`python -m tests.benchmarks desk`
"""

from __future__ import annotations

import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import httpx

from newsletter.app import Services, initialise
from newsletter.core.addresses import parse
from newsletter.core.db import writing
from newsletter.core.resources import shipped
from newsletter.editorial import assembling, editions, importing, issues, publications
from newsletter.editorial.models import Publication, Resource
from newsletter.rendering import edition, message
from tests.benchmarks import list_import
from tests.benchmarks.figures import Figure, at_most

SAMPLES = shipped("config") / "samples"
AT = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


def median_ms(deed: Callable[[], object], rounds: int = 15) -> float:
    """The median of several rounds after one to warm up, in milliseconds."""
    deed()
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        deed()
        taken.append((time.perf_counter() - start) * 1000)
    return statistics.median(taken)


def fresh(directory: Path) -> Services:
    """An installation with the default publication."""
    services = initialise(directory, {"delivery": {"provider": "memory"}})
    with writing(services.engine) as session:
        publications.create(session, publications.default(), now=AT)
    return services


def import_a_post(base: Path) -> float:
    """Reading and storing the sample post, each time into an empty installation."""
    data = (SAMPLES / "weekly-post.txt").read_bytes()
    homes = iter(fresh(base / f"import-{n}") for n in range(100))

    def deed(services: Services) -> float:
        start = time.perf_counter()
        with writing(services.engine) as session:
            publication = publications.get(session, None)
            importing.store(session, publication, data, "weekly-post.txt", now=AT)
        taken = (time.perf_counter() - start) * 1000
        services.close()
        return taken

    deed(next(homes))
    return statistics.median(deed(next(homes)) for _ in range(9))


def assemble_among(base: Path, count: int) -> float:
    """Assembling 20 new resources each round, with so many on file of earlier issues."""
    services = fresh(base / "assemble")
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        old = issues.create(session, publication, day=date(2025, 1, 6), now=AT)
        session.add_all(_resource(publication, number, old.id) for number in range(count))
    taken = []
    for turn in range(10):
        with writing(services.engine) as session:
            publication = publications.get(session, None)
            session.add_all(_resource(publication, count + turn * 20 + n, None) for n in range(20))
        start = time.perf_counter()
        with writing(services.engine) as session:
            publication = publications.get(session, None)
            made = assembling.assemble(session, publication, week="2026-W48", now=AT)
        taken.append((time.perf_counter() - start) * 1000)
        assert len(made.taken) == 20
    services.close()
    return statistics.median(taken)


def _resource(publication: Publication, number: int, issue_id: int | None) -> Resource:
    return Resource(
        publication_id=publication.id,
        issue_id=issue_id,
        category_id=publication.categories[number % 2].id,
        position=number,
        byline=f"Publisher {number % 40}",
        titles={"en": f"Report {number}"},
        urls={"en": f"https://example.org/{number}"},
        published_on=date(2026, 11, 18) - timedelta(days=400 if issue_id else 0),
        lines=[],
        added_at=AT,
    )


def rendering(base: Path) -> dict[str, float]:
    """Each edition rendered, and one message of the largest made for one reader."""
    services = fresh(base / "render")
    with writing(services.engine) as session:
        publication = publications.get(session, None)
        publications.set_value(
            session, publication, "sender.address", "editors@example.org", now=AT
        )
        publications.set_value(session, publication, "postal_addresses.en", "1 Street", now=AT)
        path = SAMPLES / "issue.md"
        made = importing.store(
            session,
            publication,
            path.read_bytes(),
            path.name,
            directory=SAMPLES,
            now=AT,
        )
        found = {}
        for name in editions.editions_of(publication):
            letter = editions.letter(
                made.issue,
                name,
                public_url="https://news.example.org",
                media_path=services.settings.media_path,
                languages=services.settings.languages,
            )
            found[f"render {name}"] = median_ms(partial(edition.render, letter, services.theme))
        rendered = edition.render(letter, services.theme)
    template = message.MessageTemplate(letter, rendered)
    reader = message.Recipient(
        address=parse("reader@example.org"),
        message_id="1@example.org",
        unsubscribe_url="https://news.example.org/u/" + "x" * 63,
        preferences_url="https://news.example.org/p/" + "x" * 63,
        leave_mailto="mailto:editors@example.org?subject=leave%20" + "x" * 63,
        date=AT,
    )
    size = len(template.build(reader)) / 1000
    found[f"one message of {size:.0f} kB"] = median_ms(lambda: template.build(reader), 200)
    services.close()
    return found


def start_of_the_command(base: Path, *words: str) -> float:
    """The whole process of a command."""
    home = base / "start"
    if not home.exists():
        fresh(home).close()
    command = [sys.executable, "-m", "newsletter", "--home", str(home), *words]
    return median_ms(lambda: subprocess.run(command, capture_output=True, check=True), 7)


def idle_memory(base: Path) -> float:
    """Resident megabytes of `newsletter serve` after ten seconds with one issue on file."""
    home = base / "serve"
    fresh(home).close()
    command = [sys.executable, "-m", "newsletter", "--home", str(home), "serve", "--port", "18999"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for("http://127.0.0.1:18999/healthz")
        time.sleep(10)
        status = Path(f"/proc/{process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        return int(found[1]) / 1000 if found else 0.0
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_for(url: str) -> None:
    for _ in range(100):
        try:
            httpx.get(url, timeout=1)
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{url} does not answer")


def measure() -> list[Figure]:
    """Everything, each in an installation of its own."""
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        found = [at_most("import of a post", import_a_post(base), 100, "ms")]
        for what, taken in rendering(base).items():
            limit = 0.1 if "message" in what else 30
            found.append(at_most(what, taken, limit, "ms"))
        taken = assemble_among(base, 10_000)
        found.append(at_most("assemble, 10,000 resources on file", taken, 100, "ms"))
        for words in (["--help"], ["status", "--json"]):
            taken = start_of_the_command(base, *words)
            found.append(at_most(f"newsletter {' '.join(words)}", taken, 500, "ms"))
        (taken_in,) = list_import.measure(base)
        what = f"import of {list_import.ROWS:,} readers, with the start of the command"
        found.append(at_most(what, taken_in.seconds, 4, "s"))
        found.append(at_most(f"{what}: memory", taken_in.megabytes, 200, "MB"))
        found.append(at_most("'serve', idle", idle_memory(base), 120, "MB"))
    return found
