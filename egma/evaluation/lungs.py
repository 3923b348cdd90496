"""Where a guess without any model would point: the middle of a lung, found on a film by darkness alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from egma.types import Float32

_SIDE_PX = 64
# Where a frontal film shows a lung, as shares of its height and width; the patient's right is on the image's left.
_ROWS = (0.12, 0.78)
_COLUMNS = {"right": (0.08, 0.46), "left": (0.54, 0.92)}

Points = dict[str, tuple[float, float]]


def guess_lung_centers(pixels: Float32) -> Points:
    """(x, y) in pixels of the middle of each lung, "left" and "right" the patient's.

    The centroid of the darker half of where a frontal film shows that lung: on a film that is none, still a place.
    """
    small = Image.fromarray(np.asarray(pixels, np.float32)).resize((_SIDE_PX, _SIDE_PX), Image.Resampling.BOX)
    shades = np.asarray(small, np.float32)
    top, bottom = (round(share * _SIDE_PX) for share in _ROWS)
    found: Points = {}
    for side, shares in _COLUMNS.items():
        first, last = (round(share * _SIDE_PX) for share in shares)
        part = shades[top:bottom, first:last]
        y, x = np.nonzero(part <= np.median(part))
        height, width = pixels.shape
        found[side] = (
            float((x.mean() + first + 0.5) / _SIDE_PX * width),
            float((y.mean() + top + 0.5) / _SIDE_PX * height),
        )
    return found


def lung_centers(lungs: dict[str, NDArray[np.bool_]]) -> Points:
    """(x, y) of the middle of each lung whose mask is known, as a phantom's is."""
    found: Points = {}
    for side, mask in lungs.items():
        y, x = np.nonzero(mask)
        found[side] = (float(x.mean() + 0.5), float(y.mean() + 0.5))
    return found


def guess_hits(mask: NDArray[np.bool_], centers: Points, side: str) -> float:
    """Whether the named side's middle of the lung lies in the finding; of either lung, half each, without a side."""
    chosen = [centers[side]] if side in centers else list(centers.values())
    hits = [bool(mask[min(int(y), mask.shape[0] - 1), min(int(x), mask.shape[1] - 1)]) for x, y in chosen]
    return float(np.mean(hits)) if hits else 0.0
