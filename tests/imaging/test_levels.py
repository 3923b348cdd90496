"""A display range from a film's own values."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from egma.imaging.levels import robust_range


def range_of(film: np.ndarray) -> tuple[float, float]:
    values, counts = np.unique(film, return_counts=True)
    return robust_range(values.astype(np.float64), counts.astype(np.float64))


TISSUE = np.random.default_rng(0).normal(1500, 150, 40_000).astype(int)


def test_a_plain_film_gets_its_percentiles():
    low, high = range_of(TISSUE)
    assert low == pytest.approx(np.percentile(TISSUE, 0.5), abs=2)
    assert high == pytest.approx(np.percentile(TISSUE, 99.5), abs=2)


@pytest.mark.parametrize(
    ("disturbance", "share"),
    [(0, 0.4), (4095, 0.3), (-2000, 0.1), (65535, 0.015), (65535, 0.04)],
    ids=["black border", "white border", "padding below", "small marker", "large marker"],
)
def test_what_is_not_tissue_does_not_stretch_the_range(disturbance, share):
    disturbed = np.concatenate([TISSUE, np.full(int(len(TISSUE) * share), disturbance)])
    assert range_of(disturbed) == pytest.approx(range_of(TISSUE), rel=0.02)


def test_border_and_marker_together_do_not_stretch_the_range():
    rng = np.random.default_rng(1)
    marker = rng.integers(3900, 4096, 800)
    disturbed = np.concatenate([TISSUE, np.zeros(9000, int), marker])
    assert range_of(disturbed) == pytest.approx(range_of(TISSUE), rel=0.03)


def test_a_drawing_of_few_values_keeps_its_whole_range():
    assert range_of(np.array([0] * 90 + [1] * 10)) == (0, 1)


def test_a_film_without_a_pixel_that_counts_has_a_range():
    assert robust_range(np.array([5.0]), np.array([0.0])) == (0.0, 1.0)


@given(arrays(np.int32, st.integers(1, 300), elements=st.integers(-40_000, 70_000)))
def test_the_range_lies_within_the_film_and_has_width_unless_it_is_constant(film):
    low, high = range_of(film)
    assert film.min() <= low <= high <= film.max()
    assert (low < high) == (film.min() < film.max())
