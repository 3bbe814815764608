"""Can I email: only HTML and CSS whose absence in a mail program we have thought about.

node/features.json lists what we use although some program of Gmail, Outlook, Apple, Yahoo or
Samsung lacks it, each with what happens there. Anything else is a fault.
"""

from __future__ import annotations

import json
from pathlib import Path

from tests.judges.bench import Bench, node, npm_version
from tests.judges.ruling import Ruling

ALLOWED: dict[str, str] = json.loads(
    (Path(__file__).parent / "node" / "features.json").read_text("utf-8")
)
_BAD = """<!doctype html><html lang="en"><head><title>Bad</title></head><body>
<div style="display:flex;position:fixed"><form action="/"><input type="text"></form>
<video src="x.mp4"></video></div></body></html>"""


def judge(bench: Bench) -> Ruling:
    """Every HTML part."""
    given = {"bad": _BAD, **{sample.name: sample.html for sample in bench.pages}}
    told = node("features.mjs", given=given)
    found: dict[str, dict[str, list[str]]] = told["found"]
    bad = sorted(set(found.pop("bad")) - set(ALLOWED))
    faults = [
        f"{name}: {title} ({', '.join(clients)})"
        for name, features in found.items()
        for title, clients in features.items()
        if title not in ALLOWED
    ]
    used = {title for features in found.values() for title in features}
    figures = (
        f"{len(used)} features that some program lacks, all known; data of {told['date'][:10]}"
    )
    return Ruling(npm_version("caniemail"), ", ".join(bad), faults, figures)
