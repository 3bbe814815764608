"""The judges that take seconds and need no network of their own; `make judge` hears all.

Those from npm are asked where npm has installed them (tests/judges/setup.sh).
"""

from __future__ import annotations

import os

import pytest

from tests.judges.bench import NODE_HOME, Bench, CannotJudge
from tests.judges.roll import JUDGES

_DEBIAN = ("harfbuzz", "python-email", "gmime", "email-mime", "mutt", "mblaze")
_FROM_NPM = ("mjml", "html-validate", "caniemail", "mailparser")
_HERE = [*_DEBIAN, *(_FROM_NPM if (NODE_HOME / "node_modules").is_dir() else ())]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The samples, built once for this file."""
    return Bench(tmp_path_factory.mktemp("judges"))


@pytest.mark.parametrize("name", _HERE)
def test_a_judge_refuses_the_bad_sample_and_passes_ours(name: str, bench: Bench) -> None:
    try:
        ruling = JUDGES[name](bench)
    except CannotJudge as err:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(err))
    assert ruling.refused, "it cannot tell good from bad"
    assert ruling.faults == []
