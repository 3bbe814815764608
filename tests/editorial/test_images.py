"""Pictures become small and silent: nothing of the camera or the place stays in them."""

from __future__ import annotations

import io
import random
import struct
import zlib

import pytest
from PIL import Image, ImageCms

from newsletter.core.errors import InputError
from newsletter.core.resources import shipped
from newsletter.editorial import images


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    """An image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def opened(made: images.FitImage) -> Image.Image:
    """What is kept, as a mail program decodes it."""
    image = Image.open(io.BytesIO(made.data))
    image.load()
    assert image.size == (made.width, made.height)
    assert len(made.data) <= images.HEAVIEST
    return image


def photograph(width: int, height: int, *, orientation: int = 1) -> Image.Image:
    """Noise, as no compressor likes it."""
    noise = random.Random(3).randbytes(width * height // 16 * 3)
    return Image.frombytes("RGB", (width // 4, height // 4), noise).resize((width, height))


def camera_file(width: int, height: int, *, orientation: int = 1) -> bytes:
    """A JPEG with place and camera in its EXIF, and XMP and a comment beside it."""
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[2] = (19.0, 45.0, 0.0)
    return saved(
        photograph(width, height), "JPEG", quality=97, exif=exif, comment=b"SecretComment",
        xmp=b"<x:xmpmeta>SecretXmp</x:xmpmeta>", icc_profile=srgb(),
    )  # fmt: skip


def srgb() -> bytes:
    """The profile of the web's own colours."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def test_a_photograph_is_narrowed_and_forgets_where_it_was_taken() -> None:
    data = camera_file(2400, 1600, orientation=6)
    for secret in (b"SecretCamera", b"SecretComment", b"SecretXmp"):
        assert secret in data
    made = images.fit(data)
    kept = opened(made)
    assert b"Secret" not in made.data
    assert not kept.getexif()
    assert set(kept.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive",
                              "progression"}  # fmt: skip
    assert made.width <= images.FEATURED.width
    assert made.height > made.width  # turned upright, as the camera had noted


def test_what_the_camera_noted_is_done_before_it_is_forgotten() -> None:
    lying = Image.new("RGB", (400, 200), "white")
    lying.paste("navy", (0, 0, 200, 200))  # the left half, which is the top once it stands
    exif = Image.Exif()
    exif[0x0112] = 6
    kept = opened(images.fit(saved(lying, "JPEG", exif=exif, quality=95))).convert("RGB")
    assert kept.size == (200, 400)
    assert kept.getpixel((100, 40))[2] > 100 > kept.getpixel((100, 40))[0]  # type: ignore[index]
    assert kept.getpixel((100, 360))[0] > 240  # type: ignore[index]


def test_a_drawing_stays_sharp_and_text_chunks_go() -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "SecretName")
    data = saved(Image.new("RGBA", (300, 200), (10, 120, 90, 128)), "PNG", pnginfo=info)
    made = images.fit(data)
    assert made.name.endswith(".png")
    assert b"SecretName" not in made.data
    assert opened(made).getpixel((5, 5)) == (10, 120, 90, 128)
    assert images.fit(data) == made


def test_the_sample_image_fits() -> None:
    made = images.fit((shipped("config") / "samples" / "featured.png").read_bytes())
    assert (made.width, made.height) == (1200, 600)
    assert len(made.data) < 150_000


def _deep_grey() -> bytes:
    image = Image.new("I;16", (64, 32))
    image.putdata([x * 1024 for _ in range(32) for x in range(64)])
    return saved(image, "PNG")


def _see_through() -> Image.Image:
    image = Image.new("RGBA", (80, 60), (0, 0, 0, 0))
    image.paste((200, 0, 0, 255), (0, 0, 40, 60))
    return image


