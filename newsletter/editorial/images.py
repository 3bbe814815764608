"""Pictures made fit for mail: small enough for slow lines, silent about who took them and where.

Everything but the pixels is left behind (EXIF with place, time and device, XMP, comments, colour
profiles): a photograph can betray the person who took it. The one door to Pillow.
"""

from __future__ import annotations

import io
import re
import warnings
from dataclasses import dataclass

from PIL import Image, ImageCms, ImageOps

from newsletter.core.errors import InputError
from newsletter.editorial.picture_names import name_of

LARGEST_FILE = 30 * 1024 * 1024
MOST_PIXELS = 50_000_000
"""What a good telephone takes, as JPEG, which is decoded small in the first place."""
MOST_DECODED = 25_000_000
"""Of the other kinds, which are decoded whole: 100 MB, and as much again on the way."""
HEAVIEST = 200_000
ALL_TOGETHER = 1_000_000
"""Bytes of all pictures of one message."""
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
_QUALITIES = (85, 78, 70, 60, 50)
_ORIENTATION = 0x0112
_LYING = (5, 6, 7, 8)
"""Orientations in which width and height are exchanged (Exif 2.32, tag 274)."""
_LARGEST_PROFILE = 4_000_000
_FOREIGN = (
    (re.compile(rb"\s*(?:<\?xml[^>]*>|<!--.*?-->|<!DOCTYPE[^>]*>|\s)*<svg\b", re.DOTALL | re.I),
     "an SVG drawing, which mail programs do not show and which can carry scripts; save it as PNG"),
    (re.compile(rb"....ftyp(?:heic|heix|hevc|mif1|msf1|heim)", re.DOTALL),
     "a HEIC photograph, which most programs do not show; export it as JPEG"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL),
     "an AVIF image, which most mail programs do not show; save it as JPEG or PNG"),
    (re.compile(rb"%PDF"), "a PDF; save the page as PNG or JPEG"),
    (re.compile(rb"II\*\0|MM\0\*"), "a TIFF image; save it as PNG or JPEG"),
    (re.compile(rb"BM"), "a BMP image; save it as PNG"),
    (re.compile(rb"\s*<(?:!doctype html|html)", re.I),
     "a web page; save the picture itself, not the page around it"),
)  # fmt: skip

Image.MAX_IMAGE_PIXELS = MOST_PIXELS
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")  # broken EXIF is dropped
warnings.filterwarnings("error", category=Image.DecompressionBombWarning)


@dataclass(frozen=True, slots=True)
class Frame:
    """What a kind of picture may measure (pixels of the file; it is shown at half) and weigh."""

    width: int
    height: int
    weight: int


FEATURED = Frame(1200, 2400, HEAVIEST)
LOGO = Frame(600, 240, 40_000)


@dataclass(frozen=True, slots=True)
class FitImage:
    """A picture as it goes into mail: JPEG or PNG, pixels and nothing else."""

    name: str
    data: bytes
    width: int
    height: int


def fit(data: bytes, frame: Frame = FEATURED, *, field: str = "image") -> FitImage:
    """Make a picture fit for mail: inside the frame, upright, in sRGB, bare of all metadata.

    Drawings stay PNG when they are light enough, all else becomes JPEG; the same bytes always
    give the same name. InputError (of `field`) for what is no still image of a known kind, says
    what it is and what to do.
    """
    image = _opened(data, field)
    if _is_good_already(image, data, frame):
        content, suffix = data, "jpg"  # encoding it again would only wear it
    else:
        content, suffix = _encoded(_bare(_decoded(image, frame, field)), frame.weight)
    with Image.open(io.BytesIO(content)) as kept:
        return FitImage(name_of(content, suffix), content, kept.width, kept.height)


def _is_good_already(image: Image.Image, data: bytes, frame: Frame) -> bool:
    small = image.width <= frame.width and image.height <= frame.height
    light = len(data) <= frame.weight
    return small and light and image.mode in ("RGB", "L") and _is_bare_jpeg(data)


def _is_bare_jpeg(data: bytes) -> bool:
    """A JPEG that carries its picture and nothing else: no place, camera, comment or thumbnail.

    Outside tables, 0xFF opens a marker unless 0x00 follows; the few allowed ones are those of
    the picture itself and the 16-byte JFIF header (ITU T.81 Annex B).
    """
    if not (data.startswith(b"\xff\xd8\xff\xe0\x00\x10JFIF\0") and data.endswith(b"\xff\xd9")):
        return False
    markers = set(re.findall(rb"\xff([\xc0-\xcf\xd8-\xfe])", data))
    return markers <= {bytes([m]) for m in (0xC0, 0xC2, 0xC4, *range(0xD8, 0xDC), 0xDD, 0xE0)}


