"""Who judges, in which order; and who may be missing, with the reason."""

from __future__ import annotations

from tests.judges import (
    accessibility,
    engines,
    features,
    filters,
    hops,
    markup,
    official_mjml,
    parsers,
    shaping,
    signatures,
    thunderbird,
)
from tests.judges.ruling import Judge

JUDGES: dict[str, Judge] = {
    "mjml": official_mjml.judge,
    "html-validate": markup.judge,
    "caniemail": features.judge,
    "axe-core": accessibility.judge,
    "harfbuzz": shaping.judge,
    **parsers.PARSERS,
    **engines.ENGINES,
    **signatures.SIGNATURES,
    "postfix": hops.judge,
    "spamassassin": filters.spamassassin,
    "rspamd": filters.rspamd,
    "thunderbird": thunderbird.judge,
}
UNAVAILABLE: dict[str, str] = {}
"""Judges that cannot be had on this machine, by name, with the reason."""
