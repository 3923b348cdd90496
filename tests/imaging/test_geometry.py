"""The map between film and model: exact, invertible, and honest about what the model never saw."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egma.imaging.geometry import Geometry

SIDES = st.integers(1, 6000)
MODEL_SIDES = st.integers(1, 512)
MODES = st.sampled_from(["pad", "crop"])
GEOMETRIES = st.builds(Geometry, st.tuples(SIDES, SIDES), st.tuples(MODEL_SIDES, MODEL_SIDES), MODES)
SMALL = st.builds(
    Geometry,
    st.tuples(st.integers(1, 90), st.integers(1, 90)),
    st.tuples(st.integers(1, 64), st.integers(1, 64)),
    MODES,
)
GRIDS = st.tuples(st.integers(1, 20), st.integers(1, 20))
UNIT = st.floats(0, 1, width=32)
FEW = settings(max_examples=60, deadline=None)


def dot(shape: tuple[int, int], x_px: float, y_px: float, sigma_px: float) -> np.ndarray:
    rows, columns = np.mgrid[: shape[0], : shape[1]] + 0.5
    return np.exp(-((columns - x_px) ** 2 + (rows - y_px) ** 2) / (2 * sigma_px**2)).astype(np.float32)


def center_of_mass(image: np.ndarray) -> tuple[float, float]:
    rows, columns = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    weight = image.astype(np.float64)
    return float((columns * weight).sum() / weight.sum()), float((rows * weight).sum() / weight.sum())


@FEW
@given(GEOMETRIES, UNIT, UNIT)
def test_the_inverse_of_forward_is_identity_for_any_size_and_aspect(geometry: Geometry, u: float, v: float) -> None:
    point = np.array([u * geometry.source_hw[1], v * geometry.source_hw[0]])
    np.testing.assert_allclose(geometry.to_source(geometry.to_model(point)), point, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("source_hw", [(1, 1), (1, 5000), (5000, 1), (3000, 2500), (2500, 3000)])
@pytest.mark.parametrize("mode", ["pad", "crop"])
def test_extreme_films_make_the_round_trip(source_hw: tuple[int, int], mode: str) -> None:
    geometry = Geometry(source_hw, (320, 320), mode)
    corners = np.array([[0, 0], [source_hw[1], 0], [0.5, source_hw[0] - 0.5]])
    np.testing.assert_allclose(geometry.to_source(geometry.to_model(corners)), corners, atol=1e-6)
    model = geometry.image_to_model(np.ones(source_hw, np.float32))
    assert model.shape == (320, 320)
    assert np.isfinite(model).all() and model.max() > 0
    shown = geometry.map_to_source(np.ones((20, 20), np.float32))
    assert shown.shape == source_hw
    assert np.isfinite(shown).any()


@FEW
@given(GEOMETRIES)
def test_the_centre_of_the_film_is_the_centre_of_the_input(geometry: Geometry) -> None:
    middle = geometry.to_model((geometry.source_hw[1] / 2, geometry.source_hw[0] / 2))
    np.testing.assert_allclose(middle, (geometry.model_hw[1] / 2, geometry.model_hw[0] / 2), atol=1e-6)


@FEW
@given(GEOMETRIES)
def test_padding_shows_the_whole_film_and_cropping_fills_the_whole_input(geometry: Geometry) -> None:
    x0, y0, x1, y1 = geometry.grid_box_px()
    height, width = geometry.source_hw
    slack = 1e-6 * max(height, width)
    if geometry.mode == "pad":
        assert x0 <= slack and y0 <= slack and x1 >= width - slack and y1 >= height - slack
    else:
        assert x0 >= -slack and y0 >= -slack and x1 <= width + slack and y1 <= height + slack


def test_the_grid_box_of_a_wide_film_reaches_above_and_below_it() -> None:
    assert Geometry((100, 200), (320, 320), "pad").grid_box_px() == pytest.approx((0, -50, 200, 150))
    assert Geometry((100, 200), (320, 320), "crop").grid_box_px() == pytest.approx((50, 0, 150, 100))


@pytest.mark.parametrize("source_hw", [(700, 500), (431, 977), (90, 90), (2000, 1500)])
@pytest.mark.parametrize("mode", ["pad", "crop"])
@pytest.mark.parametrize("model_hw", [(320, 320), (224, 288)])
def test_a_bright_dot_lands_where_the_point_map_says(
    source_hw: tuple[int, int], mode: str, model_hw: tuple[int, int]
) -> None:
    geometry = Geometry(source_hw, model_hw, mode)
    at_px = (source_hw[1] * 0.45, source_hw[0] * 0.58)
    model = geometry.image_to_model(dot(source_hw, *at_px, sigma_px=min(source_hw) / 30))
    np.testing.assert_allclose(center_of_mass(model), geometry.to_model(at_px), atol=0.05)


@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("mode", ["pad", "crop"])
def test_a_map_of_a_lesion_lies_on_the_lesion(mode: str, smooth: bool) -> None:
    geometry = Geometry((800, 600), (320, 320), mode)
    lesion_px = (250.0, 420.0)
    model = geometry.image_to_model(dot((800, 600), *lesion_px, sigma_px=25))
    grid = model.reshape(20, 16, 20, 16).mean(axis=(1, 3))
    shown = np.nan_to_num(geometry.map_to_source(grid, smooth=smooth))
    np.testing.assert_allclose(center_of_mass(shown), lesion_px, atol=4)
    x_px, y_px = geometry.peak_xy_px(grid)
    assert abs(x_px - lesion_px[0]) < 40 and abs(y_px - lesion_px[1]) < 40


@FEW
@given(SMALL, st.integers(0, 2**32 - 1))
def test_flips_and_transposes_commute_with_the_map(geometry: Geometry, seed: int) -> None:
    rng = np.random.default_rng(seed)
    film = rng.random(geometry.source_hw, np.float32)
    model = geometry.image_to_model(film, fill=0.25)
    np.testing.assert_allclose(geometry.image_to_model(film[:, ::-1], fill=0.25), model[:, ::-1], atol=2e-5)
    np.testing.assert_allclose(geometry.image_to_model(film[::-1], fill=0.25), model[::-1], atol=2e-5)
    turned = Geometry(geometry.source_hw[::-1], geometry.model_hw[::-1], geometry.mode)
    np.testing.assert_allclose(turned.image_to_model(film.T, fill=0.25), model.T, atol=2e-5)


@FEW
@given(SMALL, GRIDS, st.integers(0, 2**32 - 1), st.booleans())
def test_flips_and_transposes_commute_with_overlays(
    geometry: Geometry, grid_hw: tuple[int, int], seed: int, smooth: bool
) -> None:
    grid = np.random.default_rng(seed).random(grid_hw, np.float32)
    shown = geometry.map_to_source(grid, smooth=smooth)
    if smooth:  # a nearest neighbour prefers one side on a border between two patches
        np.testing.assert_allclose(geometry.map_to_source(grid[:, ::-1]), shown[:, ::-1], atol=1e-5)
        np.testing.assert_allclose(geometry.map_to_source(grid[::-1]), shown[::-1], atol=1e-5)
    turned = Geometry(geometry.source_hw[::-1], geometry.model_hw[::-1], geometry.mode)
    np.testing.assert_allclose(turned.map_to_source(grid.T, smooth=smooth), shown.T, atol=1e-5)


@FEW
@given(SMALL, GRIDS, st.booleans())
def test_a_constant_grid_is_constant_wherever_it_was_seen(
    geometry: Geometry, grid_hw: tuple[int, int], smooth: bool
) -> None:
    shown = geometry.map_to_source(np.full(grid_hw, 0.3, np.float32), smooth=smooth)
    np.testing.assert_allclose(shown[np.isfinite(shown)], 0.3, atol=1e-6)
    assert shown.dtype == np.float32
    if geometry.mode == "pad":
        assert np.isfinite(shown).all()


def test_a_cropped_film_is_nan_where_the_model_saw_nothing() -> None:
    shown = Geometry((100, 200), (320, 320), "crop").map_to_source(np.ones((7, 7), np.float32))
    assert np.isnan(shown[:, :50]).all() and np.isnan(shown[:, 150:]).all()
    assert np.isfinite(shown[:, 50:150]).all()


def test_smooth_maps_run_straight_between_patch_centres_and_stay_flat_beyond_them() -> None:
    shown = Geometry((8, 8), (16, 16)).map_to_source(np.array([[0.0, 1.0]], np.float32))
    np.testing.assert_allclose(shown[0], [0, 0, 0.125, 0.375, 0.625, 0.875, 1, 1], atol=1e-6)


@pytest.mark.parametrize("mode", ["pad", "crop"])
def test_nearest_maps_show_the_patch_under_each_pixel(mode: str) -> None:
    geometry = Geometry((60, 85), (64, 48), mode)
    grid = np.arange(30, dtype=np.float32).reshape(5, 6)
    shown = geometry.map_to_source(grid, smooth=False)
    for y_px, x_px in np.ndindex(60, 85):
        place = geometry.patch_at((x_px + 0.5, y_px + 0.5), (5, 6))
        if place is None:
            assert mode == "crop" and np.isnan(shown[y_px, x_px])
        else:
            assert shown[y_px, x_px] == grid[place]


def test_points_off_the_film_have_no_patch() -> None:
    geometry = Geometry((100, 200), (320, 320), "pad")
    for point in [(-1, 50), (200, 50), (100, -0.5), (100, 100.5), (float("nan"), 3)]:
        assert geometry.patch_at(point, (20, 20)) is None
    assert geometry.patch_at((0, 0), (20, 20)) == (5, 0)
    assert geometry.patch_at((199.9, 99.9), (20, 20)) == (14, 19)


@FEW
@given(GEOMETRIES, GRIDS)
def test_a_patch_s_centre_lies_in_that_patch(geometry: Geometry, grid_hw: tuple[int, int]) -> None:
    centers = geometry.patch_centers_px(grid_hw)
    for row, column in np.argwhere(geometry.seen_patches(grid_hw)):
        found = geometry.patch_at(tuple(centers[row, column]), grid_hw)
        assert found in {(row, column), None}


def test_patches_on_the_padding_are_not_seen_and_never_the_peak() -> None:
    geometry = Geometry((100, 200), (320, 320), "pad")
    seen = geometry.seen_patches((4, 4))
    np.testing.assert_array_equal(seen, np.repeat([[False], [True], [True], [False]], 4, axis=1))
    grid = np.zeros((4, 4), np.float32)
    grid[0, 0], grid[2, 3] = 1.0, 0.5
    assert geometry.peak_xy_px(grid) == pytest.approx((175, 75))


@FEW
@given(GEOMETRIES, GRIDS)
def test_some_patch_is_always_seen_and_the_peak_lies_on_the_film(geometry: Geometry, grid_hw: tuple[int, int]) -> None:
    assert geometry.seen_patches(grid_hw).any()
    x_px, y_px = geometry.peak_xy_px(np.zeros(grid_hw, np.float32))
    assert 0 <= x_px <= geometry.source_hw[1] and 0 <= y_px <= geometry.source_hw[0]


def test_a_box_covers_patches_by_their_share() -> None:
    geometry = Geometry((40, 40), (80, 80))
    np.testing.assert_allclose(geometry.box_to_grid((0, 0, 40, 40), (4, 4)), np.ones((4, 4)))
    shares = geometry.box_to_grid((5, 10, 10, 5), (4, 4))
    np.testing.assert_allclose(shares[1], [0.25, 0.25, 0, 0])
    assert shares.sum() == pytest.approx(0.5)
    assert geometry.box_to_grid((-30, -30, 10, 10), (4, 4)).sum() == 0


@FEW
@given(GEOMETRIES, GRIDS)
def test_the_whole_film_as_a_box_covers_its_area(geometry: Geometry, grid_hw: tuple[int, int]) -> None:
    shares = geometry.box_to_grid((0, 0, geometry.source_hw[1], geometry.source_hw[0]), grid_hw)
    assert (shares >= 0).all() and (shares <= 1 + 1e-6).all()
    size = geometry.scale * np.array(geometry.source_hw)
    area = np.minimum(size, geometry.model_hw).prod() / np.prod(geometry.model_hw) * np.prod(grid_hw)
    assert shares.sum() == pytest.approx(area, rel=1e-4, abs=1e-6)


def test_shrinking_is_antialiased() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), (640, 320))
    model = Geometry((640, 640), (64, 64)).image_to_model(stripes)
    np.testing.assert_allclose(model[4:-4, 4:-4], 0.5, atol=0.02)


def test_the_padding_takes_the_fill_value_and_partly_covered_pixels_a_mix() -> None:
    model = Geometry((10, 30), (30, 30)).image_to_model(np.ones((10, 30), np.float32), fill=-2.0)
    assert (model[:10] == -2).all() and (model[20:] == -2).all() and (model[10:20] == 1).all()
    half = Geometry((1, 2), (4, 4)).image_to_model(np.ones((1, 2), np.float32), fill=0.0)
    np.testing.assert_allclose(half[:, 0], [0, 1, 1, 0])
    odd = Geometry((1, 3), (4, 4)).image_to_model(np.ones((1, 3), np.float32), fill=0.0)
    np.testing.assert_allclose(odd[:, 0], [0, 2 / 3, 2 / 3, 0], atol=1e-6)


def test_a_film_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="this geometry is for a film of"):
        Geometry((10, 10), (4, 4)).image_to_model(np.zeros((10, 11), np.float32))
    with pytest.raises(ValueError, match="at least 1x1"):
        Geometry((0, 10), (4, 4))
