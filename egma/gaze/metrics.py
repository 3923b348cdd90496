"""How well a map predicts where a reader looked: AUC-Judd, shuffled AUC, NSS, information gain, CC, SIM and KL.

Every measure takes maps as (H, W) arrays on the same film. NaN pixels (where a model saw nothing) are left out of every
measure. Fixations are (F, 2), (x, y) in image pixels, floored to pixels; those off the film or on a NaN pixel are left
out, and `count_fixations` says how many. A measure with nothing left to measure is NaN; a constant map scores chance
(0.5 for the AUCs, 0 for NSS and CC), because it says nothing about where to look.

Definitions after Bylinskii et al., "What do different evaluation metrics tell us about saliency models?" (IEEE TPAMI
41:740, 2019) and Kümmerer et al. (PNAS 112:16054, 2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from egma.errors import GazeError

FLOOR = 1e-20
SQUARES_TO = 1e100
Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class FixationCount:
    """How many fixations a measure uses, and how many it leaves out: off the film (blinks too), or on a NaN pixel."""

    used: int
    off_image: int
    not_seen: int


def count_fixations(saliency: ArrayLike, xy_px: ArrayLike) -> FixationCount:
    """What `nss`, `auc_judd` and the others will use of these fixations on this map."""
    values, total = _values_at(_as_map(saliency, "map"), xy_px)
    used = int(np.isfinite(values).sum())
    return FixationCount(used=used, off_image=total - len(values), not_seen=len(values) - used)


def nss(saliency: ArrayLike, xy_px: ArrayLike) -> float:
    """Normalised scan-path saliency: the map standardised over the image (population deviation), mean at the fixations.

    Peters et al., Vision Research 45:2397, 2005. 0 is chance; unbounded above.
    """
    image = _as_map(saliency, "map")
    values = _finite(_values_at(image, xy_px)[0])
    if not len(values):
        return math.nan
    seen = _finite(image)
    deviation = _deviation(seen)
    return float((values.mean() - seen.mean()) / deviation) if deviation else 0.0


def auc_judd(saliency: ArrayLike, xy_px: ArrayLike) -> float:
    """Area under the ROC curve that tells the fixated pixels (each once) from the image's pixels (all of them).

    Judd et al., ICCV 2009. The whole curve, ties counting one half: the probability that a fixated pixel scores above
    a pixel of the image. 0.5 is chance, and what a constant map gets; no jitter is added. `auc_judd_mit` draws the
    curve as the MIT benchmark's code does.
    """
    image = _as_map(saliency, "map")
    return _roc_area(_fixated(image, xy_px), _finite(image))


def auc_judd_mit(saliency: ArrayLike, xy_px: ArrayLike) -> float:
    """AUC-Judd as in the MIT saliency benchmark's AUC_Judd.m, without its random jitter.

    Thresholds only at the fixated pixels' values, negatives only the pixels that are not fixated, trapezoids between.
    With few fixations it lies above `auc_judd` by up to 1 / (2 fixations): compare it only with itself.
    """
    image = _as_map(saliency, "map")
    fixated = np.sort(_fixated(image, xy_px))[::-1]
    pixels = np.sort(_finite(image))
    others = len(pixels) - len(fixated)
    if not len(fixated) or others < 1:
        return math.nan
    levels = np.unique(fixated)[::-1]
    hits = np.searchsorted(-fixated, -levels, side="right")
    above = len(pixels) - np.searchsorted(pixels, levels, side="left")
    true_rate = np.r_[0.0, hits / len(fixated), 1.0]
    false_rate = np.r_[0.0, (above - hits) / others, 1.0]
    return float(np.trapezoid(true_rate, false_rate))


def auc_shuffled(saliency: ArrayLike, xy_px: ArrayLike, other_xy_px: ArrayLike) -> float:
    """AUC against where people look on other films, so that a centre bias earns nothing.

    Zhang et al., Journal of Vision 8(7):32, 2008. Positives: the map at every fixation; negatives: the map at the
    fixations `other_xy_px` of other films, all of them (no sampling, so no chance in it), in this film's pixels.
    """
    image = _as_map(saliency, "map")
    return _roc_area(_finite(_values_at(image, xy_px)[0]), _finite(_values_at(image, other_xy_px)[0]))


def information_gain(saliency: ArrayLike, xy_px: ArrayLike, baseline: ArrayLike) -> float:
    """Bits a fixation that the map, read as a density, predicts better than `baseline` does (such as `centre_bias`).

    Kümmerer et al., PNAS 2015: mean over fixations of log2(map) - log2(baseline), both made densities as in `kl`.
    """
    image, floor_map = _as_pair(saliency, baseline, "baseline")
    values, _ = _values_at(_as_density(image), xy_px)
    expected, _ = _values_at(_as_density(floor_map), xy_px)
    gain = _finite(np.log2(np.maximum(values, FLOOR)) - np.log2(np.maximum(expected, FLOOR)))
    return float(gain.mean()) if len(gain) else math.nan


def cc(saliency: ArrayLike, density: ArrayLike) -> float:
    """Pearson's correlation of map and density over the pixels. 0 where either is constant."""
    image, target = _as_pair(saliency, density, "density")
    both = np.isfinite(image)
    if not both.any():
        return math.nan
    a, b = image[both] - image[both].mean(), target[both] - target[both].mean()
    scale = _deviation(image[both]) * _deviation(target[both]) * both.sum()
    return float(np.clip((a * b).sum() / scale, -1, 1)) if scale else 0.0


