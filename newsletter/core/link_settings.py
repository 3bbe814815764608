"""Settings of how links are tried before an issue goes out."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Links(BaseModel):
    """How long, how often and how many at once."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    seconds: float = Field(gt=0, le=120)
    whole_seconds: float = Field(gt=0, le=3600)
    at_once: int = Field(ge=1, le=32)
    keep_hours: float = Field(gt=0)
    loopback: bool
    """Links may lead to this machine: for tests, which have no other."""
