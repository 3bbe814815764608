"""The units, the Compose file and the image name what there is: commands, settings, files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import typer

from newsletter.cli.main import app
from newsletter.core import settings
from newsletter.core.resources import shipped

PLACE = shipped("config") / "deployment"
UNITS = sorted(Path(str(PLACE)).glob("systemd/*.service"))
COMPOSE = (PLACE / "compose.yaml").read_text("utf-8")
IMAGE = (PLACE / "Dockerfile").read_text("utf-8")
VARIABLE = re.compile(r"(NEWSLETTER_[A-Z_]+?)(_FILE)?[=:]")


def test_every_part_has_a_unit() -> None:
    found = {re.search(r"^ExecStart=\S+/newsletter (\w+)$", u.read_text(), re.M)[1] for u in UNITS}  # type: ignore[index]
    assert found == {"serve", "web", "scheduler", "worker"}


def test_each_command_that_is_started_is_there() -> None:
    known = set(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    named = re.findall(r'command: \["(\w+)"', COMPOSE) + re.findall(r'CMD \["(serve)"', IMAGE)
    assert {"init", "web", "scheduler", "worker", "serve"} <= set(named) <= known


@pytest.mark.parametrize("text", [COMPOSE, *(u.read_text() for u in UNITS)])
def test_each_variable_is_a_setting(text: str, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("postgresql://a@b/c")
    named = {name + end for name, end in VARIABLE.findall(text)} - {"NEWSLETTER_HOME"}
    assert named
    given = {name: str(secret) if name.endswith("_FILE") else "" for name in named}
    given |= {name: "127.0.0.1" for name in given if name.endswith(("HOST", "PROXIES"))}
    settings.load(tmp_path, given)


def test_no_secret_stands_in_a_file_that_is_shipped_and_no_registry_is_named() -> None:
    for text in (COMPOSE, *(u.read_text() for u in UNITS)):
        secrets = r"(?i)(?:PASSWORD|PASSPHRASE|KEY|__URL)[ \t]*[:=][ \t]*(?!\$\{|/etc/)(\S.*)"
        assert re.findall(secrets, text) == []
    images = re.findall(r"(?:FROM|image:) (\S+)", IMAGE + COMPOSE)
    assert all("/" not in image for image in images), images


def test_the_image_installs_only_what_is_pinned() -> None:
    installs = re.findall(r"pip install (.*)", IMAGE)
    assert installs == [
        "--require-hashes --only-binary :all: -r requirements.lock",
        "--no-deps --no-build-isolation .",
    ]


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    for unit in UNITS:
        text = unit.read_text()
        lines = [line for line in text.splitlines() if line and not line.startswith(("#", "["))]
        assert all(re.match(r"[A-Z][A-Za-z]+=", line) for line in lines)
        for needed in ("NoNewPrivileges=yes", "ProtectSystem=strict", "StateDirectory=newsletter"):
            assert needed in lines
        copy = tmp_path / unit.name.replace("@", "@1")
        copy.write_text(text.replace("/opt/newsletter/.venv/bin/newsletter", "/bin/true"))
        if program:
            done = subprocess.run(
                [program, "verify", "--man=no", copy], capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, "")
