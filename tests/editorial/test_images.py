"""Images become small and silent: nothing of the camera or the place stays in them."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from PIL import Image

from newsletter.core.errors import InputError, NotFound
from newsletter.core.resources import shipped
from newsletter.editorial import images


def photograph(width: int, height: int, *, orientation: int = 1) -> bytes:
    """A noisy JPEG with place and camera in its EXIF."""
    noise = random.Random(3).randbytes(width * height // 16 * 3)
    image = Image.frombytes("RGB", (width // 4, height // 4), noise).resize((width, height))
    exif = Image.Exif()
    exif[0x010F] = "SecretCamera"
    exif[0x0112] = orientation
    exif.get_ifd(0x8825)[2] = (19.0, 45.0, 0.0)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=97, exif=exif, comment=b"SecretComment")
    return buffer.getvalue()


def test_a_photograph_is_narrowed_and_forgets_where_it_was_taken(tmp_path: Path) -> None:
    data = photograph(2400, 1600, orientation=6)
    assert b"SecretCamera" in data
    stored = images.store(data, tmp_path)
    kept = images.load(tmp_path, stored.name)
    assert len(kept) <= images.HEAVIEST
    assert b"Secret" not in kept
    with Image.open(io.BytesIO(kept)) as image:
        assert not image.getexif()
        assert image.size == (stored.width, stored.height)
    assert stored.width <= images.WIDEST
    assert stored.height > stored.width  # turned upright, as the camera had noted
    assert not list(tmp_path.glob(".image-*"))


def test_a_drawing_stays_sharp_and_text_chunks_go(tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Author", "SecretName")
    buffer = io.BytesIO()
    Image.new("RGBA", (300, 200), (10, 120, 90, 128)).save(buffer, "PNG", pnginfo=info)
    stored = images.store(buffer.getvalue(), tmp_path)
    assert stored.name.endswith(".png")
    assert b"SecretName" not in images.load(tmp_path, stored.name)
    assert images.store(buffer.getvalue(), tmp_path) == stored
    assert images.find(tmp_path, stored.name) == stored


def test_the_sample_image_fits(tmp_path: Path) -> None:
    data = (shipped("config") / "samples" / "featured.png").read_bytes()
    stored = images.store(data, tmp_path)
    assert (stored.width, stored.height) == (1200, 600)
    assert len(images.load(tmp_path, stored.name)) < 150_000


@pytest.mark.parametrize(
    "data",
    [b"", b"no image", b"<svg/>", photograph(400, 400)[:2000]],
    ids=["empty", "text", "svg", "half"],
)
def test_what_is_no_image_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        images.store(data, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_picture_of_too_many_pixels_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.new("1", (20_000, 10_000)).save(buffer, "PNG")
    with pytest.raises(InputError, match="too many pixels"):
        images.store(buffer.getvalue(), tmp_path)


@pytest.mark.parametrize("name", ["../newsletter.db", "keys.json", "", "a" * 32 + ".jpg"])
def test_only_stored_images_can_be_loaded(name: str, tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("secret")
    with pytest.raises(NotFound):
        images.load(tmp_path, name)
    assert images.find(tmp_path, name) is None


def test_what_is_stored_already_comes_in_again_unchanged(tmp_path: Path) -> None:
    noise = Image.effect_noise((900, 500), 90).convert("RGB")
    buffer = io.BytesIO()
    noise.save(buffer, "JPEG", quality=95, comment=b"taken at home")
    first = images.store(buffer.getvalue(), tmp_path)
    kept = images.load(tmp_path, first.name)
    assert b"taken at home" not in kept
    assert images.store(kept, tmp_path) == first


@pytest.mark.parametrize("marker", [b"\xff\xe1", b"\xff\xed", b"\xff\xfe"])
def test_a_stored_image_that_was_written_on_is_cleaned_again(tmp_path: Path, marker: bytes) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(buffer, "JPEG")
    clean = buffer.getvalue()
    note = marker + (2 + 11).to_bytes(2) + b"16.78,96.15"
    written_on = clean[:20] + note + clean[20:]
    assert b"16.78" not in images.load(tmp_path, images.store(written_on, tmp_path).name)
