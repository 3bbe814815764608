"""Take the Myanmar letters of Noto Sans from npm into templates/web/static/fonts.

    npm pack @fontsource/noto-sans-myanmar@5.3.0
    python tools/refresh_web_font.py fontsource-noto-sans-myanmar-5.3.0.tgz

Served by the archive's own pages and never named in a mail. The checksums go into
config/vendored.toml, and tests hold the files against them.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FONTS = ROOT / "templates" / "web" / "static" / "fonts"
LIST = ROOT / "config" / "vendored.toml"
FILES = {
    "package/files/noto-sans-myanmar-myanmar-400-normal.woff2": "noto-sans-myanmar-400.woff2",
    "package/files/noto-sans-myanmar-myanmar-700-normal.woff2": "noto-sans-myanmar-700.woff2",
    "package/LICENSE": "OFL.txt",
}


def main() -> None:
    """Write the files, and their entries in the list, from the package that is named."""
    package = Path(sys.argv[1])
    FONTS.mkdir(parents=True, exist_ok=True)
    with tarfile.open(package) as archive:
        version = json.loads(_member(archive, "package/package.json"))["version"]
        for member, name in FILES.items():
            (FONTS / name).write_bytes(_member(archive, member))
    for name in FILES.values():
        _note(name, package, version)


def _member(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    if file is None:
        raise SystemExit(f"there is no {name} in the package; is it @fontsource/noto-sans-myanmar?")
    return file.read()


def _note(name: str, package: Path, version: str) -> None:
    """Replace the file's own entry in the list, and leave all others as they are."""
    key = f'["fonts/{name}"]'
    entry = "\n".join(
        (
            key,
            'what = "the Myanmar letters of Noto Sans, for web pages"',
            'source = "https://www.npmjs.com/package/@fontsource/noto-sans-myanmar, '
            'made from https://github.com/notofonts/myanmar"',
            'licence = "OFL-1.1"',
            'refreshed_by = "tools/refresh_web_font.py"',
            f'version = "{version}"',
            f'sha256 = "{_sum(FONTS / name)}"',
            f'package_sha256 = "{_sum(package)}"',
        )
    )
    text = LIST.read_text(encoding="utf-8")
    rest = re.sub(rf"\n*{re.escape(key)}\n(?:[^\[\n].*\n?)*", "\n", text)
    LIST.write_text(f"{rest.rstrip()}\n\n{entry}\n", encoding="utf-8")


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
