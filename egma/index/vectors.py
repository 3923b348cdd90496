"""Vectors fit to store or to ask with: finite, of one width, of length 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from egma.errors import LibraryError
from egma.types import Float32

MAX_WIDTH = 4_096
_LEAST_NORM = 1e-8


def check_vectors(vectors: ArrayLike, count: int | None) -> Float32:
    """float32 (N, D), C order, unit norm, from anything array-like.

    Args:
        count: N where it is known.
    """
    try:
        array = np.asarray(vectors, np.float32)
    except (TypeError, ValueError):
        raise LibraryError("vectors: wanted an array of numbers (N, D), got something else") from None
    if array.ndim != 2 or (count is not None and len(array) != count):
        wanted = "(N, D)" if count is None else f"({count}, D)"
        raise LibraryError(f"vectors: wanted the shape {wanted}, got {array.shape}; give one row a record")
    if not 1 <= array.shape[1] <= MAX_WIDTH:
        raise LibraryError(f"vectors: wanted a width of 1 to {MAX_WIDTH}, got {array.shape[1]}")
    norms = np.sqrt(np.einsum("ij,ij->i", array, array, dtype=np.float64))
    bad = np.flatnonzero(~np.isfinite(norms) | (norms < _LEAST_NORM))
    if len(bad):
        raise LibraryError(f"vectors: row {bad[0]} has no direction (not finite, or all zero); leave the record out")
    return np.ascontiguousarray(array / norms[:, None], dtype=np.float32)
