"""Probabilities from prompt pairs, pinned to worked numbers."""

from __future__ import annotations

import math

import numpy as np
import pytest

from egma.config import FindingConfig
from egma.inference.classify import FindingVectors, calibrated, finding_differences, mean_direction

VECTORS = FindingVectors(np.array([[1.0, 0.0]], np.float32), np.array([[0.0, 1.0]], np.float32))
FILM = np.array([0.6, 0.8], np.float32)
PATCHES = np.array([[[1.0, 0.0], [0.0, 1.0]]], np.float32)
SEEN = np.array([[True, True]])


def test_the_difference_is_cosine_to_one_side_minus_the_other() -> None:
    assert finding_differences(VECTORS, FILM, PATCHES, SEEN, 0.0)[0] == pytest.approx(0.6 - 0.8)


def test_the_best_seen_patch_takes_its_share() -> None:
    assert finding_differences(VECTORS, FILM, PATCHES, SEEN, 0.25)[0] == pytest.approx(0.75 * -0.2 + 0.25 * 1.0)
    unseen = np.array([[False, True]])
    assert finding_differences(VECTORS, FILM, PATCHES, unseen, 0.25)[0] == pytest.approx(0.75 * -0.2 + 0.25 * -1.0)
    assert finding_differences(VECTORS, FILM, PATCHES, np.array([[False, False]]), 0.25)[0] == pytest.approx(-0.2)


def test_a_probability_is_the_two_way_softmax_of_scaled_cosines() -> None:
    finding = {"Mass": FindingConfig(("a",), ("b",), scale=5.0, bias=0.5)}
    found = calibrated(np.array([0.3], np.float32), finding)["Mass"]
    positive, negative = math.exp(5.0 * 0.3 + 0.5), math.exp(0.0)
    assert found == pytest.approx(positive / (positive + negative))


def test_extreme_calibration_stays_between_0_and_1() -> None:
    finding = {"Mass": FindingConfig(("a",), ("b",), scale=1e6)}
    assert calibrated(np.array([2.0], np.float32), finding)["Mass"] == 1.0
    assert calibrated(np.array([-2.0], np.float32), finding)["Mass"] == 0.0


def test_the_mean_of_prompts_is_made_unit_and_opposites_stay_finite() -> None:
    np.testing.assert_allclose(mean_direction(np.array([[1.0, 0.0], [0.0, 1.0]], np.float32)), [2**-0.5] * 2, rtol=1e-6)
    np.testing.assert_array_equal(mean_direction(np.array([[1.0, 0.0], [-1.0, 0.0]], np.float32)), [0.0, 0.0])
