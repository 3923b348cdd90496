"""Stored values of every bit depth, sign, transfer syntax and colour, from real bytes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import uid
from pydicom.encaps import encapsulate

from egma.errors import FilmDecodeError, FilmError
from egma.imaging import load_study
from egma.testing.dicom import build_bytes, build_dataset, write_dicom
from egma.testing.encoders import encode_frame, encode_jpeg
from tests.imaging import codestreams
from tests.imaging.conftest import other_warnings

ROWS, COLUMNS = np.mgrid[0:48, 0:40]
FILM_12_BIT = ((ROWS * 61 + COLUMNS * 97) % 4096).astype(np.uint16)
EXACT = {"VOILUTFunction": "LINEAR_EXACT"}


def full_range(bits: int, signed: bool = False) -> dict:
    """A window under which a stored value v shows as (v - lowest) / (highest - lowest)."""
    top = 2**bits - 1
    return {**EXACT, "WindowCenter": top / 2 - (2 ** (bits - 1) if signed else 0), "WindowWidth": top}


def shown_values(study, bits: int, signed: bool = False) -> np.ndarray:
    return np.rint(study.pixels.astype(float) * (2**bits - 1)).astype(int) - (2 ** (bits - 1) if signed else 0)


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(("bits", "width"), [(8, 8), (8, 16), (10, 16), (12, 16), (15, 16), (16, 16)])
def test_every_bit_depth_and_sign_is_read_exactly(load_film, bits, width, signed):
    rng = np.random.default_rng(bits)
    low = -(2 ** (bits - 1)) if signed else 0
    values = rng.integers(low, low + 2**bits, (40, 30)).astype(f"{'i' if signed else 'u'}{width // 8}")
    study = load_film(values, bits_stored=bits, tags=full_range(bits, signed))
    assert (shown_values(study, bits, signed) == values).all()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stored=st.integers(8, 15), above=st.integers(0, 8), signed=st.booleans(), seed=st.integers(0, 99))
def test_bits_outside_the_declared_ones_are_ignored(tmp_path, stored, above, signed, seed):
    high = min(stored - 1 + above, 15)
    shift = high + 1 - stored
    rng = np.random.default_rng(seed)
    values = rng.integers(-(2 ** (stored - 1)) if signed else 0, 2 ** (stored - 1), (12, 10))
    field = ((values & (2**stored - 1)) << shift).astype(np.uint16)
    clutter = rng.integers(0, 65536, field.shape).astype(np.uint16) & ~np.uint16((2**stored - 1) << shift)
    cells = (field | clutter).view(np.int16 if signed else np.uint16)
    tags = full_range(stored, signed)
    path = write_dicom(tmp_path / "film.dcm", cells, bits_stored=stored, high_bit=high, tags=tags)
    assert (shown_values(load_study(path), stored, signed) == values).all()


@pytest.mark.parametrize(
    "syntax",
    [
        uid.ImplicitVRLittleEndian,
        uid.ExplicitVRLittleEndian,
        uid.ExplicitVRBigEndian,
        uid.DeflatedExplicitVRLittleEndian,
        uid.RLELossless,
        uid.JPEGLossless,
        uid.JPEGLosslessSV1,
        uid.JPEGLSLossless,
        uid.JPEG2000Lossless,
    ],
    ids=lambda syntax: syntax.name,
)
def test_every_lossless_syntax_gives_the_same_pixels(load_film, syntax):
    study = load_film(FILM_12_BIT, bits_stored=12, syntax=syntax, tags=full_range(12))
    assert (shown_values(study, 12) == FILM_12_BIT).all()


@pytest.mark.parametrize(
    "syntax", [uid.RLELossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEG2000Lossless], ids=lambda s: s.name
)
def test_signed_values_survive_compression(load_film, syntax):
    film = FILM_12_BIT.astype(np.int16) - 2048
    study = load_film(film, bits_stored=12, syntax=syntax, tags=full_range(12, signed=True))
    assert (shown_values(study, 12, signed=True) == film).all()


@pytest.mark.parametrize(("syntax", "tolerance"), [(uid.JPEGLSNearLossless, 2), (uid.JPEG2000, 40)])
def test_lossy_syntaxes_are_close(load_film, syntax, tolerance):
    smooth = (ROWS * 40 + COLUMNS * 30).astype(np.uint16)
    study = load_film(smooth, bits_stored=12, syntax=syntax, tags=full_range(12))
    assert np.abs(shown_values(study, 12) - smooth.astype(int)).max() <= tolerance


def test_jpeg_baseline_is_close(load_film):
    smooth = (ROWS * 2 + COLUMNS * 3).astype(np.uint8)
    study = load_film(smooth, syntax=uid.JPEGBaseline8Bit, tags=full_range(8))
    assert np.abs(shown_values(study, 8) - smooth.astype(int)).max() <= 4


@pytest.mark.parametrize(
    ("syntax", "codestream", "values", "tolerance"),
    [
        (uid.HTJ2KLossless, codestreams.HTJ2K_LOSSLESS, codestreams.HTJ2K_VALUES, 0),
        (uid.HTJ2K, codestreams.HTJ2K_LOSSLESS, codestreams.HTJ2K_VALUES, 0),
        (uid.JPEGExtended12Bit, codestreams.JPEG_12_BIT, codestreams.JPEG_12_BIT_VALUES, 2),
    ],
    ids=["HTJ2K lossless", "HTJ2K", "JPEG 12 bits"],
)
def test_stored_codestreams_are_decoded(tmp_path, syntax, codestream, values, tolerance):
    study = load_study(write_codestream(tmp_path, codestream, values, syntax, bits_stored=12, tags=full_range(12)))
    assert np.abs(shown_values(study, 12) - values.astype(int)).max() <= tolerance


@pytest.mark.parametrize("offset_table", [True, False])
@pytest.mark.parametrize("fragments", [1, 3])
def test_fragments_and_offset_tables_do_not_matter(load_film, offset_table, fragments):
    layout = {"offset_table": offset_table, "fragments": fragments, "tags": full_range(12)}
    study = load_film(FILM_12_BIT, bits_stored=12, syntax=uid.JPEG2000Lossless, **layout)
    assert (shown_values(study, 12) == FILM_12_BIT).all()


@pytest.mark.parametrize("preamble", [b"\0" * 128, None])
@pytest.mark.parametrize("meta", [True, False])
def test_a_film_without_preamble_or_meta_information_is_read(load_film, preamble, meta):
    study = load_film(FILM_12_BIT, bits_stored=12, preamble=preamble, meta=meta, tags=full_range(12))
    assert (shown_values(study, 12) == FILM_12_BIT).all()


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless])
def test_the_first_of_several_frames_is_shown_and_said(load_film, syntax):
    film = np.stack([FILM_12_BIT, FILM_12_BIT[::-1], FILM_12_BIT.T.reshape(48, 40)])
    first = load_film(film, frames=3, bits_stored=12, syntax=syntax, tags=full_range(12))
    assert (shown_values(first, 12) == film[0]).all()
    assert any("3 frames" in sentence for sentence in first.warnings)
    last = load_film(film, frame=2, frames=3, bits_stored=12, syntax=syntax, tags=full_range(12))
    assert (shown_values(last, 12) == film[2]).all()
    assert not any("frames" in sentence for sentence in last.warnings)


def test_a_frame_beyond_the_last_is_refused(load_film):
    with pytest.raises(FilmError, match="holds 1 frames"):
        load_film(FILM_12_BIT, frame=1)


def test_windows_of_functional_groups_hold_for_their_frame(load_film):
    from pydicom.dataset import Dataset
    from pydicom.sequence import Sequence

    def group(center):
        window, item = Dataset(), Dataset()
        window.WindowCenter, window.WindowWidth = center, 100
        item.FrameVOILUTSequence = Sequence([window])
        return item

    film = np.tile(np.arange(100, dtype=np.uint16), (2, 10, 1))
    tags = {"PerFrameFunctionalGroupsSequence": [group(50), group(1000)]}
    assert load_film(film, frames=2, bits_stored=12, tags=tags).pixels.max() > 0.9
    assert load_film(film, frame=1, frames=2, bits_stored=12, tags=tags).pixels.max() == 0.0


def test_undeclared_pixels_do_not_become_frames(load_film):
    dataset_film = np.vstack([FILM_12_BIT, FILM_12_BIT])
    study = load_film(dataset_film, bits_stored=12, tags={"Rows": 48, **full_range(12)})
    assert study.shape == (48, 40)
    assert (shown_values(study, 12) == FILM_12_BIT).all()
    assert any("more pixels than it declares" in sentence for sentence in study.warnings)


def test_an_odd_number_of_bytes_with_its_pad_byte_is_no_surplus(load_film):
    study = load_film(np.arange(35, dtype=np.uint8).reshape(5, 7), tags=full_range(8))
    assert other_warnings(study) == []
    assert (shown_values(study, 8).ravel() == np.arange(35)).all()


RGB = np.stack([ROWS * 5, COLUMNS * 6, (ROWS + COLUMNS) * 2], axis=-1).astype(np.uint8)
LUMINANCE = RGB @ np.array([0.299, 0.587, 0.114]) / 255


def test_rgb_is_read_as_luminance_with_a_warning(load_film):
    study = load_film(RGB, photometric="RGB")
    np.testing.assert_allclose(study.pixels, LUMINANCE, atol=1e-5)
    assert any("colour" in sentence for sentence in study.warnings)


def test_planes_of_colour_are_read_like_pixels_of_colour(tmp_path):
    dataset = build_dataset(RGB, photometric="RGB", tags={"PlanarConfiguration": 1})
    dataset.add_new("PixelData", "OB", np.moveaxis(RGB, -1, 0).tobytes())
    (tmp_path / "planar.dcm").write_bytes(build_bytes(dataset, None))
    np.testing.assert_allclose(load_study(tmp_path / "planar.dcm").pixels, LUMINANCE, atol=1e-5)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_ybr_jpeg_shows_its_luminance(load_film, photometric):
    study = load_film(RGB, photometric=photometric, syntax=uid.JPEGBaseline8Bit)
    assert np.abs(study.pixels - LUMINANCE).max() < 0.04


def test_an_unmarked_rgb_jpeg_is_not_taken_for_ybr(tmp_path):
    jpeg = encode_jpeg(RGB, keep_rgb=True, subsampling=0)
    start = jpeg.index(b"\xff\xee")  # without the Adobe marker only the DICOM header says RGB
    length = int.from_bytes(jpeg[start + 2 : start + 4], "big")
    bare = jpeg[:start] + jpeg[start + 2 + length :]
    for names in (b"\x01\x02\x03", b"RGB"):
        stream = _rename_components(bare, names)
        path = write_codestream(tmp_path, stream, RGB, uid.JPEGBaseline8Bit, photometric="RGB")
        assert np.abs(load_study(path).pixels - LUMINANCE).max() < 0.04


def test_16_bit_colour_is_read_at_its_depth(load_film):
    deep = RGB.astype(np.uint16) * 257
    np.testing.assert_allclose(load_film(deep, photometric="RGB").pixels, LUMINANCE, atol=1e-5)


@pytest.mark.parametrize(("bits", "packed"), [(8, True), (8, False), (16, False)])
def test_a_palette_is_looked_up_and_read_as_grey(tmp_path, bits, packed):
    index = (ROWS + COLUMNS).astype(np.uint8)
    dataset = build_dataset(index, photometric="PALETTE COLOR")
    top = 2**bits - 1
    tables = {"Red": np.linspace(0, top, 256), "Green": np.linspace(top, 0, 256), "Blue": np.full(256, top / 3)}
    for name, table in tables.items():
        setattr(dataset, f"{name}PaletteColorLookupTableDescriptor", [256, 0, bits])
        data = table.astype(np.uint8 if packed else "<u2").tobytes()
        setattr(dataset, f"{name}PaletteColorLookupTableData", data)
    (tmp_path / "palette.dcm").write_bytes(build_bytes(dataset, index))
    red, green, blue = (np.floor(table)[index] / top for table in tables.values())
    expected = 0.299 * red + 0.587 * green + 0.114 * blue
    np.testing.assert_allclose(load_study(tmp_path / "palette.dcm").pixels, expected, atol=1e-5)


def test_a_codestream_of_another_size_than_declared_is_refused(tmp_path):
    jpeg = encode_jpeg(np.zeros((64, 64), np.uint8))
    path = write_codestream(tmp_path, jpeg, np.zeros((32, 32), np.uint8), uid.JPEGBaseline8Bit)
    with pytest.raises(FilmDecodeError, match="32 x 32 pixels"):
        load_study(path)


@pytest.mark.parametrize(
    "syntax",
    [uid.RLELossless, uid.JPEGLosslessSV1, uid.JPEGLSLossless, uid.JPEG2000Lossless, uid.JPEGBaseline8Bit],
    ids=lambda syntax: syntax.name,
)
def test_a_codestream_cut_short_is_refused_not_guessed(tmp_path, syntax):
    film = (FILM_12_BIT // 16).astype(np.uint8) if syntax == uid.JPEGBaseline8Bit else FILM_12_BIT
    whole = encode_frame(film, build_dataset(film, bits_stored=min(12, film.dtype.itemsize * 8)), syntax)
    with pytest.raises(FilmDecodeError):
        load_study(write_codestream(tmp_path, whole[: len(whole) // 2], film, syntax))


def write_codestream(folder, codestream, pixels, syntax, **header):
    """A film whose one frame is exactly these compressed bytes."""
    dataset = build_dataset(pixels, **header)
    dataset.add_new("PixelData", "OB", encapsulate([codestream + b"\0" * (len(codestream) % 2)]))
    dataset["PixelData"].is_undefined_length = True
    path = folder / "film.dcm"
    path.write_bytes(build_bytes(dataset, None, syntax))
    return path


def _rename_components(jpeg: bytes, names: bytes) -> bytes:
    """Give the three components of a JPEG other identifiers, in the frame and in the scan header."""
    data = bytearray(jpeg)
    frame = jpeg.index(b"\xff\xc0")
    scan = jpeg.index(b"\xff\xda")
    for number, name in enumerate(names):
        data[frame + 10 + 3 * number] = data[scan + 5 + 2 * number] = name
    return bytes(data)
