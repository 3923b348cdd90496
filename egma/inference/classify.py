"""Finding probabilities from pairs of prompts: how much nearer a film is to "there is" than to "there is no".

For a film's unit vector g and a finding's sides P and N, each the mean of its prompts' unit vectors made unit again:

    difference  = g.P - g.N
    with a patch share w > 0:  (1 - w) * (g.P - g.N) + w * max over seen patches n of (p_n.P - p_n.N)
    probability = sigmoid(scale * difference + bias)

which is a two-way softmax over (scale * g.P + bias, scale * g.N). Scale and bias are the checkpoint's, fitted on
validation films for each finding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.config import FindingConfig
from egma.types import Float32


@dataclass(frozen=True)
class PromptPair:
    """The sentences behind one finding's probability."""

    positive: tuple[str, ...]
    negative: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class FindingVectors:
    """Both sides of F findings in the shared space.

    Attributes:
        positive, negative: float32 (F, D), unit norm.
    """

    positive: Float32
    negative: Float32

    @property
    def nbytes(self) -> int:
        """Bytes kept."""
        return self.positive.nbytes + self.negative.nbytes

    def differences(self, vectors: Float32) -> Float32:
        """float32 (..., F): cosine to each finding's positive side minus that to its negative side."""
        return np.asarray(vectors @ (self.positive - self.negative).T, dtype=np.float32)


def mean_direction(vectors: Float32) -> Float32:
    """(K, D) unit vectors -> (D,) unit vector of their mean; zeros where they cancel."""
    mean = vectors.mean(axis=0, dtype=np.float64)
    norm = float(np.linalg.norm(mean))
    return np.asarray(mean / norm if norm > 0 else mean, dtype=np.float32)


def finding_differences(
    vectors: FindingVectors, film: Float32, patches: Float32, seen: NDArray[np.bool_], patch_share: float
) -> Float32:
    """float32 (F,): the difference of each finding on one film.

    Args:
        vectors: the findings' sides.
        film: float32 (D,), the film's unit vector.
        patches: float32 (gh, gw, D).
        seen: bool (gh, gw), patches that lie on the film.
        patch_share: w of the module's formula.
    """
    overall = vectors.differences(film)
    if patch_share == 0.0 or not seen.any():
        return overall
    best = vectors.differences(patches[seen]).max(axis=0)
    return (1.0 - patch_share) * overall + patch_share * best


def calibrated(differences: Float32, findings: dict[str, FindingConfig]) -> dict[str, float]:
    """Probabilities in [0, 1] by finding, in the config's order."""
    rows = zip(findings.items(), differences.tolist(), strict=True)
    return {name: _sigmoid(finding.scale * difference + finding.bias) for (name, finding), difference in rows}


def _sigmoid(value: float) -> float:
    return float(0.5 * (1.0 + np.tanh(0.5 * value)))
