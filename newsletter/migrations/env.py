"""Alembic's entry: runs the revisions on the connection that `upgrade` hands over."""

from alembic import context

import newsletter.core.installation
import newsletter.delivery.models
import newsletter.editorial.models
import newsletter.editorial.source_models
import newsletter.schedule.models  # noqa: F401
import subscribers.models  # noqa: F401
from newsletter.core.db import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=False,
)
context.run_migrations()
