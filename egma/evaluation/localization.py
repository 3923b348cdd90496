"""How well a map covers a marked region: CNR, mIoU, pointing game, Dice and pixel AUC, and guesses without a model."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.evaluation.metrics import auroc, contrast_to_noise

LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5)
"""Similarities at which a map is cut for mIoU (Boecking et al. 2022): fixed, the same for every film."""
DICE_LEVELS = tuple(round(0.02 * step, 2) for step in range(1, 46))
"""Levels that validation regions may choose from for Dice."""
METRICS = ("CNR", "mIoU", "pointing game", "Dice", "pixel AUC")
_SPREAD = 0.25
_MOST_PIXELS = 65_536


@dataclass(frozen=True)
class Located:
    """What a map did on one region; NaN where it has no answer."""

    cnr: float
    miou: float
    hit: float
    dice: float
    pixel_auc: float

    def values(self) -> dict[str, float]:
        """By the names in METRICS."""
        return dict(zip(METRICS, (self.cnr, self.miou, self.hit, self.dice, self.pixel_auc)))


def locate(
    values: NDArray[np.floating], mask: NDArray[np.bool_], peak_xy_px: tuple[float, float], level: float
) -> Located:
    """Every measure of one map (H, W), NaN where nothing was seen, on a region bool (H, W)."""
    row, column = min(int(peak_xy_px[1]), mask.shape[0] - 1), min(int(peak_xy_px[0]), mask.shape[1] - 1)
    return Located(
        cnr=contrast_to_noise(values, mask),
        miou=mean_iou(values, mask),
        hit=float(mask[row, column]),
        dice=dice(values >= level, mask),
        pixel_auc=pixel_auc(values, mask),
    )


def mean_iou(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """Mean over LEVELS of the overlap of {map >= level} with the region, divided by their union."""
    found = []
    for level in LEVELS:
        called = np.nan_to_num(values, nan=-1.0) >= level
        union = int((called | mask).sum())
        found.append(int((called & mask).sum()) / union if union else float("nan"))
    return float(np.nanmean(found)) if np.isfinite(found).any() else float("nan")


def dice(called: NDArray[np.bool_], mask: NDArray[np.bool_]) -> float:
    """Twice the overlap divided by both areas; 1 where both are empty."""
    total = int(called.sum() + mask.sum())
    return 2 * int((called & mask).sum()) / total if total else 1.0


def pixel_auc(values: NDArray[np.floating], mask: NDArray[np.bool_]) -> float:
    """AUROC of pixels inside against outside, every n-th pixel of a large film; NaN where one side is empty."""
    step = max(1, int(np.sqrt(values.size / _MOST_PIXELS)))
    numbers, inside = values[::step, ::step].ravel(), mask[::step, ::step].ravel()
    seen = np.isfinite(numbers)
    if not inside[seen].any() or inside[seen].all():
        return float("nan")
    return auroc(inside[seen], numbers[seen])


def centre_map(shape: tuple[int, int]) -> NDArray[np.float64]:
    """(H, W) in [0, 1]: a bump in the middle of the film, which knows nothing of it."""
    rows = (np.arange(shape[0]) + 0.5) / shape[0] - 0.5
    columns = (np.arange(shape[1]) + 0.5) / shape[1] - 0.5
    return np.exp(-(rows[:, None] ** 2 + columns[None] ** 2) / (2 * _SPREAD**2))


def random_map(shape: tuple[int, int], generator: np.random.Generator) -> NDArray[np.float64]:
    """(H, W) in [0, 1]: a bump anywhere."""
    moved = centre_map(shape)
    return np.roll(moved, tuple(int(generator.integers(side)) for side in shape), axis=(0, 1))
