"""The command on an empty home, as the tests of the command line have it."""

from __future__ import annotations

from tests.cli.conftest import name_server, newsletter

__all__ = ["name_server", "newsletter"]
