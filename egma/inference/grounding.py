"""Maps of where a phrase is found on a film, and what one patch of it is like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from egma.display import DRAWN_FROM
from egma.imaging.geometry import Geometry
from egma.types import Float32, GroundingMap


@dataclass(frozen=True)
class PatchMatch:
    """What one patch of a film resembles.

    Attributes:
        row, column: of the patch in the drawn grid, from the top left of the model's input.
        phrase_scores: (phrase, cosine), in the order asked.
        finding_scores: (finding, cosine to its positive prompts minus cosine to its negative ones), best first.
    """

    row: int
    column: int
    phrase_scores: tuple[tuple[str, float], ...]
    finding_scores: tuple[tuple[str, float], ...]


def build_maps(
    patches: Float32,
    phrases: list[str],
    vectors: Float32,
    geometry: Geometry,
    display_range: tuple[float, float],
    drawn_from: float = DRAWN_FROM,
) -> list[GroundingMap]:
    """One map a phrase: the cosine of every patch with it, as it is, never stretched.

    Args:
        patches: float32 (gh, gw, D), unit norm.
        phrases: the words, one a row of `vectors`.
        vectors: float32 (T, D), unit norm.
        geometry: of the film the patches are from.
        display_range, drawn_from: the checkpoint's.
    """
    grids = cosine_grids(patches, vectors)
    pairs = zip(phrases, grids, strict=True)
    return [GroundingMap(phrase, grid, geometry, display_range, drawn_from) for phrase, grid in pairs]


def cosine_grids(patches: Float32, vectors: Float32) -> Float32:
    """float32 (T, gh, gw) in [-1, 1] of patches (gh, gw, D) and vectors (T, D)."""
    cosines = np.clip(patches @ vectors.T, -1.0, 1.0)
    return np.ascontiguousarray(np.moveaxis(cosines, -1, 0), dtype=np.float32)
