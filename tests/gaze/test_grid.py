"""Reducing a map to patches: anti-aliased, mass where it was, in step with image libraries."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from egma.errors import GazeError
from egma.gaze.grid import reduce_to_grid, thumbnail


@pytest.mark.parametrize(("shape", "grid"), [((140, 98), (14, 14)), ((211, 173), (7, 7)), ((50, 64), (50, 64))])
def test_a_reduction_is_that_of_an_image_library(shape: tuple[int, int], grid: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).random(shape).astype(np.float32)
    expected = np.asarray(Image.fromarray(pixels).resize(grid[::-1], Image.Resampling.BILINEAR))
    assert np.abs(reduce_to_grid(pixels, grid) - expected).max() < 1e-5


def test_no_single_pixel_falls_between_patches() -> None:
    for x in range(0, 100, 7):
        pixels = np.zeros((100, 100), np.float32)
        pixels[50, x] = 1
        assert reduce_to_grid(pixels, (7, 7)).sum() > 0


def test_a_constant_stays_constant_and_padding_counts_as_nothing() -> None:
    pixels = np.ones((60, 100), np.float32)
    assert np.allclose(reduce_to_grid(pixels, (3, 5)), 1)
    padded = reduce_to_grid(pixels, (5, 5), box_px=(0, -20, 100, 80))
    assert np.allclose(padded[2], 1) and np.allclose(padded[1:4], padded[3:0:-1], atol=1e-6)
    assert (padded[0] < 0.2).all() and np.allclose(padded[0], padded[4], atol=1e-6)


def test_a_crop_sees_its_part_alone() -> None:
    pixels = np.zeros((100, 100), np.float32)
    pixels[:, :20] = 9
    assert not reduce_to_grid(pixels, (4, 4), box_px=(20, 20, 80, 80)).any()


def test_a_thumbnail_sums_to_one_and_keeps_proportions() -> None:
    small = thumbnail(np.random.default_rng(0).random((300, 200)).astype(np.float32), 64)
    assert small.shape == (64, 43) and small.sum() == pytest.approx(1, abs=1e-5)
    assert not thumbnail(np.zeros((9, 9), np.float32), 64).any()


def test_a_grid_without_cells_is_refused() -> None:
    with pytest.raises(GazeError, match="at least one row"):
        reduce_to_grid(np.zeros((4, 4), np.float32), (0, 3))
