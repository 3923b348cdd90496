"""Fixations found again in raw samples."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from egma.errors import GazeError
from egma.gaze.simulate import simulate_samples
from egma.gaze.track import GazeTrack


def steps(rate_hz: float, zoom: float = 1.0) -> GazeTrack:
    """Three fixations of 0.5 s, 200 px apart, no noise."""
    count = int(0.5 * rate_hz)
    xy = np.repeat([[100.0, 100], [300, 100], [300, 300]], count, axis=0)
    time_s = np.arange(3 * count) / rate_hz - 0.7
    degree = np.full((3 * count, 2), 20.0 * zoom)
    return GazeTrack(xy, time_s, np.full(3 * count, 1 / rate_hz), kind="samples", pixels_per_degree=degree)


@pytest.mark.parametrize("method", ["ivt", "idt"])
@pytest.mark.parametrize("rate_hz", [60, 250, 1000])
def test_three_plain_fixations_are_found(method: str, rate_hz: float) -> None:
    found = steps(rate_hz).fixations(method)
    assert found.kind == "fixations" and len(found) == 3
    assert np.abs(found.xy_px - [[100, 100], [300, 100], [300, 300]]).max() < 15
    assert found.start_s[0] == pytest.approx(-0.7, abs=0.03) and found.duration_s == pytest.approx([0.5] * 3, abs=0.05)


@pytest.mark.parametrize("method", ["ivt", "idt"])
def test_a_blink_ends_a_fixation(method: str) -> None:
    track = steps(250)
    xy = track.xy_px[:125].copy()
    xy[50:75] = np.nan
    found = replace(track.select(slice(0, 125)), xy_px=xy).fixations(method)
    assert len(found) == 2 and np.isfinite(found.xy_px).all()


def test_the_same_jump_is_no_saccade_when_zoomed_far_in() -> None:
    track = steps(60)
    xy = np.r_[track.xy_px[:30], track.xy_px[:30] + np.array([3, 0])]
    near, far = (
        GazeTrack(xy, track.start_s[:60], track.duration_s[:60], "samples", pixels_per_degree=np.full((60, 2), degree))
        for degree in (2.0, 60.0)
    )
    assert len(near.fixations()) == 2 and len(far.fixations()) == 1


def test_simulated_samples_give_back_their_fixations_densities() -> None:
    from egma.testing.gaze import build_track

    track = build_track(3)
    found = simulate_samples(track, rate_hz=500, seed=1).fixations()
    a, b = track.density((800, 700)), found.density((800, 700))
    assert np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.97


def test_fixations_stay_as_they_are() -> None:
    track = replace(steps(60), kind="fixations")
    assert track.fixations() is track


def test_too_few_samples_hold_no_fixation() -> None:
    assert len(steps(60).select(slice(0, 1)).fixations()) == 0
    assert len(steps(60).select(slice(0, 2)).fixations()) == 0


def test_another_method_is_refused() -> None:
    with pytest.raises(GazeError, match="'ivt' or 'idt'"):
        steps(60).fixations("magic")
