"""The calibration's spread, rounded, is one that a config takes."""

from __future__ import annotations

import numpy as np
import pytest

from egma.config import FindingConfig
from egma.finetune.mini.calibrate import round_spread


@pytest.mark.parametrize("correlation", [1.0, -1.0, 0.9999, 0.0])
def test_a_rounded_spread_has_no_correlation_above_one(correlation: float) -> None:
    rng = np.random.default_rng(0)
    for scale, bias in rng.uniform(1e-4, 50, (200, 2)):
        spread = np.array([scale, correlation * np.sqrt(scale * bias), bias])
        finding = FindingConfig(("There is X.",), ("No X.",), spread=round_spread(spread))
        assert finding.spread == pytest.approx(spread, rel=1e-3, abs=1e-9)
