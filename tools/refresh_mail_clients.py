"""Take what mail programs can show from the npm package `caniemail` into config/mail-clients.json.

    npm pack caniemail@2.0.2 && python tools/refresh_mail_clients.py caniemail-2.0.2.tgz

The data are those of caniemail.com (MIT). Only the programs that our readers use are taken, and
of each only what its newest tested version does. The checksums go into config/vendored.toml.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path
from typing import Any

CONFIG = Path(__file__).resolve().parent.parent / "config"
CLIENTS = {
    "Gmail (web)": ("gmail", "desktop-webmail"),
    "Gmail (Android)": ("gmail", "android"),
    "Gmail (iOS)": ("gmail", "ios"),
    "Apple Mail (macOS)": ("apple-mail", "macos"),
    "Apple Mail (iOS)": ("apple-mail", "ios"),
    "Outlook (Windows)": ("outlook", "windows"),
    "Outlook (web)": ("outlook", "outlook-com"),
    "Samsung Mail": ("samsung-email", "android"),
    "Thunderbird": ("thunderbird", "macos"),
    "Yahoo (web)": ("yahoo", "desktop-webmail"),
    "Yahoo (Android)": ("yahoo", "android"),
}
KINDS = ("css", "html")


def main() -> None:
    """Write both files from the package named on the command line."""
    package = Path(sys.argv[1])
    with tarfile.open(package) as archive:
        data = json.loads(_member(archive, "package/data/caniemail.json"))
        version = json.loads(_member(archive, "package/package.json"))["version"]
    written = json.dumps(_taken(data, version), ensure_ascii=False, indent=0) + "\n"
    target = CONFIG / "mail-clients.json"
    target.write_text(written, encoding="utf-8")
    _note(target.name, package, version)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise SystemExit(f"there is no {name} in the package; is it caniemail's?")
    return file.read()


def _taken(data: dict[str, Any], version: str) -> dict[str, Any]:
    features = {
        feature["slug"]: [
            feature["title"],
            "".join(_support(feature["stats"], *where) for where in CLIENTS.values()),
        ]
        for feature in data["data"]
        if feature["category"] in KINDS
    }
    return {
        "source": f"caniemail {version} on npm, data of {data['last_update_date'][:10]}",
        "licence": "MIT; Rémi Parmentier and contributors (caniemail.com), Andrew Powell (npm)",
        "legend": "y shown, a shown in part, n not shown, u not known; one letter for each client",
        "clients": list(CLIENTS),
        "features": dict(sorted(features.items())),
    }


def _support(stats: dict[str, Any], family: str, platform: str) -> str:
    versions = stats.get(family, {}).get(platform, {})
    found = str(list(versions.values())[-1])[:1] if versions else "u"
    return found if found in "yan" else "u"


def _note(name: str, package: Path, version: str) -> None:
    """Put version and checksums into the list, in the place of those that stand there."""
    sums = {
        "version": version,
        "sha256": hashlib.sha256((CONFIG / name).read_bytes()).hexdigest(),
        "package_sha256": hashlib.sha256(package.read_bytes()).hexdigest(),
    }
    path = CONFIG / "vendored.toml"
    before, heading, rest = path.read_text(encoding="utf-8").partition(f'["{name}"]')
    own, empty, others = rest.partition("\n\n")
    for key, value in sums.items():
        own = re.sub(rf'(?m)^{key} = ".*"$', f'{key} = "{value}"', own)
    path.write_text(before + heading + own + empty + others, encoding="utf-8")


if __name__ == "__main__":
    main()
