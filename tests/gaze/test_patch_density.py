"""The grid made straight from fixations is the reduction of the film-sized density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from egma.gaze.grid import reduce_to_grid
from egma.gaze.patch_density import patch_density
from egma.gaze.simulate import simulate_samples
from egma.gaze.track import GazeTrack
from egma.imaging.geometry import Geometry
from egma.testing.gaze import build_track

SHAPE = (400, 350)
TRACK = build_track(3, SHAPE)
BLINKS = replace(TRACK, xy_px=np.where(np.arange(len(TRACK))[:, None] % 3, TRACK.xy_px, np.nan))
TRACKS = [
    pytest.param(TRACK, id="fixations at two zooms"),
    pytest.param(replace(TRACK, xy_px=TRACK.xy_px - 120), id="some beside the film"),
    pytest.param(BLINKS, id="blinks"),
    pytest.param(replace(TRACK, pixels_per_degree=None, shown_px=None), id="no geometry known"),
    pytest.param(simulate_samples(TRACK, rate_hz=1000, seed=1), id="thousands of samples"),
    pytest.param(TRACK.select(slice(0, 0)), id="no fixation"),
]


@pytest.mark.parametrize("track", TRACKS)
@pytest.mark.parametrize("mode", ["pad", "crop"])
def test_it_is_the_reduction_of_the_density(track: GazeTrack, mode: str) -> None:
    box = Geometry(SHAPE, (320, 320), mode).grid_box_px()  # type: ignore[arg-type]
    expected = reduce_to_grid(track.density(SHAPE), (20, 20), box)
    found = patch_density(track, SHAPE, (20, 20), box)
    assert found.dtype == np.float32 and found.shape == (20, 20)
    # Thousands of samples are put on a lattice of sigma / 16 in the film-sized density, and not here.
    assert np.abs(found - expected).max() <= 2e-3 * expected.max() + 1e-12


def test_it_agrees_to_rounding_where_nothing_is_put_on_a_lattice() -> None:
    expected = reduce_to_grid(TRACK.density(SHAPE), (7, 9))
    assert np.allclose(patch_density(TRACK, SHAPE, (7, 9)), expected, rtol=2e-5, atol=1e-6 * expected.max())
