"""Expected gaze: a density, labelled predicted, better than the centre bias where the maps know something."""

from __future__ import annotations

import numpy as np
import pytest

from egma.errors import GazeError
from egma.gaze.agreement import compare_map
from egma.gaze.expected import expect_gaze
from egma.gaze.metrics import centre_bias
from egma.gaze.simulate import Statement, simulate_reading

SHAPE = (120, 100)


def finding_map(region: np.ndarray) -> np.ndarray:
    return np.where(region, 0.3, 0.0) + np.random.default_rng(0).normal(0, 0.03, SHAPE)


def test_it_is_a_density_and_says_that_it_is_predicted() -> None:
    found = expect_gaze([np.random.default_rng(0).normal(size=SHAPE)])
    assert found.density.dtype == np.float32 and found.density.sum() == pytest.approx(1, abs=1e-5)
    assert "predicted" in found.label


def test_maps_that_know_the_finding_beat_the_centre_bias() -> None:
    region = np.zeros(SHAPE, bool)
    region[80:105, 65:90] = True
    track = simulate_reading([Statement("effusion on the left side of the chest", region)] * 3, SHAPE, seed=1)
    known = compare_map(expect_gaze([finding_map(region)]).density, track)
    floor = compare_map(centre_bias(SHAPE), track)
    assert known.information_gain > 0.5 and known.nss > floor.nss


def test_a_constant_map_expects_no_place_more_than_another() -> None:
    density = expect_gaze([np.zeros(SHAPE)], centre_share=0).density
    assert np.allclose(density, 1 / density.size)


def test_nothing_is_expected_where_the_model_saw_nothing() -> None:
    image = np.random.default_rng(0).normal(size=SHAPE)
    image[:20] = np.nan
    density = expect_gaze([image]).density
    assert not density[:20].any() and density.sum() == pytest.approx(1, abs=1e-5)
    assert not expect_gaze([np.full(SHAPE, np.nan)]).density.any()


def test_a_map_counts_by_its_weight() -> None:
    first, second = (np.random.default_rng(seed).normal(size=SHAPE) for seed in (0, 1))
    alone = expect_gaze([first]).density
    assert np.allclose(expect_gaze([first, second], weights=[1, 0]).density, alone)
    assert not np.allclose(expect_gaze([first, second]).density, alone)
    assert np.allclose(expect_gaze([first, second], weights=[0, 0]).density, expect_gaze([first, second]).density)


@pytest.mark.parametrize("weights", [[1], [1, -1], [1, float("nan")]])
def test_weights_that_are_none_are_refused(weights: list[float]) -> None:
    with pytest.raises(GazeError, match="a weight of at least 0 for each of its 2 maps"):
        expect_gaze([np.zeros(SHAPE), np.ones(SHAPE)], weights=weights)


def test_no_map_is_refused() -> None:
    with pytest.raises(GazeError, match="at least one map"):
        expect_gaze([])
    with pytest.raises(GazeError, match="one film"):
        expect_gaze([np.zeros((3, 4)), np.zeros((4, 3))])
    with pytest.raises(GazeError, match="between 0 and 1"):
        expect_gaze([np.zeros((3, 4))], centre_share=2)
