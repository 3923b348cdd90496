"""The measures against published code: pysaliency's figures, the MIT benchmark's formulas, and where they differ.

The figures below were computed with pysaliency 0.2.22 (Kümmerer et al., MIT licence) on the maps of `example`; the
formulas of the MIT saliency benchmark (Bylinskii et al.) are written here anew from its published MATLAB code.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from egma.gaze import metrics
from egma.gaze.metrics import centre_bias

SHAPE = (31, 43)
# seed: AUC (all pixels as negatives), shuffled AUC, NSS, information gain over the centre bias, CC, SIM, KL
PYSALIENCY = {
    0: (0.547381845461, 0.540000000000, 0.163821711703, 0.367891371648, 0.004453186662, 0.513454661393, 0.842560494988),
    1: (
        0.467621905476,
        0.394400000000,
        -0.108713923070,
        0.066149683038,
        0.016213409707,
        0.508407135013,
        0.797620577481,
    ),
    2: (
        0.558184546137,
        0.581600000000,
        0.192708021318,
        -0.051027177057,
        0.012055981859,
        0.510033860530,
        0.892186460740,
    ),
    3: (0.517884471118, 0.584800000000, 0.091961593061, 0.309687095268, 0.011467579975, 0.509260627864, 0.777250289130),
}
SEEDS = list(PYSALIENCY)


def example(seed: int):
    """A map with negative values, 25 fixations, a density: no random generator, so that the figures stay true."""
    i = np.arange(SHAPE[0] * SHAPE[1]).reshape(SHAPE)
    image = np.sin(i * (0.37 + seed)) + 0.5 * np.cos(i * i * 0.001 * (seed + 1))
    k = np.arange(25)
    xy = np.column_stack([(k * (7.3 + seed)) % SHAPE[1], (k * (3.1 + seed)) % SHAPE[0]])
    density = np.exp(np.sin(i * 0.05 * (seed + 1)) * 2)
    return image, xy, density / density.sum()


@pytest.mark.parametrize("seed", SEEDS)
def test_every_measure_is_pysaliency_s(seed: int) -> None:
    image, xy, density = example(seed)
    other = xy[:, ::-1] * [SHAPE[1] / SHAPE[0], SHAPE[0] / SHAPE[1]] + 0.3
    found = (
        metrics.auc_judd(image, xy),
        metrics.auc_shuffled(image, xy, other),
        metrics.nss(image, xy),
        metrics.information_gain(image, xy, centre_bias(SHAPE)),
        metrics.cc(image, density),
        metrics.sim(image, density),
        metrics.kl(image, density),
    )
    assert found == pytest.approx(PYSALIENCY[seed], abs=1e-9)


def fixation_map(xy: np.ndarray) -> np.ndarray:
    """MIT's binary map: one where anybody looked."""
    found = np.zeros(SHAPE)
    found[np.floor(xy[:, 1]).astype(int), np.floor(xy[:, 0]).astype(int)] = 1
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_nss_is_the_mit_benchmark_s_up_to_its_sample_deviation(seed: int) -> None:
    """NSS.m: mean of (map - mean) / std at the fixated pixels; MATLAB's std divides by N - 1, ours by N."""
    image, xy, _ = example(seed)
    standardised = (image - image.mean()) / image.std(ddof=1)
    assert len(np.unique(np.floor(xy), axis=0)) == len(xy), "the binary map counts a pixel once"
    mit = standardised[fixation_map(xy) == 1].mean()
    assert metrics.nss(image, xy) == pytest.approx(mit * math.sqrt(image.size / (image.size - 1)), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_cc_and_sim_are_the_mit_benchmark_s(seed: int) -> None:
    """CC.m correlates standardised maps. similarity.m scales both to [0, 1], which shifts the minimum to 0."""
    image, _, density = example(seed)
    a, b = ((each - each.mean()) / each.std() for each in (image, density))
    assert metrics.cc(image, density) == pytest.approx(
        (a * b).sum() / math.sqrt((a * a).sum() * (b * b).sum()), abs=1e-9
    )
    scaled = [(each - each.min()) / (each.max() - each.min()) for each in (image, density)]
    mit = np.minimum(scaled[0] / scaled[0].sum(), scaled[1] / scaled[1].sum()).sum()
    lowest_at_0 = density - density.min()
    assert metrics.sim(image, lowest_at_0) == pytest.approx(mit, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_kl_is_the_mit_benchmark_s_up_to_its_floor(seed: int) -> None:
    """KLdiv.m adds eps = 2.2e-16 inside the logarithm and the quotient; on maps without zeros it is the same figure."""
    _, _, density = example(seed)
    image = np.abs(example(seed + 1)[0]) + 0.1
    p, q, eps = density / density.sum(), image / image.sum(), np.finfo(float).eps
    assert metrics.kl(image, density) == pytest.approx((p * np.log(eps + p / (q + eps))).sum(), abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_information_gain_is_the_mit_benchmark_s(seed: int) -> None:
    """InfoGain.m: log2 of both maps, made densities, at the fixated pixels; it scales to [0, 1] first, so ours does."""
    image, xy, _ = example(seed)
    image, baseline = image - image.min(), centre_bias(SHAPE)
    at = fixation_map(xy) == 1
    mit = (np.log2((image / image.sum())[at]) - np.log2((baseline / baseline.sum())[at])).mean()
    assert metrics.information_gain(image, xy, baseline) == pytest.approx(mit, abs=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_shuffled_auc_is_what_the_benchmark_s_sampling_tends_to(seed: int) -> None:
    """AUC_shuffled.m draws negatives from other films again and again; all of them at once is the draws' mean."""
    image, xy, _ = example(seed)
    other = example(seed + 5)[1]
    x, y = np.floor(other).astype(int).T
    negatives = image[y, x]
    random = np.random.default_rng(seed)
    x, y = np.floor(xy).astype(int).T
    positives = image[y, x]
    draws = []
    for _ in range(400):
        drawn = random.choice(negatives, 25)
        draws.append((positives[:, None] > drawn).mean() + (positives[:, None] == drawn).mean() / 2)
    assert np.mean(draws) == pytest.approx(
        metrics.auc_shuffled(image, xy, other), abs=4 * np.std(draws) / math.sqrt(400)
    )


def test_a_pixel_that_was_looked_at_twice_counts_twice_except_for_auc_judd() -> None:
    """As in pysaliency; MIT's binary maps count it once."""
    image, xy, _ = example(0)
    twice = np.vstack([xy, xy[:1]])
    at = image[int(xy[0, 1]), int(xy[0, 0])]
    expected = (25 * metrics.nss(image, xy) + (at - image.mean()) / image.std()) / 26
    assert metrics.nss(image, twice) == pytest.approx(expected, abs=1e-12)
    assert metrics.auc_judd(image, twice) == metrics.auc_judd(image, xy)


def test_infinite_pixels_are_left_out_like_nan() -> None:
    image, xy, density = example(0)
    holes, marked = image.copy(), image.copy()
    holes[5:9], marked[5:9] = np.inf, np.nan
    assert metrics.nss(holes, xy) == metrics.nss(marked, xy) and metrics.kl(holes, density) == metrics.kl(
        marked, density
    )
    assert metrics.count_fixations(holes, xy) == metrics.count_fixations(marked, xy)


@pytest.mark.parametrize("dtype", [np.float32, np.uint8, np.int64, bool])
def test_maps_of_any_number_type_are_measured(dtype: type) -> None:
    image, xy, density = example(0)
    whole = (image > 0.5).astype(dtype)
    found = [
        metrics.nss(whole, xy),
        metrics.auc_judd(whole, xy),
        metrics.kl(whole, density),
        metrics.cc(whole, density),
    ]
    wanted = (image > 0.5).astype(np.float64)
    assert found == [metrics.nss(wanted, xy), metrics.auc_judd(wanted, xy), metrics.kl(wanted, density),
                     metrics.cc(wanted, density)]  # fmt: skip
    assert np.isfinite(found).all()


@pytest.mark.parametrize("scale", [1e-300, 1e-30, 1e30, 1e300])
def test_very_small_and_very_large_maps_keep_their_scores(scale: float) -> None:
    image, xy, density = example(0)
    image = np.abs(image) + 0.01
    for measure, target in ((metrics.nss, xy), (metrics.auc_judd, xy), (metrics.cc, density), (metrics.sim, density)):
        assert measure(image * scale, target) == pytest.approx(measure(image, target), abs=1e-6), measure.__name__
    assert metrics.kl(image * scale, density) == pytest.approx(metrics.kl(image, density), abs=1e-6)
