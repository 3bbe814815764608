"""Featured images: small enough for slow lines, and silent about who took them and where.

Everything but the pixels is left behind (EXIF with place, time and device, comments, profiles):
a photograph can betray the person who took it.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from newsletter.core.errors import ConfigurationError, InputError, NotFound

WIDEST = 1200
HEAVIEST = 200_000
LARGEST_FILE = 30 * 1024 * 1024
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_NAME = re.compile(r"[0-9a-f]{32}\.(?:jpg|png)")
_QUALITIES = (85, 78, 70, 60, 50)


@dataclass(frozen=True, slots=True)
class StoredImage:
    """An image in the media directory, named by its own hash; sizes in pixels."""

    name: str
    width: int
    height: int


def store(data: bytes, media_path: Path) -> StoredImage:
    """Make an image fit for mail and keep it: at most 1200 pixels wide and 200 kB, pixels only.

    Drawings stay PNG when they are small enough, all else becomes JPEG. The same image twice is
    one file. InputError for what is no image of a known kind, ConfigurationError when the disk
    refuses it.
    """
    image = _opened(data)
    if image.width <= WIDEST and len(data) <= HEAVIEST and _is_bare_jpeg(data):
        content, suffix = data, "jpg"  # ours already: encoding it again would only wear it
    else:
        content, suffix = _encoded(_narrowed(ImageOps.exif_transpose(image)))
    name = f"{hashlib.sha256(content).hexdigest()[:32]}.{suffix}"
    _write(media_path, name, content)
    with Image.open(io.BytesIO(content)) as kept:
        return StoredImage(name, kept.width, kept.height)


def load(media_path: Path, name: str) -> bytes:
    """The bytes of a stored image; NotFound when there is none of this name."""
    if not is_stored_name(name):
        raise NotFound("image", f"'{name}' is not the name of a stored image")
    try:
        return (media_path / name).read_bytes()
    except OSError as err:
        raise NotFound(
            "image",
            f"{media_path / name} is missing on this host; copy it from where the issue was made, "
            "or set the image again",
        ) from err


def find(media_path: Path, name: str) -> StoredImage | None:
    """A stored image by its name, if it is there."""
    if not is_stored_name(name) or not (media_path / name).is_file():
        return None
    with Image.open(media_path / name) as image:
        return StoredImage(name, image.width, image.height)


def is_stored_name(name: str) -> bool:
    """Is this the name of a file in the media directory (never a path)?"""
    return _NAME.fullmatch(name) is not None


def _is_bare_jpeg(data: bytes) -> bool:
    """A JPEG that carries its picture and nothing else: no place, camera, comment or thumbnail.

    Outside tables, 0xFF opens a marker unless 0x00 follows; the few allowed ones are those of
    the picture itself and the 16-byte JFIF header (ITU T.81 Annex B).
    """
    if not (data.startswith(b"\xff\xd8\xff\xe0\x00\x10JFIF\0") and data.endswith(b"\xff\xd9")):
        return False
    markers = set(re.findall(rb"\xff([\xc0-\xcf\xd8-\xfe])", data))
    return markers <= {
        b"\xc0",
        b"\xc2",
        b"\xc4",
        b"\xd8",
        b"\xd9",
        b"\xda",
        b"\xdb",
        b"\xdd",
        b"\xe0",
    }


def _opened(data: bytes) -> Image.Image:
    if len(data) > LARGEST_FILE:
        raise InputError(
            "image", f"the file is {len(data) // 1024**2} MB large; take a smaller one"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image = Image.open(io.BytesIO(data), formats=_FORMATS)
            image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise InputError("image", "the image has too many pixels; take a smaller one") from err
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as err:
        raise InputError("image", "this is no whole JPEG, PNG, WebP or GIF image") from err
    return image


def _narrowed(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGB", "RGBA", "L"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    clean = Image.new(image.mode, image.size)
    clean.paste(image)  # a new picture takes over pixels and nothing else
    return _scaled(clean, WIDEST / clean.width) if clean.width > WIDEST else clean


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _encoded(image: Image.Image) -> tuple[bytes, str]:
    png = _saved(image, "PNG", optimize=True)
    flat = _on_white(image)
    first = _saved(flat, "JPEG", quality=_QUALITIES[0], optimize=True, progressive=True)
    if len(png) <= HEAVIEST and (len(png) <= 2 * len(first) or image.mode == "RGBA"):
        return png, "png"
    while True:
        for quality in _QUALITIES:
            jpeg = _saved(flat, "JPEG", quality=quality, optimize=True, progressive=True)
            if len(jpeg) <= HEAVIEST:
                return jpeg, "jpg"
        flat = _scaled(flat, 0.8)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image, mask=image.getchannel("A"))
    return white


def _write(media_path: Path, name: str, content: bytes) -> None:
    """Whole or not at all: a reader of the directory never sees half an image."""
    try:
        media_path.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, temporary = tempfile.mkstemp(dir=media_path, prefix=".image-")
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(temporary, media_path / name)
    except OSError as err:
        raise ConfigurationError(f"{media_path} cannot take the image: {err.strerror}") from err
