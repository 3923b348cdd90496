"""Weak anatomical priors: which part of a film "left", "right", "upper", "mid" and "lower" can mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.data.labels import PRESENT
from egma.findings import FINDINGS
from egma.finetune.mini.sentences import SentenceBank

# Shares of the film's height that a zone may lie in. Wide and overlapping: lungs differ, and films are cropped.
_ZONE_ROWS = {"upper": (0.0, 0.48), "mid": (0.25, 0.72), "lower": (0.45, 1.0), "": (0.0, 1.0)}
# Share of the width beside the middle that belongs to both sides: patients turn, and films are not centred.
_BOTH_SIDES = 0.05


@dataclass(frozen=True, eq=False)
class PlacedPhrases:
    """Places in a sentence bank.

    Attributes:
        places: finding's column -> composed phrases that place it on a side.
        plain: finding's column -> composed phrases that only name it.
    """

    places: dict[int, NDArray[np.intp]]
    plain: dict[int, NDArray[np.intp]]


def build_placed(bank: SentenceBank) -> PlacedPhrases:
    """Look up every finding's placed and plain phrases."""
    placed, plain = {}, {}
    for finding in range(1, len(FINDINGS)):
        says = (bank.labels[:, finding] == PRESENT) & ~bank.from_reports
        plain[finding] = np.flatnonzero(says & (bank.sides == ""))
        if (says & (bank.sides != "")).any():
            placed[finding] = np.flatnonzero(says & (bank.sides != ""))
    return PlacedPhrases(placed, plain)


def side_and_zone_mask(side: str, zone: str, patches: int) -> NDArray[np.bool_]:
    """bool (patches, patches): where on a frontal film a side (the patient's) and zone may lie."""
    across = (np.arange(patches) + 0.5) / patches
    low, high = _ZONE_ROWS[zone]
    rows = (across >= low) & (across < high)
    columns = np.ones(patches, bool)
    if side == "left":  # the patient's left is on the image's right
        columns = across > 0.5 - _BOTH_SIDES
    elif side == "right":
        columns = across < 0.5 + _BOTH_SIDES
    return np.outer(rows, columns)
