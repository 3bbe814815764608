"""The reference MJML compiler, strict: ours (mrml) swallows wrong nesting and unknown tags."""

from __future__ import annotations

from tests.judges.bench import Bench, node, npm_version
from tests.judges.ruling import Ruling

_BAD = """<mjml><mj-body><mj-text>Text outside a column</mj-text>
<mj-section><mj-column><mj-picture src="x"/></mj-column></mj-section></mj-body></mjml>"""


def judge(bench: Bench) -> Ruling:
    """Every MJML document that our templates give."""
    sources = {"bad": _BAD, **{sample.name: sample.mjml for sample in bench.pages}}
    errors: dict[str, list[str]] = node("mjml.mjs", given=sources)
    refused = "; ".join(errors.pop("bad"))
    faults = [f"{name}: {error}" for name, found in errors.items() for error in found]
    return Ruling(npm_version("mjml"), refused, faults, f"{len(errors)} documents")
