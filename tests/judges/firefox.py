"""Debian's Firefox by its own remote protocol, Marionette: lengths and JSON over a socket."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.judges.bench import CannotJudge, clean_environment

_SETTINGS = """user_pref("marionette.port", {port});
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("toolkit.telemetry.enabled", false);
user_pref("app.update.enabled", false);
user_pref("browser.shell.checkDefaultBrowser", false);
user_pref("browser.startup.page", 0);
user_pref("layout.css.prefers-color-scheme.content-override", 1);
"""


class Driver:
    """One window of Firefox."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line.makefile("rwb")
        self._number = 0
        self._read()
        self._ask("WebDriver:NewSession", {"strictFileInteractability": False})
        self._ask("WebDriver:SetWindowRect", {"width": 450, "height": 900})

    def open(self, address: str) -> None:
        """Load a page, frames and all."""
        self._ask("WebDriver:Navigate", {"url": address})

    def evaluate(self, script: str) -> str:
        """The value of an expression."""
        asked = {"script": f"return {script}", "args": []}
        return str(self._ask("WebDriver:ExecuteScript", asked)["value"])

    def picture(self) -> str:
        """The whole page as PNG in base64."""
        return str(self._ask("WebDriver:TakeScreenshot", {"full": True, "hash": False})["value"])

    def _ask(self, command: str, values: dict[str, Any]) -> dict[str, Any]:
        self._number += 1
        text = json.dumps([0, self._number, command, values]).encode()
        self._line.write(b"%d:%b" % (len(text), text))
        self._line.flush()
        _, _, error, result = self._read()
        if error:
            raise CannotJudge(f"Firefox: {command}: {error['message'][:300]}")
        return result if isinstance(result, dict) else {"value": result}

    def _read(self) -> Any:
        size = b""
        while (digit := self._line.read(1)) != b":":
            if not digit:
                raise CannotJudge("Firefox hung up")
            size += digit
        return json.loads(self._line.read(int(size)))


@contextmanager
def session(home: Path) -> Iterator[Driver]:
    """Firefox with a new profile, without a screen."""
    program = shutil.which("firefox-esr")
    if program is None:
        raise CannotJudge("firefox-esr is not installed (Debian package firefox-esr)")
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    profile = home / "profile"
    profile.mkdir(parents=True)
    (profile / "user.js").write_text(_SETTINGS.format(port=port))
    process = subprocess.Popen(
        [program, "--headless", "--marionette", "--profile", str(profile), "--no-remote"],
        env={**clean_environment(), "HOME": str(home)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Driver(_connected(port, process))
    finally:
        process.terminate()
        process.wait(timeout=30)


def _connected(port: int, process: subprocess.Popen[bytes]) -> socket.socket:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=60)
        except OSError:
            time.sleep(0.1)
    raise CannotJudge("Firefox did not start")
