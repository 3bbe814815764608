"""Settings of how the inbox is filled from feeds, sites and pages."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Sources(BaseModel):
    """How long, how much and how often."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    seconds: float = Field(gt=0, le=120)
    longest: int = Field(ge=10_000, le=50_000_000)
    at_once: int = Field(ge=1, le=32)
    pause_seconds: float = Field(ge=0, le=60)
    every_minutes: int = Field(ge=5, le=10_080)
    first_days: int = Field(ge=0, le=365)
