"""Where the judges work: the samples, directories, and how other people's programs are started."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import playwright

from tests.judges.samples import DOMAIN, Sample, dns_records, made

ROOT = Path(__file__).resolve().parents[2]
NODE_HOME = ROOT / "var" / "judges" / "node"
PICTURES = ROOT / "var" / "judges" / "pictures"
NODE = Path(playwright.__file__).parent / "driver" / "node"
"""The Node.js that comes with the test browser's driver, whatever the machine has."""
_HERE = Path(__file__).parent
_PLACES = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin")


class CannotJudge(Exception):
    """A judge is not there or does not start; never taken for a verdict."""


@dataclass(frozen=True)
class Bench:
    """The samples and a directory of this run."""

    scratch: Path
    pictures: Path = PICTURES

    @cached_property
    def samples(self) -> list[Sample]:
        """Every kind of message that a reader may get."""
        return made()

    @property
    def pages(self) -> list[Sample]:
        """Those with HTML."""
        return [sample for sample in self.samples if sample.html]

    def sample(self, name: str) -> Sample:
        """The one of this name."""
        return next(sample for sample in self.samples if sample.name == name)

    @property
    def zone(self) -> dict[tuple[str, str], list[str]]:
        """What the DNS of the judges says."""
        return dns_records()

    @property
    def domain(self) -> str:
        """In whose name the samples are signed."""
        return DOMAIN

    def file(self, name: str, content: bytes | str) -> Path:
        """A file of this run."""
        path = self.scratch / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path


def run(
    *words: object,
    given: bytes = b"",
    timeout: float = 120,
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """A program to its end. CannotJudge when it is not installed or hangs."""
    try:
        return subprocess.run(
            [str(word) for word in words],
            input=given,
            capture_output=True,
            check=False,
            timeout=timeout,
            env={**clean_environment(), **(environment or {})},
        )
    except FileNotFoundError as err:
        raise CannotJudge(f"{words[0]} is not installed; run tests/judges/setup.sh") from err
    except subprocess.TimeoutExpired as err:
        raise CannotJudge(f"{words[0]} did not end in {timeout:.0f} s") from err


def clean_environment() -> dict[str, str]:
    """UTF-8 and the usual places, whatever the shell has."""
    kept = {name: os.environ[name] for name in ("HOME", "TMPDIR", "DISPLAY") if name in os.environ}
    return {**kept, "PATH": ":".join(_PLACES), "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8"}


def node(script: str, *words: object, given: object = None, timeout: float = 120) -> Any:
    """What one of our scripts for Node.js prints as JSON; it gets `given` as JSON."""
    return json.loads(node_output(script, words, json.dumps(given).encode(), timeout))


def node_output(
    script: str, words: Sequence[object] = (), given: bytes = b"", timeout: float = 120
) -> bytes:
    """The same, as it comes."""
    if not (NODE_HOME / "node_modules").is_dir():
        raise CannotJudge("the judges from npm are not installed; run tests/judges/setup.sh")
    result = run(
        NODE,
        _HERE / "node" / script,
        *words,
        given=given,
        timeout=timeout,
        environment={"JUDGES": str(NODE_HOME)},
    )
    if result.returncode:
        raise CannotJudge(f"{script}: {result.stderr.decode()[-600:]}")
    return result.stdout


def npm_version(package: str) -> str:
    """Which version is installed."""
    manifest = NODE_HOME / "node_modules" / package / "package.json"
    if not manifest.is_file():
        raise CannotJudge(f"{package} from npm is not installed; run tests/judges/setup.sh")
    return str(json.loads(manifest.read_text())["version"])


def debian_version(package: str) -> str:
    """Which version is installed."""
    found = run("dpkg-query", "-W", "-f", "${Version}", package).stdout.decode()
    return found.split(":")[-1].split("-")[0].split("+")[0]
