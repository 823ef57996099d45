"""Decoding of images that nobody vouches for, against arrays that were encoded."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from debias.data import images
from debias.data.images import BadImage, read_bytes, square, square_around, whole


def encoded(rgb, kind="PNG", mode=None, **options) -> bytes:
    """An array as the bytes of an image file."""
    image = Image.fromarray(rgb)
    file = io.BytesIO()
    (image.convert(mode) if mode else image).save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def quadrants():
    """(40, 60, 3): red, green, blue and white, with a black frame around the square in the middle."""
    image = np.zeros((40, 60, 3), np.uint8)
    image[:20, 10:30], image[:20, 30:50] = (250, 0, 0), (0, 250, 0)
    image[20:, 10:30], image[20:, 30:50] = (0, 0, 250), (250, 250, 250)
    return image


def corners(image):
    """Colours in the middle of the four quadrants, as letters."""
    at = image.shape[0] // 4
    letters = {(1, 0, 0): "r", (0, 1, 0): "g", (0, 0, 1): "b", (1, 1, 1): "w", (0, 0, 0): "-"}
    spots = image[at, at], image[at, -at], image[-at, at], image[-at, -at]
    return "".join(letters[tuple((spot > 128).astype(int).tolist())] for spot in spots)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_every_format_gives_the_square_in_the_middle(quadrants, kind):
    image = square(encoded(quadrants, kind), 16)
    assert image.shape == (16, 16, 3) and image.dtype == np.uint8
    assert corners(image) == "rgbw"


def test_shrinking_averages_areas():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    means = pixels.reshape(16, 4, 16, 4, 3).mean((1, 3))
    np.testing.assert_allclose(square(encoded(pixels), 16), means, atol=1)  # rounded once per direction


def test_a_large_jpeg_decoded_at_a_fraction_looks_like_the_whole_one():
    y, x = np.mgrid[:1024, :1024] / 1024
    smooth = (255 * np.stack([y, x, (np.sin(9 * x * y) + 1) / 2], 2)).astype(np.uint8)
    found = square(encoded(smooth, "JPEG", quality=95), 32).astype(float)
    np.testing.assert_allclose(found, smooth.reshape(32, 32, 32, 32, 3).mean((1, 3)), atol=3)


@pytest.mark.parametrize("height, width", [(1, 1), (3, 9), (64, 63), (500, 20)])
def test_any_shape_gives_that_size(height, width):
    assert square(encoded(np.full((height, width, 3), 77, np.uint8)), 64).tolist() == np.full((64, 64, 3), 77).tolist()


def test_grey_becomes_three_equal_channels():
    assert np.all(square(encoded(np.full((20, 20), 90, np.uint8), "JPEG"), 16) == 90)


def test_cmyk_has_its_colours(quadrants):
    assert corners(square(encoded(quadrants, "JPEG", "CMYK", quality=95), 16)) == "rgbw"


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_keep_their_high_byte(kind):
    grey = np.full((20, 20), 0x5AFF, np.uint16)
    assert np.all(square(encoded(grey, kind), 16) == 0x5A)
    assert np.all(whole(encoded(grey, kind)) == 0x5A)


def test_of_an_animation_the_first_frame_is_taken(quadrants):
    frames, file = [Image.fromarray(quadrants), Image.fromarray(255 - quadrants)], io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert corners(square(file.getvalue(), 16)) == "rgbw"


def test_palettes_and_transparency_come_as_rgb(quadrants):
    alpha = np.dstack([quadrants, np.full((40, 60), 128, np.uint8)])
    assert corners(square(encoded(alpha), 16)) == "rgbw"
    assert corners(square(encoded(quadrants, "PNG", "P"), 16)) == "rgbw"


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, "rgbw"), (2, "grwb"), (3, "wbgr"), (4, "bwrg"), (5, "rbgw"), (6, "brwg"), (7, "wgbr"), (8, "gwrb")],
)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_images_stand_as_their_exif_says(quadrants, kind, orientation, turned):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(quadrants, kind, exif=exif.tobytes())
    assert corners(square(data, 16)) == turned
    upright = whole(data)
    assert upright.shape == ((60, 40, 3) if orientation > 4 else (40, 60, 3))
    assert corners(square(encoded(upright), 16)) == turned


def test_a_box_is_in_stored_pixels_and_its_crop_stands_upright(quadrants):
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(quadrants, "JPEG", quality=95, exif=exif.tobytes())
    assert np.all(square(data, 8, (12, 2, 16, 16))[..., 0] > 200)  # red
    assert np.all(square(data, 8, (32, 22, 16, 16)) > 200)  # white


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((20, 30, 10, 10), (20, 30, 10)),
        ((20, 30, 10, 20), (15, 30, 20)),  # the longer side, around the same middle
        ((0, 0, 10, 20), (0, 0, 20)),  # moved in from the left
        ((85, 62, 20, 20), (80, 60, 20)),  # moved in from the right and from below
        ((0, 0, 100, 80), (10, 0, 80)),  # no longer than the image's shorter side
    ],
)
def test_square_around_a_box(box, expected):
    assert square_around(box, 100, 80) == pytest.approx(expected)


@pytest.mark.parametrize("box", [(5, 5, 0, 10), (5, 5, 10, 0), (5, 5, -3, 3), (100, 5, 10, 10), (-8, 0, 10, 10)])
def test_a_box_that_is_none_or_elsewhere_is_refused(quadrants, box):
    with pytest.raises(BadImage, match="box"):
        square(encoded(quadrants), 16, box)


def bomb(width, height):
    """A PNG of a few bytes that claims this size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("side", [9_000, 9_500, 60_000, 2**31 - 1])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(side, monkeypatch):
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(BadImage, match="pixels"):
        square(bomb(side, side), 64)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_a_truncated_image_is_refused(kind, share):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(pixels, kind)
    with pytest.raises(BadImage, match="not a whole image|not an image"):
        square(data[: int(len(data) * share)], 16)


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "TIFF", "WEBP"])
def test_damaged_bytes_give_pixels_or_a_bad_image_and_nothing_else(quadrants, kind, seed, capfd, recwarn):
    rng, data = np.random.default_rng(seed), bytearray(encoded(quadrants, kind))
    for at in rng.integers(0, len(data), 8):
        data[at] = rng.integers(256)
    try:
        assert square(bytes(data), 16).shape == (16, 16, 3)
    except BadImage as error:
        assert "\n" not in str(error) and len(str(error)) < 200
    assert not recwarn.list and capfd.readouterr().out == ""