def sim(saliency: ArrayLike, density: ArrayLike) -> float:
    """Similarity: the sum of the smaller of both maps, each shifted to minimum 0 if negative and made to sum to 1.

    Histogram intersection (Swain and Ballard 1991; Judd et al. 2012), 0 to 1. NaN where the density is empty.
    """
    image, target = _as_pair(saliency, density, "density")
    if not np.nansum(target):
        return math.nan
    return float(np.nansum(np.minimum(_as_density(image), _as_density(target))))


def kl(saliency: ArrayLike, density: ArrayLike) -> float:
    """Kullback-Leibler divergence of the map from the density, in nats: sum of density (log density - log map).

    Both as in `sim`; the map has a floor of 1e-20. 0 is perfect. NaN where the density is empty.
    """
    image, target = _as_pair(saliency, density, "density")
    if not np.nansum(target):
        return math.nan
    p, q = _as_density(target), _as_density(image)
    return float(np.nansum(p * (np.log(np.maximum(p, FLOOR)) - np.log(np.maximum(q, FLOOR)))))


def centre_bias(shape: tuple[int, int], spread: float = 0.25) -> Float64:
    """A Gaussian at the film's centre, sigma `spread` of each side: float64 (H, W), sums to 1. The floor to beat."""
    rows, columns = (np.exp(-0.5 * (((np.arange(n) + 0.5) / n - 0.5) / spread) ** 2) for n in shape)
    bias = np.outer(rows, columns)
    return bias / bias.sum()


def _as_map(values: ArrayLike, name: str) -> Float64:
    image = np.array(values, np.float64)
    if image.ndim != 2 or not image.size:
        raise GazeError(f"a {name} is wanted as rows x columns, got an array of shape {image.shape}")
    image[~np.isfinite(image)] = np.nan
    largest = np.abs(_finite(image)).max(initial=0.0)
    if largest > SQUARES_TO or 0 < largest < 1 / SQUARES_TO:
        image /= largest  # no measure depends on the scale, but its squares have to be numbers
    return image


def _as_pair(saliency: ArrayLike, other: ArrayLike, name: str) -> tuple[Float64, Float64]:
    """Both maps, NaN in one made NaN in the other."""
    image, target = _as_map(saliency, "map"), _as_map(other, name)
    if image.shape != target.shape:
        raise GazeError(
            f"map and {name} are of different films: {image.shape[0]} x {image.shape[1]} and "
            f"{target.shape[0]} x {target.shape[1]} (rows x columns); resize one to the other first"
        )
    unseen = np.isnan(image) | np.isnan(target)
    image[unseen] = target[unseen] = np.nan
    return image, target


def _as_density(image: Float64) -> Float64:
    """Shifted to minimum 0 where negative, sums to 1 without its NaN. A map without any mass is taken as uniform."""
    seen = np.isfinite(image)
    low = image[seen].min(initial=0.0)
    shifted = image - low
    total = np.nansum(shifted)
    if not total:
        return np.where(seen, 1.0 / max(seen.sum(), 1), np.nan)
    return shifted / total


def _pixels(shape: tuple[int, ...], xy_px: ArrayLike) -> tuple[NDArray[np.intp], int]:
    """Flat pixel index of each fixation on the film, and how many fixations there are at all."""
    xy = np.asarray(xy_px, np.float64).reshape(-1, 2)
    x, y = np.floor(xy[:, 0]), np.floor(xy[:, 1])
    on = (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])
    return (y[on] * shape[1] + x[on]).astype(np.intp), len(xy)


def _values_at(image: Float64, xy_px: ArrayLike) -> tuple[Float64, int]:
    pixels, total = _pixels(image.shape, xy_px)
    return image.ravel()[pixels], total


def _fixated(image: Float64, xy_px: ArrayLike) -> Float64:
    """The map at each fixated pixel, once, NaN left out."""
    return _finite(image.ravel()[np.unique(_pixels(image.shape, xy_px)[0])])


def _finite(values: Float64) -> Float64:
    return values[np.isfinite(values)]


def _deviation(values: Float64) -> float:
    """Population standard deviation; exactly 0 where all values are equal, whatever rounding says."""
    return 0.0 if values.min() == values.max() else float(values.std())


def _roc_area(positives: Float64, negatives: Float64) -> float:
    """P(positive > negative) + P(equal) / 2."""
    if not len(positives) or not len(negatives):
        return math.nan
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    not_above = np.searchsorted(ordered, positives, side="right")
    return float((below + not_above).mean() / (2 * len(ordered)))
