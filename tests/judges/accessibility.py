"""axe-core in Chromium: nothing serious or critical, in light and in dark."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Browser

from tests.judges.bench import NODE_HOME, Bench, CannotJudge, npm_version
from tests.judges.chromium import chromium
from tests.judges.ruling import Ruling

_GRAVE = {"serious", "critical"}
_BAD = """<!doctype html><html lang="en"><head><title>Bad</title>
<meta name="color-scheme" content="light dark"></head><body style="background:{ground}">
<p style="color:{ink}">Words that nobody can read</p>
<a href="https://example.org/"><img src="cid:x"></a></body></html>"""
_BADS = {
    "light": _BAD.format(ground="#ffffff", ink="#eeeeee"),
    "dark": _BAD.format(ground="#111111", ink="#222222"),
}


def judge(bench: Bench) -> Ruling:
    """Every HTML part, in both schemes."""
    script = NODE_HOME / "node_modules" / "axe-core" / "axe.min.js"
    version = npm_version("axe-core")
    if not script.is_file():
        raise CannotJudge("axe-core from npm is not installed; run tests/judges/setup.sh")
    faults: list[str] = []
    refused: list[str] = []
    checks = 0
    with chromium() as browser:
        for scheme, bad in _BADS.items():
            found = _violations(browser, bad, scheme, str(script))[1]
            refused.append(f"{scheme}: {', '.join(sorted({rule for rule, _ in found}))}")
            refused = refused if any(rule == "color-contrast" for rule, _ in found) else [""]
            for sample in bench.pages:
                passed, violations = _violations(browser, sample.page, scheme, str(script))
                checks += passed
                faults += [f"{sample.name}, {scheme}: {rule}: {say}" for rule, say in violations]
    good = len(refused) == len(_BADS) and all(refused)
    figures = f"{checks} checks passed in {2 * len(bench.pages)} views"
    return Ruling(version, "; ".join(refused) if good else "", faults, figures)


def _violations(
    browser: Browser, html: str, scheme: str, script: str
) -> tuple[int, list[tuple[str, str]]]:
    """How many rules were passed, and the grave ones that were not."""
    page = browser.new_page(
        viewport={"width": 360, "height": 700},
        color_scheme=scheme,  # type: ignore[arg-type]
    )
    page.set_content(html)
    page.add_script_tag(path=script)
    told: dict[str, Any] = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    page.close()
    grave = [
        (one["id"], f"{one['help']}: {node['html'][:90]} {node['any'][0]['message'][:120]}"
         if node["any"] else one["help"])
        for one in told["violations"]
        if one["impact"] in _GRAVE
        for node in one["nodes"]
    ]  # fmt: skip
    return len(told["passes"]), grave
