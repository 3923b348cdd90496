"""Invented readings: the same for a seed, like a reader's, and always labelled."""

from __future__ import annotations

import numpy as np
import pytest

from egma.errors import GazeError
from egma.gaze.simulate import Reader, Statement, simulate_reading
from egma.gaze.transcript import build_sentence_maps

SHAPE = (400, 300)


def statements() -> list[Statement]:
    region = np.zeros(SHAPE, bool)
    region[300:350, 200:260] = True
    return [Statement("Small left pleural effusion", region), Statement("The heart is not enlarged.")]


def test_a_seed_decides_everything() -> None:
    first, again, other = (simulate_reading(statements(), SHAPE, seed=seed) for seed in (4, 4, 5))
    assert np.array_equal(first.xy_px, again.xy_px) and first.words == again.words
    assert not np.array_equal(first.xy_px[: len(other)], other.xy_px[: len(first)])


def test_it_is_labelled_simulated() -> None:
    track = simulate_reading(statements(), SHAPE, seed=1)
    assert track.simulated and track.source == "simulated" and any("simulated" in note for note in track.notes)


def test_the_gaze_of_a_sentence_is_on_its_region() -> None:
    hits = []
    for seed in range(20):
        maps = build_sentence_maps(simulate_reading(statements(), SHAPE, seed=seed), SHAPE, (8, 6))
        assert maps.has_gaze.all()
        row, column = np.unravel_index(maps.heat[0].argmax(), (8, 6))
        hits.append(row >= 5 and column >= 3)
    assert np.mean(hits) > 0.8


def test_it_reads_like_a_reader() -> None:
    track = simulate_reading(statements() * 30, SHAPE, seed=2)
    assert 0.2 < np.median(track.duration_s) < 0.3
    assert (np.diff(track.start_s) > 0).all() and (track.end_s[:-1] <= track.start_s[1:] + 1e-9).all()
    assert track.on_image(SHAPE).all()
    inside = (track.xy_px >= track.shown_px[:, :2]) & (track.xy_px <= track.shown_px[:, 2:])
    assert inside.all() and len(np.unique(track.shown_px, axis=0)) > 1  # some of it zoomed in


def test_habits_can_be_changed_and_nothing_said_is_no_gaze() -> None:
    steady = simulate_reading(statements(), SHAPE, seed=1, reader=Reader(sigma_fixation=0.0))
    assert np.median(steady.duration_s) == pytest.approx(0.25) and steady.duration_s.max() < 0.2501
    assert len(simulate_reading([], SHAPE, seed=1)) == 0


def test_a_region_of_another_film_is_refused() -> None:
    with pytest.raises(GazeError, match="make them equal"):
        simulate_reading(statements(), (100, 100), seed=1)
