"""OpenPGP by the program `gpg` of this machine: the only door to it.

For people whose keys are OpenPGP keys; `encrypting` (age) needs no other program. The key ring is
gpg's own (GNUPGHOME), and gpg decides whether it trusts a key; only one that is named by its
whole fingerprint needs no trust, because then nobody else's can be meant.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from newsletter.core.errors import ConfigurationError, InputError

_FINGERPRINT = re.compile(r"(0x)?([0-9A-Fa-f]{40}|[0-9A-Fa-f]{64})")


def require(key: str) -> None:
    """Try to encrypt nothing for this key, so that a fault shows before any data moves.

    ConfigurationError without the program, InputError with gpg's own words when it has no such
    key, or does not trust it, or the key is out of date.
    """
    if key.startswith("-"):
        raise InputError("--gpg", f"'{key}' is no key; name one by its fingerprint or address")
    if shutil.which("gpg") is None:
        raise ConfigurationError(
            "the program gpg is not installed; install it (apt-get install gnupg), or encrypt for "
            "an age recipient or with a passphrase instead"
        )
    done = subprocess.run(  # noqa: S603  (no shell; the key is one argument)
        _command(key), input=b"", capture_output=True, env=_environment(), check=False
    )
    if done.returncode:
        raise _refusal(key, done.stderr)


@contextmanager
def writer(target: IO[bytes], key: str) -> Iterator[IO[bytes]]:
    """Something to write plain bytes into; `target` (a real file) gets them encrypted.

    Whole only when the block ends well: an exception in it ends gpg at once.
    """
    target.flush()
    with tempfile.TemporaryFile() as said:
        with subprocess.Popen(  # noqa: S603
            _command(key), stdin=subprocess.PIPE, stdout=target, stderr=said, env=_environment()
        ) as process:
            assert process.stdin is not None  # noqa: S101
            try:
                yield process.stdin
                process.stdin.close()
            except BrokenPipeError:
                pass  # gpg gave up; its own words say why
            except BaseException:
                process.kill()
                raise
        said.seek(0)
        if process.returncode:
            raise _refusal(key, said.read())


def _command(key: str) -> list[str]:
    trust = ["--trust-model", "always"] if _FINGERPRINT.fullmatch(key) else []
    return [
        "gpg", "--batch", "--no-tty", "--quiet", "--yes", *trust,
        "--encrypt", "--recipient", key, "--output", "-",
    ]  # fmt: skip


def _environment() -> dict[str, str]:
    return {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}


def _refusal(key: str, said: bytes) -> InputError:
    words = said.decode("utf-8", "replace").strip().splitlines()
    last = next(
        (line.removeprefix("gpg: ") for line in words if "gpg: " in line), "no reason given"
    )
    return InputError("--gpg", f"gpg cannot encrypt for '{key}': {last}")
