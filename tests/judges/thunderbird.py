"""Debian's Thunderbird on a screen that nobody sees: it opens a message and names its subject.

The title of the window must hold the exact subject; a picture of each window is kept.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.judges.bench import Bench, CannotJudge, clean_environment, debian_version, run
from tests.judges.ruling import Ruling
from tests.judges.screen import screen

_WANTED = ("en-picture", "my-picture", "en+my-confirm", "my-text", "en+my-picture")
"""Neighbours differ in subject, because the title is what is waited for."""
_BAD = b"""From: a@news.example.org\r
To: reader@example.net\r
Subject: =?utf-8?b?4YCZ4YC84YCU4Y?= =?utf-8?b?eACZ?=\r
MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
Text\r
"""
_BAD_SUBJECT = "မြန်မာ"
_SETTINGS = """user_pref("app.update.enabled", false);
user_pref("datareporting.policy.dataSubmissionEnabled", false);
user_pref("datareporting.policy.dataSubmissionPolicyBypassNotification", true);
user_pref("mail.provider.suppress_dialog_on_startup", true);
user_pref("mail.spotlight.firstRunDone", true);
user_pref("mail.winsearch.firstRunDone", true);
user_pref("mail.shell.checkDefaultClient", false);
user_pref("mailnews.start_page.enabled", false);
user_pref("mailnews.start_page_override.mstone", "ignore");
user_pref("mail.rights.version", 1);
user_pref("mail.openMessageBehavior", 0);
user_pref("toolkit.telemetry.enabled", false);
user_pref("mail.inappnotifications.enabled", false);
"""
_OPENS, _SHOWS = 80.0, 3.0
"""Seconds: until a window is there at the latest, and until it is drawn."""


def judge(bench: Bench) -> Ruling:
    """Some of the samples, one after the other, in one running program."""
    with screen(bench.scratch) as display, _running(bench, display) as opened:
        refused = opened("bad", _BAD, _BAD_SUBJECT, seconds=_OPENS / 2)
        faults = []
        for name in _WANTED:
            sample = bench.sample(name)
            if fault := opened(name, sample.raw, sample.subject, seconds=_OPENS):
                faults.append(f"{name}: {fault}")
    return Ruling(debian_version("thunderbird"), refused, faults, f"{len(_WANTED)} messages opened")


@contextmanager
def _running(bench: Bench, display: str) -> Iterator[_Opener]:
    program = shutil.which("thunderbird")
    if program is None:
        raise CannotJudge("thunderbird is not installed (Debian package thunderbird)")
    home = bench.scratch / "thunderbird"
    profile = home / "profile"
    profile.mkdir(parents=True)
    (profile / "user.js").write_text(_SETTINGS)
    environment = {**clean_environment(), "DISPLAY": display, "HOME": str(home)}
    bus, environment["DBUS_SESSION_BUS_ADDRESS"] = _bus(environment)
    opener = _Opener(bench, [program, "--profile", str(profile)], environment)
    opener.processes.append(bus)
    try:
        yield opener
    finally:
        for process in opener.processes:
            process.terminate()
        for process in opener.processes:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()


def _bus(environment: dict[str, str]) -> tuple[subprocess.Popen[bytes], str]:
    """The session bus over which a second call hands its file to the running program."""
    words = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
    try:
        process = subprocess.Popen(
            words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError as err:
        raise CannotJudge("dbus-daemon is not installed (Debian package dbus-daemon)") from err
    assert process.stdout
    return process, process.stdout.readline().decode().strip()


class _Opener:
    """Opens files in the running program; the first one starts it."""

    def __init__(self, bench: Bench, words: list[str], environment: dict[str, str]) -> None:
        self._bench = bench
        self._words = words
        self._environment = environment
        self.processes: list[subprocess.Popen[bytes]] = []

    def __call__(self, name: str, raw: bytes, subject: str, *, seconds: float) -> str:
        """What is wrong with the window that shows this message; "" when it names the subject.

        The program shows each further message in a tab, and names its window by it.
        """
        file = self._bench.file(f"thunderbird/{name}.eml", raw)
        self.processes.append(
            subprocess.Popen(
                [*self._words, str(file)],
                env=self._environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        )
        until = time.monotonic() + seconds
        seen: dict[str, str] = {}
        while time.monotonic() < until:
            seen = self._titles()
            for window, title in seen.items():
                if title.removesuffix(" - Mozilla Thunderbird") == subject:
                    self._picture(window, name)
                    return ""
            time.sleep(0.5)
        return f"no window is called {subject[:40]!r}, only {sorted(seen.values())}"

    def _xdotool(self, *words: str) -> str:
        return run("xdotool", *words, environment=self._environment).stdout.decode()

    def _titles(self) -> dict[str, str]:
        windows = self._xdotool("search", "--onlyvisible", "--name", ".").split()
        return {w: self._xdotool("getwindowname", w).strip() for w in windows}

    def _picture(self, window: str, name: str) -> None:
        self._xdotool("windowmove", window, "0", "0")
        self._xdotool("windowsize", window, "900", "1380")
        self._xdotool("windowraise", window)
        time.sleep(_SHOWS)
        self._bench.pictures.mkdir(parents=True, exist_ok=True)
        target = self._bench.pictures / f"{name}-thunderbird.png"
        words = ("import", "-window", "root", "-crop", "900x1380+0+0", target)
        run(*words, environment=self._environment)
