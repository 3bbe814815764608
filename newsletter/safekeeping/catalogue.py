"""All tables there are, whichever room declares them: none may be missing here."""

from __future__ import annotations

from sqlalchemy import Table

import newsletter.core.installation
import newsletter.delivery.models
import newsletter.editorial.models
import newsletter.editorial.source_models
import newsletter.schedule.models  # noqa: F401
import subscribers.models  # noqa: F401
from newsletter.core.db import Base


def everything() -> list[Table]:
    """Those that others point at first."""
    return list(Base.metadata.sorted_tables)
