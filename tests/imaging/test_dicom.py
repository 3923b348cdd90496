"""The order of a DICOM film's display pipeline, against values worked out from the standard's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from egma.imaging import load_study
from egma.testing.dicom import build_table, write_dicom
from tests.imaging.conftest import as_viewed, other_warnings

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}


def linear(x: np.ndarray, center: float, width: float) -> np.ndarray:
    """PS3.3 C.11.2.1.2.1, as the standard writes it, to 0..1."""
    y = ((x - (center - 0.5)) / (width - 1) + 0.5) if width > 1 else np.zeros_like(x, dtype=float)
    y = np.where(x <= center - 0.5 - (width - 1) / 2, 0.0, y)
    return np.where(x > center - 0.5 + (width - 1) / 2, 1.0, y)


def test_a_linear_window_follows_the_standard_at_its_edges(load_film):
    study = load_film(RAMP, bits_stored=12, tags={"WindowCenter": 2048, "WindowWidth": 1024})
    shown = study.pixels.ravel()
    assert shown[1536] == 0.0  # c - 0.5 - (w - 1) / 2 = 1536
    assert shown[1537] == pytest.approx(1 / 1023)
    assert shown[2559] == 1.0
    assert shown[2558] == pytest.approx(1022 / 1023)
    np.testing.assert_allclose(shown, linear(np.arange(4096.0), 2048, 1024), atol=1e-6)


def test_a_linear_window_of_width_one_is_a_threshold(load_film):
    shown = load_film(RAMP, bits_stored=12, tags={"WindowCenter": 100, "WindowWidth": 1}).pixels.ravel()
    assert shown[99] == 0.0
    assert shown[100] == 1.0


def test_a_linear_exact_window_has_no_half_steps(load_film):
    tags = {"WindowCenter": 2048, "WindowWidth": 1024, "VOILUTFunction": "LINEAR_EXACT"}
    shown = load_film(RAMP, bits_stored=12, tags=tags).pixels.ravel()
    assert shown[1536] == 0.0
    assert shown[2048] == pytest.approx(0.5)
    assert shown[2560] == 1.0
    assert shown[1792] == pytest.approx(0.25)


def test_a_sigmoid_is_one_half_at_its_centre(load_film):
    tags = {"WindowCenter": 2048, "WindowWidth": 1024, "VOILUTFunction": "SIGMOID"}
    study = load_film(RAMP, bits_stored=12, tags=tags)
    shown = study.pixels.ravel()
    assert shown[2048] == pytest.approx(0.5)
    assert shown[2304] == pytest.approx(1 / (1 + np.exp(-1.0)))  # a quarter width above: exp(-4 / 4)
    assert "SIGMOID" in study.display.note
    np.testing.assert_allclose(as_viewed(study), study.pixels, atol=1e-5)


def test_an_unknown_voi_function_is_read_as_linear_and_said(load_film):
    study = load_film(RAMP, bits_stored=12, tags={**WINDOW, "VOILUTFunction": "CUBIC"})
    np.testing.assert_allclose(study.pixels.ravel(), linear(np.arange(4096.0), 2048, 4096), atol=1e-6)
    assert any("VOI function" in sentence for sentence in study.warnings)


def test_the_rescale_comes_before_the_window(load_film):
    tags = {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 1000, "WindowWidth": 2000}
    study = load_film(RAMP, bits_stored=12, tags=tags)
    np.testing.assert_allclose(study.pixels.ravel(), linear(np.arange(4096.0) * 2 - 1024, 1000, 2000), atol=1e-6)


def test_a_rescale_slope_of_zero_is_left_out_and_said(load_film):
    study = load_film(RAMP, bits_stored=12, tags={**WINDOW, "RescaleSlope": 0, "RescaleIntercept": 5})
    assert study.pixels.max() == 1.0
    assert any("slope is zero" in sentence for sentence in study.warnings)


def test_of_several_windows_the_first_holds_and_the_note_says_so(load_film):
    study = load_film(RAMP, bits_stored=12, tags={"WindowCenter": [1000, 50], "WindowWidth": [500, 10]})
    np.testing.assert_allclose(study.pixels.ravel(), linear(np.arange(4096.0), 1000, 500), atol=1e-6)
    assert study.display.note == "window 1 of 2 from the file"


@pytest.mark.parametrize(
    ("function", "width"), [("LINEAR", 0), ("LINEAR", 0.5), ("LINEAR", -20), ("LINEAR_EXACT", 0), ("SIGMOID", 0)]
)
def test_an_invalid_window_falls_back_to_percentiles_and_says_so(load_film, function, width):
    tags = {"WindowCenter": 2048, "WindowWidth": width, "VOILUTFunction": function}
    study = load_film(RAMP, bits_stored=12, tags=tags)
    assert study.display.note.startswith("percentiles")
    assert any("window is not valid" in sentence for sentence in study.warnings)
    assert study.pixels.min() == 0.0
    assert study.pixels.max() == 1.0


def test_monochrome1_and_its_inverted_twin_show_the_same(load_film):
    negative = load_film(RAMP, bits_stored=12, photometric="MONOCHROME1", tags=WINDOW)
    positive = load_film(4095 - RAMP, bits_stored=12, tags=WINDOW)
    np.testing.assert_allclose(negative.pixels, positive.pixels, atol=1e-6)
    np.testing.assert_allclose(as_viewed(negative), as_viewed(positive), atol=2e-5)


@pytest.mark.parametrize(
    ("photometric", "shape", "inverted"),
    [
        ("MONOCHROME1", None, True),
        ("MONOCHROME1", "INVERSE", True),
        ("MONOCHROME1", "IDENTITY", True),
        ("MONOCHROME2", "INVERSE", True),
        ("MONOCHROME2", "IDENTITY", False),
        ("MONOCHROME2", None, False),
    ],
)
def test_a_film_is_inverted_once_or_not_at_all(load_film, photometric, shape, inverted):
    study = load_film(RAMP, bits_stored=12, photometric=photometric, tags={**WINDOW, "PresentationLUTShape": shape})
    assert bool(study.pixels.ravel()[0] > study.pixels.ravel()[-1]) is inverted


def test_a_voi_table_comes_before_a_window(load_film):
    entries = np.linspace(0, 65535, 4096).astype(np.uint16)[::-1]
    study = load_film(RAMP, bits_stored=12, tags={**WINDOW, "VOILUTSequence": [build_table(entries)]})
    np.testing.assert_allclose(study.pixels.ravel(), entries / 65535, atol=1e-6)
    np.testing.assert_allclose(as_viewed(study), study.pixels, atol=1e-5)
    assert "table" in study.display.note


def test_of_several_voi_tables_the_first_holds(load_film):
    first, second = np.arange(4096, dtype=np.uint16), np.zeros(4096, np.uint16)
    tables = [build_table(first, bits=12), build_table(second, bits=12)]
    study = load_film(RAMP, bits_stored=12, tags={"VOILUTSequence": tables})
    np.testing.assert_allclose(study.pixels.ravel(), first / 4095, atol=1e-6)
    assert study.display.note == "VOI table 1 of 2 from the file"


def test_a_modality_table_comes_before_the_window(load_film):
    entries = (np.arange(4096) // 2).astype(np.uint16)
    tags = {"ModalityLUTSequence": [build_table(entries)], "WindowCenter": 1024, "WindowWidth": 2048}
    study = load_film(RAMP, bits_stored=12, tags=tags)
    np.testing.assert_allclose(study.pixels.ravel(), linear(entries.astype(float), 1024, 2048), atol=1e-6)


def test_a_presentation_table_gives_brightness_itself(load_film):
    entries = (np.arange(256) ** 2 / 255).astype(np.uint16)
    tags = {**WINDOW, "PresentationLUTSequence": [build_table(entries, bits=8)]}
    shown = load_film(RAMP, bits_stored=12, tags=tags).pixels.ravel()
    steps = np.rint(linear(np.arange(4096.0), 2048, 4096) * 255).astype(int)
    np.testing.assert_allclose(shown, entries[steps] / 255, atol=1e-6)


def test_padding_is_air_whichever_way_the_film_is_stored(load_film):
    film = np.full((16, 16), 3000, np.uint16)
    film[:4], film[8] = 0, np.arange(16) * 100 + 1000
    for photometric in ("MONOCHROME1", "MONOCHROME2"):
        study = load_film(film, bits_stored=12, photometric=photometric, tags={**WINDOW, "PixelPaddingValue": 0})
        assert (study.pixels[:4] == 0).all()
        np.testing.assert_allclose(as_viewed(study), study.pixels, atol=1e-4)


def test_a_padding_range_includes_both_ends(load_film):
    tags = {**WINDOW, "PixelPaddingValue": 10, "PixelPaddingRangeLimit": 4}
    shown = load_film(RAMP + 1, bits_stored=13, tags=tags).pixels.ravel()
    assert (shown[3:10] == 0).all()
    assert shown[10] > 0


def test_a_missing_window_ignores_padding_and_markers(load_film):
    rng = np.random.default_rng(0)
    tissue = rng.normal(1500, 200, (200, 200)).clip(600, 2400).astype(np.uint16)
    marked = tissue.copy()
    marked[:30], marked[180:190, 10:40] = 0, 4095
    plain = load_film(tissue, bits_stored=12).pixels
    shown = load_film(marked, bits_stored=12, tags={"PixelPaddingValue": 0}).pixels
    inside = np.s_[40:170]
    assert np.abs(plain[inside] - shown[inside]).max() < 0.02
    undeclared = load_film(marked, bits_stored=12).pixels
    assert np.abs(plain[inside] - undeclared[inside]).max() < 0.02


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    center=st.integers(-500, 5000),
    width=st.integers(1, 6000),
    function=st.sampled_from(("LINEAR", "LINEAR_EXACT", "SIGMOID")),
    photometric=st.sampled_from(("MONOCHROME1", "MONOCHROME2")),
)
def test_a_viewers_own_window_reproduces_the_pixels(tmp_path, center, width, function, photometric):
    tags = {"WindowCenter": center, "WindowWidth": width, "VOILUTFunction": function}
    path = write_dicom(tmp_path / "film.dcm", RAMP, bits_stored=12, photometric=photometric, tags=tags)
    study = load_study(path)
    assert study.pixels.dtype == np.float32
    assert np.isfinite(study.pixels).all()
    assert 0 <= study.pixels.min() <= study.pixels.max() <= 1
    difference = np.abs(as_viewed(study) - study.pixels)
    assert difference.max() <= 1 / study.display.width + 1e-5


def test_a_constant_film_stays_finite_and_says_so(load_film):
    study = load_film(np.full((32, 32), 700, np.uint16), bits_stored=12)
    assert np.isfinite(study.pixels).all()
    assert any("same value" in sentence for sentence in study.warnings)


def test_wide_values_of_a_large_film_keep_their_tones(load_film):
    film = np.linspace(-3.5, 9.25, 2100 * 2100, dtype=np.float32).reshape(2100, 2100)
    tags = {"WindowCenter": 3, "WindowWidth": 4, "VOILUTFunction": "LINEAR_EXACT"}
    expected = np.clip((film.astype(np.float64) - 1) / 4, 0, 1)
    study = load_film(film, tags=tags)
    assert other_warnings(study) == []
    np.testing.assert_allclose(study.pixels, expected, atol=2e-6)
    film[5, 5:9] = np.nan
    study = load_film(film, tags=tags)
    assert (study.pixels[5, 5:9] == 0).all()
    np.testing.assert_allclose(study.pixels[10:], expected[10:], atol=2e-6)


def test_32_bit_values_are_windowed_exactly(load_film):
    film = (RAMP.astype(np.int32) - 2048) * 1000
    tags = {"WindowCenter": 0, "WindowWidth": 1_000_000, "VOILUTFunction": "LINEAR_EXACT"}
    study = load_film(film, tags=tags)
    np.testing.assert_allclose(study.pixels, np.clip(film / 1e6 + 0.5, 0, 1), atol=1e-6)


def test_floating_point_pixels_are_read_and_nan_is_air(load_film):
    film = np.linspace(-1, 1, 1024, dtype=np.float32).reshape(32, 32)
    film[0, :3] = np.nan
    study = load_film(film)
    assert np.isfinite(study.pixels).all()
    assert (study.pixels[0, :3] == 0).all()
    assert any("not numbers" in sentence for sentence in study.warnings)
    assert study.pixels.max() == 1.0
