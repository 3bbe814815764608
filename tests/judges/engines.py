"""Chromium, Firefox and WebKitGTK: nothing is wider than a phone of 320 pixels; pictures of all.

Each page stands in a frame of 320 pixels, because not every browser makes its window so narrow.
What is told is how much wider than the frame the page is, and which elements stick out. A page
that one engine draws a fifth higher than another is a fault too, and so is a picture, blocked or
not, that is higher than its attribute says: WebKit drew blocked ones as square boxes.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from html import escape

from tests.judges import firefox, webkit
from tests.judges.bench import Bench, debian_version
from tests.judges.chromium import chromium
from tests.judges.ruling import Judge, Ruling

WIDTH = 320
_WIDE = """<!doctype html><html><body><table width="600"><tr><td>Wide</td></tr></table>
<img src="cid:x" alt="Gone" width="300" height="10" style="height:40px"></body></html>"""
MEASURE = """(() => {
  const frame = document.querySelector('iframe'), page = frame.contentDocument.documentElement;
  const out = [...page.querySelectorAll('body *')].filter(e => {
    const box = e.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && box.right > frame.clientWidth + 0.5 });
  const tall = [...page.querySelectorAll('img')].filter(
    e => e.getBoundingClientRect().height > Number(e.getAttribute('height')) + 0.5);
  frame.style.height = page.scrollHeight + 'px';
  return JSON.stringify({over: page.scrollWidth - frame.clientWidth, height: page.scrollHeight,
    out: out.slice(-3).map(e => e.outerHTML.slice(0, 80)), tall: tall.length});
})()"""
"""How far a page sticks out of its frame; the frame then grows so that a picture holds it all."""
Look = Callable[[str, str], tuple[str, bytes]]
"""A page and a name: what MEASURE gives, and a picture."""


def framed(html: str, width: int = WIDTH) -> str:
    """A page with the mail in a frame."""
    return (
        '<!doctype html><html><head><meta charset="utf-8"></head><body style="margin:0">'
        f'<iframe style="border:0;width:{width}px;height:200px;display:block" '
        f'srcdoc="{escape(html)}"></iframe></body></html>'
    )


def judge_of(
    name: str, opened: Callable[[Bench], AbstractContextManager[Look]], package: str
) -> Judge:
    """A judge of one engine."""

    def judge(bench: Bench) -> Ruling:
        faults: list[str] = []
        heights: dict[str, int] = {}
        bench.pictures.mkdir(parents=True, exist_ok=True)
        with opened(bench) as look:
            bad = json.loads(look(_WIDE, "bad")[0])
            for title, html in _pages(bench):
                told, picture = look(html, title)
                found = json.loads(told)
                heights[title] = found["height"]
                (bench.pictures / f"{title}-{name}.png").write_bytes(picture)
                if found["over"] > 0 or found["out"]:
                    faults.append(f"{title}: {found['over']} px too wide: {found['out']}")
                if found["tall"]:
                    faults.append(f"{title}: {found['tall']} pictures higher than they say")
        faults += _unlike(bench, heights)
        refused = f"{bad['over']} px too wide" if bad["over"] > 0 and bad["tall"] == 1 else ""
        tall = f"{min(heights.values())} to {max(heights.values())} px high"
        return Ruling(
            debian_version(package), refused, faults, f"{len(heights)} pages at {WIDTH} px, {tall}"
        )

    return judge


def _pages(bench: Bench) -> list[tuple[str, str]]:
    """Each mail, and those with a picture once more with pictures blocked."""
    blocked = [
        (f"{sample.name}-blocked", sample.html) for sample in bench.pages if "cid:" in sample.html
    ]
    return [*((sample.name, sample.page) for sample in bench.pages), *blocked]


def _unlike(bench: Bench, heights: dict[str, int]) -> list[str]:
    """Pages that are a fifth higher or lower than in the first engine asked in this run."""
    file = bench.scratch / "heights.json"
    if not file.exists():
        file.write_text(json.dumps(heights))
        return []
    first: dict[str, int] = json.loads(file.read_text())
    return [
        f"{title}: {height} px high, elsewhere {first[title]}"
        for title, height in heights.items()
        if not 0.8 < height / first[title] < 1.25
    ]


@contextmanager
def _chromium(bench: Bench) -> Iterator[Look]:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": WIDTH, "height": 800})

        def look(html: str, name: str) -> tuple[str, bytes]:
            file = bench.file(f"chromium/{name}.html", framed(html))
            page.goto(file.as_uri())
            page.frames[-1].wait_for_load_state()
            told = str(page.evaluate(MEASURE))
            return told, page.screenshot(full_page=True)

        yield look


@contextmanager
def _firefox(bench: Bench) -> Iterator[Look]:
    with firefox.session(bench.scratch / "firefox") as driver:

        def look(html: str, name: str) -> tuple[str, bytes]:
            file = bench.file(f"firefox/{name}.html", framed(html))
            driver.open(file.as_uri())
            told = driver.evaluate(MEASURE)
            return told, base64.b64decode(driver.picture())

        yield look


@contextmanager
def _webkit(bench: Bench) -> Iterator[Look]:
    with webkit.session(bench.scratch) as ask:

        def look(html: str, name: str) -> tuple[str, bytes]:
            file = bench.file(f"webkit/{name}.html", framed(html))
            picture = bench.scratch / "webkit" / f"{name}.png"
            told = ask({"page": file.as_uri(), "script": MEASURE, "picture": str(picture)})
            return told, picture.read_bytes()

        yield look


ENGINES: dict[str, Judge] = {
    "chromium": judge_of("chromium", _chromium, "chromium"),
    "firefox": judge_of("firefox", _firefox, "firefox-esr"),
    "webkitgtk": judge_of("webkit", _webkit, "libwebkit2gtk-4.1-0"),
}
