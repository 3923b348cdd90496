"""How sure a probability is: its interval from the spread of the calibration that made it, and when that is "not sure".

With p = sigmoid(scale * d + bias) and the pair (scale, bias) scattered over draws of the validation films, the logit's
variance at a film's difference d is

    d^2 * var(scale) + 2 * d * cov(scale, bias) + var(bias)

and d itself is (logit(p) - bias) / scale. The interval says how well the calibration is known, not how good the model.
"""

from __future__ import annotations

import math

from egma.config import FindingConfig

WIDE = 0.3
"""An interval of probabilities this wide says little more than that the calibration had few positives to go by."""
_DEVIATIONS = 1.6449  # of a normal logit: 90 %
_CLOSEST = 1e-9  # a probability's distance from 0 and 1 below which its logit says nothing more


def probability_interval(config: FindingConfig, probability: float) -> tuple[float, float] | None:
    """The 90 % interval (low, high) around a finding's probability; None where the checkpoint stores no spread."""
    if config.spread is None:
        return None
    clipped = min(max(probability, _CLOSEST), 1 - _CLOSEST)
    logit = math.log(clipped / (1 - clipped))
    difference = (logit - config.bias) / config.scale if config.scale else 0.0
    of_scale, of_both, of_bias = config.spread
    variance = difference * difference * of_scale + 2 * difference * of_both + of_bias
    reach = _DEVIATIONS * math.sqrt(max(variance, 0.0))
    return _sigmoid(logit - reach), _sigmoid(logit + reach)


def is_unsure(config: FindingConfig, probability: float) -> bool:
    """Whether the stored uncertainty is too large to say on which side of the threshold a film lies, or how far.

    By the probability's interval where the checkpoint stores a spread: it reaches across the threshold, or is `WIDE`.
    A checkpoint of before stores only where its threshold wanders: a probability inside that range counts.
    """
    interval = probability_interval(config, probability)
    if interval is None:
        return config.unsure is not None and config.unsure[0] <= probability <= config.unsure[1]
    low, high = interval
    return low < config.threshold < high or high - low >= WIDE


def is_calibrated(config: FindingConfig) -> bool:
    """Whether scale and bias were fitted: a model that came without films to fit them on has the standard ones."""
    return (config.scale, config.bias) != (_STANDARD.scale, _STANDARD.bias)


_STANDARD = FindingConfig(("yes",), ("no",))


def _sigmoid(value: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * value))
