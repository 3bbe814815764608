"""The one door to HTTP as a client: time limits, no proxy surprises, no redirects followed."""

from __future__ import annotations

import httpx

from newsletter import __version__
from newsletter.core.errors import ConfigurationError


def get_status(url: str, *, timeout: float = 10.0) -> int:
    """The status code a GET of this address answers; ConfigurationError when nothing answers."""
    try:
        with httpx.Client(
            timeout=timeout,
            follow_redirects=False,
            trust_env=False,
            headers={"User-Agent": f"newsletter/{__version__}"},
        ) as client:
            return client.get(url).status_code
    except httpx.HTTPError as err:
        raise ConfigurationError(f"{url} does not answer ({type(err).__name__})") from err
