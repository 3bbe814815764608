"""html-validate: is the HTML of each mail sound? Its rules for mail stand in node/markup.json."""

from __future__ import annotations

from tests.judges.bench import Bench, node, npm_version
from tests.judges.ruling import Ruling

_BAD = """<!doctype html><html lang="en"><head><title>Bad</title></head><body>
<p id="a"><div>A block in a paragraph</div></p><img src="cid:x"><span id="a">twice</b>
<a href="https://example.org"></a></body></html>"""


def judge(bench: Bench) -> Ruling:
    """Every HTML part; 0 errors."""
    pages = {"bad": _BAD, **{sample.name: sample.html for sample in bench.pages}}
    found: dict[str, list[str]] = node("markup.mjs", given=pages)
    bad = found.pop("bad")
    faults = [f"{name}: {error}" for name, errors in found.items() for error in errors]
    refused = f"{len(bad)} errors: {', '.join(sorted({e.split(':')[0] for e in bad}))}"
    return Ruling(npm_version("html-validate"), refused if bad else "", faults)
