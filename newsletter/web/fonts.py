"""The Myanmar letters that the archive's pages bring with them; no mail and no form does.

Many telephones draw Unicode with the letters of another encoding, and then the text is no text:
here it is read as it was written. Fetched from our own address only, once in a year, and only by
a browser that meets a Burmese letter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import Response

from newsletter.core.errors import ConfigurationError, NotFound

FAMILY = "Newsletter Myanmar"
"""A name of our own: one that a telephone has might stand for other letters there."""
_FILES = {400: "noto-sans-myanmar-400.woff2", 700: "noto-sans-myanmar-700.woff2"}
_LETTERS = "U+1000-109F,U+200C-200D,U+25CC,U+A92E,U+A9E0-A9FE,U+AA60-AA7F"
_YEAR = "public, max-age=31536000, immutable"


class Fonts:
    """The font files of this installation and the sheet that names them."""

    def __init__(self, base: str, template_paths: Sequence[Path]) -> None:
        folders = [path / "web" / "static" / "fonts" for path in template_paths]
        self._files = {name: _read(name, folders) for name in _FILES.values()}
        self.sheet = "\n".join(self._face(weight, name) for weight, name in _FILES.items())
        self.url = f"{base}/static/fonts.css?{_mark(self.sheet.encode())}"

    def _face(self, weight: int, name: str) -> str:
        return (
            f'@font-face{{font-family:"{FAMILY}";font-style:normal;font-weight:{weight};'
            f'font-display:swap;src:url(fonts/{name}?{_mark(self._files[name])}) format("woff2");'
            f"unicode-range:{_LETTERS}}}"
        )

    def router(self) -> APIRouter:
        """The routes of the sheet and of the letters."""
        made = APIRouter(redirect_slashes=False)

        def sheet() -> Response:
            return Response(self.sheet, media_type="text/css", headers={"Cache-Control": _YEAR})

        def letters(name: str) -> Response:
            if name not in self._files:
                raise NotFound("font", "there is none of this name")
            found = self._files[name]
            return Response(found, media_type="font/woff2", headers={"Cache-Control": _YEAR})

        made.add_api_route("/static/fonts.css", sheet, methods=["GET", "HEAD"])
        made.add_api_route("/static/fonts/{name}", letters, methods=["GET", "HEAD"])
        return made


def _mark(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def _read(name: str, folders: Iterable[Path]) -> bytes:
    for folder in folders:
        if (folder / name).is_file():
            return (folder / name).read_bytes()
    raise ConfigurationError(f"the font {name} is missing from the program; install it again")
