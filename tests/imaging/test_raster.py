"""PNG, JPEG and TIFF at their full depth, upright, flattened."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from egma.errors import FilmDecodeError, FilmError
from egma.imaging import load_study
from tests.imaging.conftest import other_warnings

ROWS, COLUMNS = np.mgrid[0:40, 0:56]
GREY = ((ROWS * 3 + COLUMNS * 2) % 256).astype(np.uint8)
DEEP = (ROWS * 1100 + COLUMNS * 400).astype(np.uint16)  # 0 to 64,900: fills the range, in more than 256 steps


def load(image: Image.Image, path, **options):
    image.save(path, **options)
    return load_study(path)


def write_png(path, depth: int, colour: int, rows: bytes, size: tuple[int, int]) -> None:
    """A PNG of any kind: `rows` is the raw image without filter bytes."""
    height, width = size
    length = len(rows) // height
    filtered = b"".join(b"\0" + rows[n * length : (n + 1) * length] for n in range(height))
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)),
        (b"IDAT", zlib.compress(filtered)),
        (b"IEND", b""),
    )
    data = b"".join(struct.pack(">I", len(b)) + n + b + struct.pack(">I", zlib.crc32(n + b)) for n, b in chunks)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + data)


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_8_bit_greys_are_read_as_they_are(tmp_path, kind):
    study = load(Image.fromarray(GREY), tmp_path / f"film.{kind}")
    np.testing.assert_allclose(study.pixels, GREY / 255, atol=1e-6)
    assert study.source == kind
    assert other_warnings(study) == []
    assert (study.display.values == GREY.astype(np.uint16) * 257).all()


def test_jpeg_is_close(tmp_path):
    smooth = (ROWS + COLUMNS).astype(np.uint8)
    study = load(Image.fromarray(smooth), tmp_path / "film.jpg", quality=95)
    assert np.abs(study.pixels - smooth / 255).max() < 0.02
    assert study.source == "jpeg"


@pytest.mark.parametrize("kind", ["png", "tiff"])
def test_16_bit_greys_keep_every_step(tmp_path, kind):
    study = load(Image.fromarray(DEEP), tmp_path / f"film.{kind}")
    np.testing.assert_allclose(study.pixels, DEEP / 65535, atol=1e-6)
    assert (study.display.values == DEEP).all()


def test_a_big_endian_tiff_is_read_alike(tmp_path):
    Image.fromarray(DEEP.astype(">u2")).save(tmp_path / "film.tif")
    np.testing.assert_allclose(load_study(tmp_path / "film.tif").pixels, DEEP / 65535, atol=1e-6)


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "raw"])
def test_compressed_tiff_is_read_alike(tmp_path, compression):
    study = load(Image.fromarray(DEEP), tmp_path / "film.tif", compression=compression)
    np.testing.assert_allclose(study.pixels, DEEP / 65535, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_white_is_zero_tiff_is_turned_bright(tmp_path, dtype):
    film = GREY if dtype == np.uint8 else DEEP
    path = tmp_path / "film.tif"
    Image.fromarray(film).save(path)
    black_is_zero = b"\x06\x01\x03\x00\x01\x00\x00\x00\x01\x00"  # tag 262, one SHORT, value 1
    path.write_bytes(path.read_bytes().replace(black_is_zero, black_is_zero[:-2] + b"\x00\x00"))
    top = np.iinfo(dtype).max
    np.testing.assert_allclose(load_study(path).pixels, (top - film.astype(float)) / top, atol=1e-6)


def test_12_bits_in_a_16_bit_file_are_stretched_without_clipping(tmp_path):
    study = load(Image.fromarray((DEEP // 16).astype(np.uint16)), tmp_path / "film.png")
    assert study.pixels.min() == 0.0
    assert study.pixels.max() == 1.0
    assert len(np.unique(study.pixels)) == len(np.unique(DEEP // 16))
    assert study.display.note == "range of the film's own values"


def test_a_marker_does_not_darken_a_12_bit_film(tmp_path):
    film = (DEEP // 16).astype(np.uint16)
    film[:2, :4] = 65535
    assert np.median(load(Image.fromarray(film), tmp_path / "film.png").pixels) > 0.3


def test_float_tiff_is_read_and_nan_is_air(tmp_path):
    film = (GREY / 255).astype(np.float32)
    film[3, 3] = np.nan
    study = load(Image.fromarray(film), tmp_path / "film.tif")
    assert study.pixels[3, 3] == 0.0
    np.testing.assert_allclose(
        np.delete(study.pixels.ravel(), 3 * 56 + 3), np.delete(GREY.ravel() / 255, 3 * 56 + 3), atol=1e-6
    )
    assert any("not numbers" in sentence for sentence in study.warnings)


# EXIF 2.32, tag 0x0112: where the stored first row and first column belong.
UPRIGHT = {
    1: lambda a: a,
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: np.rot90,
}


@pytest.mark.parametrize("orientation", UPRIGHT)
@pytest.mark.parametrize("kind", ["jpg", "png", "tif"])
def test_the_exif_orientation_is_obeyed(tmp_path, kind, orientation):
    film = np.zeros((40, 56), np.uint8)
    film[:10, :20], film[30:, :8] = 250, 120
    image, exif = Image.fromarray(film), Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / f"film.{kind}", exif=exif)
    study = load_study(tmp_path / f"film.{kind}")
    np.testing.assert_allclose(study.pixels, UPRIGHT[orientation](film) / 255, atol=0.15)


def test_16_bit_greys_are_turned_too(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the first row is the right edge
    study = load(Image.fromarray(DEEP), tmp_path / "film.png", exif=exif)
    np.testing.assert_allclose(study.pixels, np.rot90(DEEP, -1) / 65535, atol=1e-6)


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_alpha_is_flattened_on_black(tmp_path, mode):
    alpha = (COLUMNS * 4).astype(np.uint8)
    layers = [Image.fromarray(GREY)] * (len(mode) - 1) + [Image.fromarray(alpha)]
    study = load(Image.merge(mode, layers), tmp_path / "film.png")
    np.testing.assert_allclose(study.pixels, GREY / 255 * (alpha / 255), atol=1e-5)
    assert other_warnings(study) == []


def test_16_bit_grey_with_alpha_keeps_its_depth(tmp_path):
    alpha = np.where(COLUMNS < 28, 65535, 32768)
    rows = np.stack([DEEP, alpha], axis=-1).astype(">u2").tobytes()
    write_png(tmp_path / "film.png", 16, 4, rows, (40, 56))
    expected = DEEP / 65535 * (alpha / 65535)
    np.testing.assert_allclose(load_study(tmp_path / "film.png").pixels, expected, atol=2e-5)


def test_16_bit_colour_says_that_it_is_narrowed(tmp_path):
    rows = np.stack([DEEP] * 3, axis=-1).astype(">u2").tobytes()
    write_png(tmp_path / "film.png", 16, 2, rows, (40, 56))
    study = load_study(tmp_path / "film.png")
    assert any("8 bits" in sentence for sentence in study.warnings)
    assert np.abs(study.pixels - DEEP / 65535).max() < 0.005


def test_one_bit_is_black_and_white(tmp_path):
    study = load(Image.fromarray(GREY > 128), tmp_path / "film.png")
    assert set(np.unique(study.pixels)) == {0.0, 1.0}


def test_colour_is_read_as_luminance_with_a_warning(tmp_path):
    rgb = np.stack([GREY, 255 - GREY, GREY // 2], axis=-1)
    study = load(Image.fromarray(rgb), tmp_path / "film.png")
    np.testing.assert_allclose(study.pixels, rgb @ [0.299, 0.587, 0.114] / 255, atol=1e-5)
    assert any("colour" in sentence for sentence in study.warnings)


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_a_grey_film_in_a_colour_file_raises_no_alarm(tmp_path, mode):
    kind = "jpg" if mode == "CMYK" else "png"
    smooth = (ROWS + COLUMNS).astype(np.uint8)
    image = Image.fromarray(smooth)
    image = image.convert("P") if mode == "P" else image.convert("RGB").convert(mode)
    study = load(image, tmp_path / f"film.{kind}")
    assert other_warnings(study) == []
    assert np.abs(study.pixels - smooth / 255).max() < 0.1


def test_the_first_page_of_several_is_shown_and_said(tmp_path):
    pages = [Image.fromarray(GREY), Image.fromarray(255 - GREY)]
    pages[0].save(tmp_path / "film.tif", save_all=True, append_images=pages[1:])
    first = load_study(tmp_path / "film.tif")
    np.testing.assert_allclose(first.pixels, GREY / 255, atol=1e-6)
    assert any("2 pages" in sentence for sentence in first.warnings)
    second = load_study(tmp_path / "film.tif", frame=1)
    np.testing.assert_allclose(second.pixels, (255 - GREY) / 255, atol=1e-6)
    with pytest.raises(FilmError, match="2 pages"):
        load_study(tmp_path / "film.tif", frame=2)


@pytest.mark.parametrize("kind", ["png", "jpg", "tif"])
@pytest.mark.parametrize("keep", [0.05, 0.5, 0.9])
def test_a_picture_cut_short_is_refused(tmp_path, kind, keep):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64)).astype(np.uint8)
    path = tmp_path / f"film.{kind}"
    Image.fromarray(noise).save(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(FilmDecodeError, match="damaged or cut short"):
        load_study(path)


@pytest.mark.parametrize("value", [0, 90, 255])
def test_a_constant_picture_stays_finite_and_says_so(tmp_path, value):
    study = load(Image.fromarray(np.full((8, 8), value, np.uint8)), tmp_path / "film.png")
    assert np.isfinite(study.pixels).all()
    assert any("same value" in sentence for sentence in study.warnings)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(low=st.integers(0, 65535), high=st.integers(0, 65535), height=st.integers(1, 40), width=st.integers(1, 40))
def test_any_16_bit_film_is_finite_in_range_and_in_order(tmp_path, low, high, height, width):
    low, high = sorted((low, high))
    film = np.random.default_rng(0).integers(low, high + 1, (height, width)).astype(np.uint16)
    study = load(Image.fromarray(film), tmp_path / "film.png")
    assert np.isfinite(study.pixels).all()
    assert 0 <= study.pixels.min() <= study.pixels.max() <= 1
    order = np.argsort(film.ravel(), kind="stable")
    assert (np.diff(study.pixels.ravel()[order]) >= 0).all()
