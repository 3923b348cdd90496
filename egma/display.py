"""How maps are coloured: one range of cosine a checkpoint, and the share of it from which anything is drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from egma.types import Float32

DRAWN_FROM = 0.4
"""Share of the display range below which nothing is drawn at first, where a checkpoint says nothing else: hot spots
stay sparse."""
_PERCENTILES = (75.0, 99.8)
"""Colours start where a quarter of the patches still are and end above almost all of them. Drawn from `DRAWN_FROM` on,
one patch in ten is coloured: sparse, while large lesions still show."""
_LEAST_WIDTH = 0.05
"""A model without any contrast still needs a range of some width, or noise would be painted as a finding."""


def fit_display_range(cosines: Float32) -> tuple[float, float]:
    """(low, high) that a checkpoint's colours run over, on every film and for every phrase.

    The one rule for models that were trained here and for imported ones.

    Args:
        cosines: any shape, between patches of films and the findings' positive sentences.
    """
    import numpy as np

    low, high = (float(value) for value in np.percentile(cosines, _PERCENTILES))
    low = min(low, 1.0 - _LEAST_WIDTH)
    return round(max(low, -1.0), 3), round(min(max(high, low + _LEAST_WIDTH), 1.0), 3)