@pytest.mark.parametrize(
    ("data", "place", "colour"),
    [
        (saved(Image.new("CMYK", (90, 60), (0, 255, 255, 0)), "JPEG"), (5, 5), (254, 0, 0)),
        (_deep_grey(), (32, 5), (127, 127, 127)),
        (saved(_see_through(), "GIF"), (5, 5), (200, 0, 0)),
        (saved(_see_through().convert("P"), "PNG"), (5, 5), (200, 0, 0)),
        (saved(_see_through(), "WEBP", lossless=True), (5, 5), (200, 0, 0)),
        (saved(Image.new("1", (90, 60), 1), "PNG"), (5, 5), (255, 255, 255)),
        (saved(Image.new("LA", (90, 60), (200, 255)), "PNG"), (5, 5), (200, 200, 200)),
    ],
    ids=["inks", "16 bits", "GIF", "palette", "WebP", "black and white", "grey"],
)
def test_every_kind_of_pixel_keeps_its_colour(
    data: bytes, place: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    found = opened(images.fit(data)).convert("RGBA").getpixel(place)
    assert isinstance(found, tuple)
    assert all(abs(int(a) - b) <= 3 for a, b in zip(found, colour, strict=False)), found
    assert found[3] == 255


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP"])
def test_what_is_seen_through_stays_so(kind: str) -> None:
    found = opened(images.fit(saved(_see_through(), kind))).convert("RGBA").getpixel((70, 30))
    assert isinstance(found, tuple)
    assert found[3] == 0


def test_wide_colours_are_brought_into_those_of_the_web() -> None:
    """A profile that is only thrown away makes the picture of a telephone look dull."""
    swapped = srgb().replace(b"rXYZ", b"tmp_").replace(b"gXYZ", b"rXYZ").replace(b"tmp_", b"gXYZ")
    data = saved(Image.new("RGB", (60, 40), (255, 0, 0)), "PNG", icc_profile=swapped)
    found = opened(images.fit(data)).convert("RGB").getpixel((5, 5))
    assert isinstance(found, tuple)
    assert found[1] > 200 > found[0]
    broken = saved(Image.new("RGB", (60, 40), (255, 0, 0)), "PNG", icc_profile=b"nothing" * 40)
    assert opened(images.fit(broken)).convert("RGB").getpixel((5, 5)) == (255, 0, 0)


def test_a_second_picture_behind_a_photograph_does_not_make_it_move() -> None:
    one, other = photograph(400, 300), photograph(200, 152)
    data = saved(one, "MPO", save_all=True, append_images=[other])
    assert images.fit(data).width == 400


def test_a_very_tall_picture_is_held_inside_the_frame() -> None:
    made = images.fit(saved(Image.new("L", (400, 9000), 40), "PNG"))
    assert made.height == images.FEATURED.height


def test_a_logo_has_a_smaller_frame() -> None:
    made = images.fit(camera_file(2000, 1600), images.LOGO)
    assert made.height <= 240
    assert len(made.data) <= 40_000


def _moving(kind: str, frames: int) -> bytes:
    stills = [Image.new("RGB", (40, 30), (n * 40 % 256, 80, 80)) for n in range(frames)]
    return saved(stills[0], kind, save_all=True, append_images=stills[1:])


def _bomb(side: int = 60_000) -> bytes:
    """A PNG of a few kilobytes that unpacks to gigabytes."""
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(2**22))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "empty"),
        (b"no image at all", "no image that can be read"),
        (b'<?xml version="1.0"?>\n<svg onload="alert(1)"><script>x()</script></svg>', "SVG"),
        (b"<!-- made by hand -->\n<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"%PDF-1.7\n", "PDF"),
        (b"<!doctype html><html></html>", "web page"),
        (camera_file(400, 400)[:9000], "JPEG image is cut off"),
        (saved(photograph(200, 200), "PNG")[:5000], "PNG image is cut off"),
        (saved(photograph(200, 200), "WEBP")[:3000], "cut off|no image that can"),
        (_bomb(), "we take 25 million, and 50 million of a JPEG"),
        (saved(Image.new("1", (9000, 3000)), "PNG"), r"too many pixels \(9000 × 3000\)"),
        (_moving("GIF", 500), "moves"),
        (_moving("WEBP", 3), "moves"),
        (_moving("PNG", 3), "moves"),
        (b"\xff\xd8\xff" + b"x" * 40 * 2**20, "larger than 30 MB"),
    ],
    ids=["empty", "text", "SVG", "SVG by hand", "HEIC", "PDF", "page", "half JPEG", "half PNG",
         "half WebP", "bomb", "wide", "GIF of 500", "moving WebP", "moving PNG", "40 MB"],
)  # fmt: skip
def test_what_is_no_still_image_is_refused_with_what_it_is(data: bytes, said: str) -> None:
    with pytest.raises(InputError, match=said) as refused:
        images.fit(data, field="picture.jpg")
    assert refused.value.field == "picture.jpg"
    assert any(word in refused.value.message for word in ("save", "give", "make", "copy", "export"))


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")  # to stderr in life; nobody reads them
def test_broken_notes_do_not_spoil_a_good_picture() -> None:
    good = saved(Image.new("RGB", (40, 30), "navy"), "JPEG")
    exif = b"\xff\xe1" + struct.pack(">H", 2 + 14) + b"Exif\0\0MM\0*\xff\xff\xff\xff"
    assert images.fit(good[:20] + exif + good[20:]).width == 40


def test_what_is_fit_already_comes_in_again_unchanged() -> None:
    noise = Image.effect_noise((900, 500), 90).convert("RGB")
    first = images.fit(saved(noise, "JPEG", quality=95, comment=b"taken at home"))
    assert b"taken at home" not in first.data
    assert images.fit(first.data) == first


@pytest.mark.parametrize("marker", [b"\xff\xe1", b"\xff\xed", b"\xff\xfe"])
def test_a_fit_image_that_was_written_on_is_cleaned_again(marker: bytes) -> None:
    clean = saved(Image.new("RGB", (40, 30), "navy"), "JPEG")
    note = marker + (2 + 11).to_bytes(2) + b"16.78,96.15"
    written_on = clean[:20] + note + clean[20:]
    assert b"16.78" not in images.fit(written_on).data