@pytest.mark.parametrize("data", [b"<html>404 Not Found</html>", b"\0" * 100, b"%PDF-1.4", b"GIF89a"])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(BadImage, match="not an image|not a whole image"):
        whole(data)


def test_files_are_read_whole_or_in_part(tmp_path):
    path = tmp_path / "ä b.bin"
    path.write_bytes(b"0123456789")
    assert read_bytes(path) == b"0123456789"
    assert read_bytes(path, 3, 4) == b"3456"


@pytest.mark.parametrize(
    ("content", "start", "length", "reason"),
    [(b"", 0, None, "empty file"), (b"0123", 2, 5, "cut short"), (None, 0, None, "No such file")],
)
def test_files_that_lack_bytes_are_bad(tmp_path, content, start, length, reason):
    if content is not None:
        (tmp_path / "a").write_bytes(content)
    with pytest.raises(BadImage, match=reason):
        read_bytes(tmp_path / "a", start, length)


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MOST_BYTES", 10)
    (tmp_path / "a").write_bytes(bytes(11))
    with pytest.raises(BadImage, match="MB"):
        read_bytes(tmp_path / "a")


def test_a_name_that_no_system_allows_is_bad(tmp_path):
    with pytest.raises(BadImage):
        read_bytes(tmp_path / "a\0b")
