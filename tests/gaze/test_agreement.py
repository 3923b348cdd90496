"""Maps against readers, and readers against each other."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest

from egma.errors import GazeError
from egma.gaze import metrics
from egma.gaze.agreement import compare_map, compare_readers, write_agreement_csv
from egma.testing.gaze import build_track

SHAPE = (200, 175)


def test_a_map_is_measured_by_every_measure_at_once() -> None:
    track = build_track(1, SHAPE)
    image = np.random.default_rng(0).random(SHAPE)
    found = compare_map(image, track)
    assert found.nss == metrics.nss(image, track.xy_px) and found.kl == metrics.kl(image, track.density(SHAPE))
    assert found.fixations_used == len(track) and math.isnan(found.auc_shuffled)
    assert np.isfinite(compare_map(image, track, other_xy_px=build_track(2, SHAPE).xy_px).auc_shuffled)


def test_a_reader_s_own_density_beats_the_centre_and_noise() -> None:
    track = build_track(1, SHAPE)
    own = compare_map(track.density(SHAPE), track)
    centre = compare_map(metrics.centre_bias(SHAPE), track)
    noise = compare_map(np.random.default_rng(0).random(SHAPE), track)
    assert own.nss > centre.nss > noise.nss and own.kl < centre.kl
    assert own.information_gain > 0 and centre.information_gain == pytest.approx(0, abs=1e-9)


def test_readers_of_one_film_give_the_ceiling() -> None:
    tracks = [build_track(seed, SHAPE) for seed in range(3)]
    found = compare_readers(tracks, SHAPE)
    assert found.scanmatch.shape == (3, 3) and np.allclose(found.scanmatch, found.scanmatch.T)
    assert set(found.multimatch) == {(0, 1), (0, 2), (1, 2)}
    rest = (tracks[1].density(SHAPE) + tracks[2].density(SHAPE)) / 2
    assert found.against_rest[0].nss == pytest.approx(metrics.nss(rest, tracks[0].xy_px), abs=1e-4)
    assert found.mean.cc == pytest.approx(np.mean([each.cc for each in found.against_rest]))


def test_one_reader_has_nobody_to_agree_with() -> None:
    with pytest.raises(GazeError, match="at least two recordings"):
        compare_readers([build_track(0, SHAPE)], SHAPE)


def test_the_table_leaves_cells_without_a_measure_empty() -> None:
    text = write_agreement_csv({"model": compare_map(np.zeros(SHAPE), build_track(1, SHAPE))})
    row = next(csv.DictReader(io.StringIO(text)))
    assert (row["name"], row["auc_judd"], row["auc_shuffled"]) == ("model", "0.5", "")


def test_a_reader_who_never_looked_at_the_film_gives_no_number() -> None:
    track = build_track(1, SHAPE)
    beside = track.select(slice(0, 0))
    found = compare_map(np.random.default_rng(0).random(SHAPE), beside)
    assert all(math.isnan(value) for value in (found.nss, found.auc_judd, found.cc, found.sim, found.kl))
