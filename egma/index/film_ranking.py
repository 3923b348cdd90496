"""How reports are ranked for a film: the cosine of the report with what sets this film apart from the mean film.

Most of a film's vector is what all films share; it says nothing of this one, and yet favours the same few reports every
time. A report is the mean of its sentences: by its best sentence alone, "no effusion" and its like crowd every film.
`egma.evaluation.film_search` measures each of these choices.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from egma.types import Float32

CANDIDATES = 100
"""Reports that the slower look at patches may order anew."""


def report_vectors(sentences: Float32, owners: Sequence[Sequence[int]]) -> Float32:
    """One unit vector a report, float32 (R, D): the mean of its sentences.

    Args:
        sentences: float32 (S, D), unit norm.
        owners: for each report the places of its sentences, at least one.
    """
    return unit(np.stack([sentences[list(places)].mean(axis=0) for places in owners]).astype(np.float32))


def unit(vectors: Float32) -> Float32:
    """The same directions with length 1; a zero vector stays one."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)


def film_question(films: Float32, film_mean: Float32 | None) -> Float32:
    """Unit vectors to search reports with: films (..., D) less the mean film; without a mean, the films as they are."""
    return films if film_mean is None else unit(films - film_mean)


def patch_support(patches: Float32, sentences: Float32) -> Float32:
    """float32 (S,): the cosine of the patch that fits each sentence best.

    Args:
        patches: float32 (P, D), unit norm: those that lie on the film.
        sentences: float32 (S, D), unit norm.
    """
    return (sentences @ patches.T).max(axis=1)


def order_anew(scores: Float32, support: Float32, weight: float, candidates: int = CANDIDATES) -> Float32:
    """Scores (R,) whose best `candidates` are ordered by score + weight x support and stay ahead of all others.

    Args:
        scores, support: float32 (R,), higher is nearer; `support` counts among the candidates only.
        weight: 0 leaves the order as it is.
    """
    if weight == 0:
        return scores
    first = np.argsort(-scores, kind="stable")[:candidates]
    mixed = scores.copy()
    mixed[first] = scores.max() + 2 + scores[first] + np.float32(weight) * support[first]
    return mixed
