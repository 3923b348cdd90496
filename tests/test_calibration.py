"""When a page says "not sure": by the stored spread of the calibration, worked out by hand."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from egma.calibration import WIDE, is_unsure, probability_interval
from egma.config import FindingConfig, canonical_json, read_config, write_config
from egma.display import Display, fit_display
from egma.errors import CheckpointError
from egma.testing.models import build_tiny_config

PLAIN = FindingConfig(("there is",), ("there is no",), scale=8.0, bias=-2.0, threshold=0.3)


def test_without_a_spread_there_is_no_interval_and_the_old_range_counts() -> None:
    assert probability_interval(PLAIN, 0.3) is None
    assert not is_unsure(PLAIN, 0.3)
    old = replace(PLAIN, unsure=(0.25, 0.35))
    assert [is_unsure(old, value) for value in (0.2, 0.25, 0.35, 0.4)] == [False, True, True, False]


def test_the_interval_is_that_of_a_normal_logit() -> None:
    finding = replace(PLAIN, spread=(4.0, 0.6, 0.25))
    difference = 0.1  # logit = 8 * 0.1 - 2 = -1.2
    variance = difference**2 * 4.0 + 2 * difference * 0.6 + 0.25
    reach = 1.6449 * math.sqrt(variance)
    wanted = tuple(1 / (1 + math.exp(1.2 - side * reach)) for side in (-1, 1))
    assert probability_interval(finding, 1 / (1 + math.exp(1.2))) == pytest.approx(wanted, abs=1e-9)


def test_an_interval_across_the_threshold_or_a_wide_one_is_not_sure() -> None:
    sharp = replace(PLAIN, spread=(0.0, 0.0, 0.0001))
    assert [is_unsure(sharp, value) for value in (0.1, 0.3, 0.6)] == [False, True, False]
    vague = replace(PLAIN, spread=(0.0, 0.0, 1.0), threshold=0.01)
    low, high = probability_interval(vague, 0.5) or (0.0, 0.0)
    assert high - low >= WIDE and is_unsure(vague, 0.5)
    assert not is_unsure(vague, 0.9999)


@pytest.mark.parametrize("probability", [0.0, 1.0, 1e-12])
def test_the_ends_stay_finite(probability: float) -> None:
    found = probability_interval(replace(PLAIN, spread=(1.0, 0.0, 1.0)), probability)
    assert found is not None and 0 <= found[0] <= found[1] <= 1
    assert probability_interval(replace(PLAIN, scale=0.0, spread=(1.0, 0.0, 1.0)), 0.5) is not None


@pytest.mark.parametrize("spread", [(-1.0, 0.0, 1.0), (1.0, 0.0, -1.0), (1.0, 2.0, 1.0)])
def test_a_spread_that_is_no_covariance_is_refused(spread: tuple[float, float, float]) -> None:
    with pytest.raises(CheckpointError, match="spread"):
        replace(PLAIN, spread=spread)


def test_fields_that_came_later_leave_older_files_and_hashes_as_they_were() -> None:
    config = build_tiny_config()
    text = write_config(config)
    assert "spread" not in text and "drawn_from" not in text
    assert read_config(text) == config
    finding = config.classify["Mass"]
    newer = replace(
        config, drawn_from=0.25, classify={**config.classify, "Mass": replace(finding, spread=(1.0, 0.0, 2.0))}
    )
    assert read_config(write_config(newer)) == newer
    assert canonical_json(newer) != canonical_json(config)
    assert json.loads(write_config(newer))["drawn_from"] == 0.25


def test_a_share_out_of_range_is_refused() -> None:
    for share in (-0.1, 1.0):
        with pytest.raises(CheckpointError, match="drawn_from"):
            replace(build_tiny_config(), drawn_from=share)


def test_one_rule_says_how_maps_are_coloured() -> None:
    spread = np.linspace(0, 1, 1001, dtype=np.float32)
    found = fit_display(spread)
    assert found.display_range == pytest.approx((0.75, 0.998), abs=1e-3)
    low, high = found.display_range
    assert np.mean(spread > low + found.drawn_from * (high - low)) == pytest.approx(0.1, abs=2e-3)
    assert fit_display(np.full(9, 0.2, np.float32)) == Display((0.2, 0.25), 0.1)
    assert fit_display(np.ones(9, np.float32)).display_range == pytest.approx((0.95, 1.0))
    assert fit_display(-np.ones(9, np.float32)).display_range == pytest.approx((-1.0, -0.95))
    one_hot = np.concatenate([np.zeros(997, np.float32), np.ones(3, np.float32)])
    assert fit_display(one_hot) == Display((0.0, 1.0), 0.1)
