"""Where a reader would be expected to look on a film that nobody recorded: a model's maps, pooled. Always predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from egma.errors import GazeError
from egma.gaze.metrics import centre_bias
from egma.types import Float32

LABEL = "predicted from the model's maps, not recorded from a reader"
# What readers look at whatever the film shows: best of 0.15, 0.3 and 0.5 on 30 phantoms kept for the choice.
CENTRE_SHARE = 0.5
SHARPNESS = 2.0  # a pixel one standard deviation higher draws the eye e^2 times as much


@dataclass(frozen=True, eq=False)
class ExpectedGaze:
    """A predicted density: float32 (H, W), sums to 1, 0 where the model saw nothing. Draw it only with `label`."""

    density: Float32
    label: str = LABEL


def expect_gaze(
    maps: Sequence[ArrayLike], centre_share: float = CENTRE_SHARE, weights: Sequence[float] | None = None
) -> ExpectedGaze:
    """Pool the maps of sentences or findings into one expected density.

    Each map (H, W) is standardised over what the model saw and made a density by the softmax of SHARPNESS times it; the
    densities' weighted mean is mixed with the centre bias. `compare_map` against recorded gaze says how good it is: an
    information gain above 0 is more than the centre bias alone knows.

    Args:
        maps: cosine or similarity maps of one film, NaN where not seen.
        centre_share: the share of the centre bias, 0 to 1.
        weights: how much each map counts, such as its finding's probability; None: all alike.
    """
    if not len(maps):
        raise GazeError("expected gaze wants at least one map; ask a sentence or a finding first")
    if not 0 <= centre_share <= 1:
        raise GazeError(f"the share of the centre bias is wanted between 0 and 1, got {centre_share}")
    images = [np.asarray(each, np.float64) for each in maps]
    if any(image.ndim != 2 or image.shape != images[0].shape for image in images):
        raise GazeError("expected gaze wants maps of one film, all of the same rows x columns")
    pooled = np.average(
        [_as_attention(image) for image in images], axis=0, weights=_check_weights(weights, len(images))
    )
    seen = np.isfinite(images).all(axis=0)
    centre = np.where(seen, centre_bias((images[0].shape[0], images[0].shape[1])), 0)
    total = centre.sum()
    mixed = (1 - centre_share) * pooled + (centre_share * centre / total if total else 0)
    mass = mixed.sum()
    return ExpectedGaze((mixed / mass if mass else mixed).astype(np.float32))


def _check_weights(weights: Sequence[float] | None, count: int) -> np.ndarray:
    """float64 (count,), sums above 0; even where all weights are 0."""
    found = np.ones(count) if weights is None else np.asarray(weights, np.float64)
    if found.shape != (count,) or not np.isfinite(found).all() or (found < 0).any():
        raise GazeError(f"expected gaze wants a weight of at least 0 for each of its {count} maps")
    return found if found.any() else np.ones(count)


def _as_attention(image: np.ndarray) -> np.ndarray:
    """float64 (H, W), sums to 1, 0 where NaN; even where the map is constant."""
    seen = np.isfinite(image)
    if not seen.any():
        return np.zeros_like(image)
    values = image[seen]
    spread = values.std()
    height = SHARPNESS * (values - values.max()) / spread if spread > 0 else np.zeros_like(values)
    weights = np.exp(np.clip(height, -60, 0))
    attention = np.zeros_like(image)
    attention[seen] = weights / weights.sum()
    return attention
