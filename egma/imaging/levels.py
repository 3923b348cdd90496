"""A display range from a film's own values, which markers, padding and collimation do not stretch."""

from __future__ import annotations

import numpy as np

from egma.imaging.luts import Float64

LOW_PERCENT, HIGH_PERCENT = 0.5, 99.5
BACKGROUND_SHARE = 0.02  # one extreme value on that share of the film is background, saturation or a mask, not tissue
MARKER_SHARE = 0.05  # burnt-in letters and arrows cover less of a film than this
GAP_SHARE = 0.10  # and stand apart from the tissue by at least this share of the range
MIN_LEVELS = 16  # fewer distinct values than this are a drawing, of which nothing is left out


def robust_range(values: Float64, counts: Float64) -> tuple[float, float]:
    """The 0.5 and 99.5 percentiles of a film's tissue.

    Left out first: a lowest or highest value that alone covers BACKGROUND_SHARE of the film (padding, shutters,
    saturated air), twice at most on each side; then values beyond an empty gap, as burnt-in markers are.

    Args:
        values: (N,) distinct values, in any order.
        counts: (N,) how many pixels have each; 0 leaves a value out.

    Returns:
        (low, high), equal only where the film is constant; (0, 1) for a film without any pixel that counts.
    """
    keep = (counts > 0) & np.isfinite(values)
    if not keep.any():
        return 0.0, 1.0
    order = np.argsort(values[keep], kind="stable")
    levels, weights = values[keep][order], counts[keep][order].astype(np.float64)
    whole = float(levels[0]), float(levels[-1])
    levels, weights = _without_backgrounds(levels, weights)
    levels, weights = _without_markers(levels, weights)
    below = np.cumsum(weights)
    low = float(levels[np.searchsorted(below, below[-1] * LOW_PERCENT / 100)])
    high = float(levels[min(np.searchsorted(below, below[-1] * HIGH_PERCENT / 100), len(levels) - 1)])
    return (low, high) if high > low else whole


def _without_backgrounds(levels: Float64, weights: Float64) -> tuple[Float64, Float64]:
    threshold = weights.sum() * BACKGROUND_SHARE
    for _ in range(2):
        if len(levels) > MIN_LEVELS and weights[0] > threshold:
            levels, weights = levels[1:], weights[1:]
        if len(levels) > MIN_LEVELS and weights[-1] > threshold:
            levels, weights = levels[:-1], weights[:-1]
    return levels, weights


def _without_markers(levels: Float64, weights: Float64) -> tuple[Float64, Float64]:
    for _ in range(4):
        if len(levels) <= MIN_LEVELS:
            break
        gaps = np.diff(levels)
        cut = int(np.argmax(gaps)) + 1
        if gaps[cut - 1] < GAP_SHARE * (levels[-1] - levels[0]):
            break
        under, over = weights[:cut].sum(), weights[cut:].sum()
        if min(under, over) > MARKER_SHARE * (under + over):
            break
        levels, weights = (levels[:cut], weights[:cut]) if over < under else (levels[cut:], weights[cut:])
    return levels, weights
