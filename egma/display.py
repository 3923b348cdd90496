"""How maps are coloured: one range of cosine a checkpoint, and the share of it from which anything is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from egma.types import Float32

DRAWN_FROM = 0.4
"""Share of the display range below which nothing is drawn at first, where a checkpoint says nothing else: hot spots
stay sparse."""
_PERCENTILES = (75.0, 90.0, 99.8)
"""Colours run from where a quarter of the patches still are to above almost all of them; they are drawn from where one
patch in ten is: sparse, while large lesions still show."""
_HIDDEN = (0.1, 0.8)
"""The share of the range that stays undrawn is between these, whatever the cosines are like."""
_LEAST_WIDTH = 0.05
"""A model without any contrast still needs a range of some width, or noise would be painted as a finding."""


@dataclass(frozen=True)
class Display:
    """How a checkpoint's maps are coloured, on every film and for every phrase.

    Attributes:
        display_range: (low, high) cosine that colours run over.
        drawn_from: share of that range below which nothing is drawn at first.
    """

    display_range: tuple[float, float]
    drawn_from: float = DRAWN_FROM


def fit_display(cosines: Float32) -> Display:
    """The one rule for models that were trained here and for imported ones.

    Args:
        cosines: any shape, between patches of films and the findings' positive sentences.
    """
    import numpy as np

    low, foot, high = (float(value) for value in np.percentile(cosines, _PERCENTILES))
    low = round(max(min(low, 1.0 - _LEAST_WIDTH), -1.0), 3)
    high = round(min(max(high, low + _LEAST_WIDTH), 1.0), 3)
    share = (foot - low) / (high - low)
    return Display((low, high), round(min(max(share, _HIDDEN[0]), _HIDDEN[1]), 3))
