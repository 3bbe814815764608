"""How likely a text is Zawgyi, the old encoding that uses Unicode's code points differently.

The likelihood alone decides nothing: plain words in Unicode look like Zawgyi to it (ဘာသာစကား
0.955, မေတ္တာထား၍ 1.0). The gate in `intake` weighs it with the grammar of a syllable.
"""

from __future__ import annotations

import math
import warnings
from functools import cache
from typing import Any

CERTAIN = 0.95
UNLIKELY = 0.05


@cache
def _detector() -> Any:
    # Only now: who sends mails needs no detector, and its model is not small.
    from myanmartools import ZawgyiDetector  # type: ignore[import-untyped]  # noqa: PLC0415

    with warnings.catch_warnings():
        # It reads its model by importlib.resources.open_binary, deprecated in 3.11 and 3.12 only.
        warnings.simplefilter("ignore", DeprecationWarning)
        return ZawgyiDetector()


def likelihood(text: str) -> float:
    """How likely a text is Zawgyi: 0 to 1, and 0 for one without letters of the script.

    Words of other scripts and markup do not disturb it; digits say nothing.
    """
    found = float(_detector().get_zawgyi_probability(text))
    return 0.0 if math.isinf(found) or math.isnan(found) else found