def _opened(data: bytes, field: str) -> Image.Image:
    """The image with its measures known and not one pixel decoded yet."""
    if len(data) > LARGEST_FILE:
        raise InputError(
            field,
            f"the file is larger than {LARGEST_FILE // 1024**2} MB, which is the most we take; "
            "make the picture smaller",
        )
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as err:
        raise InputError(field, _TOO_MANY_OF_ANY) from err
    except Exception as err:
        raise InputError(field, _strange(data)) from err
    most = MOST_PIXELS if image.format in ("JPEG", "MPO") else MOST_DECODED
    if image.width * image.height > most:
        raise InputError(field, _too_many(most, f" ({image.width} × {image.height})"))
    # Telephones write a second picture (depth, brightness) behind a JPEG: that does not move.
    if image.format != "MPO" and getattr(image, "is_animated", False):
        raise InputError(
            field, "the picture moves, and mail shows still ones; save one frame as PNG or JPEG"
        )
    return image


def _too_many(most: int, measures: str = "") -> str:
    return (
        f"the image has too many pixels{measures}: we take {most // 1_000_000} million; make it "
        "smaller"
    )


_TOO_MANY_OF_ANY = (
    f"the image has too many pixels: we take {MOST_DECODED // 1_000_000} million, and "
    f"{MOST_PIXELS // 1_000_000} million of a JPEG; make it smaller"
)


def _strange(data: bytes) -> str:
    if not data:
        return "the file is empty; give a JPEG, PNG, WebP or GIF image"
    found = (what for pattern, what in _FOREIGN if pattern.match(data[:2000]))
    what = next(found, None)
    if what:
        return f"this is {what}"
    return "this is no image that can be read; give a JPEG, PNG, WebP or GIF image"


def _decoded(image: Image.Image, frame: Frame, field: str) -> Image.Image:
    """The pixels, upright and inside the frame."""
    kind = "JPEG" if image.format == "MPO" else image.format
    try:
        lying = _orientation(image) in _LYING
        box = (frame.height, frame.width) if lying else (frame.width, frame.height)
        return _upright(_narrowed(image, box))
    except Exception as err:
        raise InputError(
            field,
            f"the {kind} image is cut off or damaged; copy it again from where it came, or open "
            "it and save it anew",
        ) from err


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - broken notes beside a good picture
        return 1


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # noqa: BLE001 - broken notes beside a good picture
        return image


def _narrowed(image: Image.Image, box: tuple[int, int]) -> Image.Image:
    """Eight bits a channel, not larger than the box. JPEGs are decoded small in the first place."""
    if image.mode not in ("RGB", "RGBA", "L", "CMYK"):
        info = image.info
        image = _eight_bits(image)
        image.info = info
    if image.width > box[0] or image.height > box[1]:
        image.thumbnail(box, Image.Resampling.LANCZOS, reducing_gap=2.0)
    image.load()
    return image


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of grey; converting would cut off the upper half
        image.load()
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _bare(image: Image.Image) -> Image.Image:
    """A new picture that takes over the pixels, in the colours of the web, and nothing else."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = _in_srgb(image.convert("RGB") if alpha else image, image.info.get("icc_profile"))
    clean = Image.new(colours.mode, colours.size)
    clean.paste(colours)
    if alpha and alpha.getextrema() != (255, 255):
        clean.putalpha(alpha)
    return clean


def _in_srgb(image: Image.Image, profile: object) -> Image.Image:
    """Without its profile a photograph in wide colours (Display P3) or inks would look dull."""
    wanted = "L" if image.mode == "L" else "RGB"
    if isinstance(profile, bytes) and len(profile) <= _LARGEST_PROFILE and image.mode != "L":
        try:
            own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            srgb = ImageCms.createProfile("sRGB")
            made = ImageCms.profileToProfile(image, own, srgb, outputMode="RGB")
            if made is not None:
                return made
        except (ImageCms.PyCMSError, OSError, ValueError):
            pass  # a broken profile, or one of another kind of image
    return image.convert(wanted)


def _encoded(image: Image.Image, heaviest: int) -> tuple[bytes, str]:
    png = _saved(image, "PNG", optimize=True)
    flat = _on_white(image)
    first = _jpeg(flat, _QUALITIES[0])
    if len(png) <= heaviest and (len(png) <= 2 * len(first) or image.mode in ("RGBA", "LA")):
        return png, "png"
    while True:
        for quality in _QUALITIES:
            jpeg = _jpeg(flat, quality)
            if len(jpeg) <= heaviest:
                return jpeg, "jpg"
        flat = _scaled(flat, 0.8)


def _jpeg(image: Image.Image, quality: int) -> bytes:
    return _saved(image, "JPEG", quality=quality, optimize=True, progressive=True)


def _scaled(image: Image.Image, factor: float) -> Image.Image:
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.resize(size, Image.Resampling.LANCZOS)


def _saved(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA"):
        return image.convert("RGB")
    white = Image.new("RGB", image.size, "white")
    white.paste(image.convert("RGB"), mask=image.getchannel("A"))
    return white
