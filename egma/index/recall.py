"""How many candidates and lists a search reads, and the recall that this gives, measured against exact search."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from egma.index.policy import FLAT, IVF_SQ8
from egma.types import Float32

_NEIGHBOURS = 10
_NPROBES = (1, 2, 4, 8, 16, 32, 64, 128, 256)


def candidates_wanted(kind: str, k: int) -> int:
    """How many candidates of an index are ranked again exactly, so that its coding costs no recall."""
    if kind == FLAT:
        return k + 16
    return max(4 * k, k + 40) if kind == IVF_SQ8 else max(12 * k, k + 120)


class SampledTruth:
    """Exact neighbours of sampled vectors, gathered while all vectors stream by; itself is no neighbour."""

    def __init__(self, sample: tuple[NDArray[np.int64], Float32]) -> None:
        self._own, self._queries = sample
        shape = (len(self._own), _NEIGHBOURS)
        self._scores, self._rows = np.full(shape, -np.inf, np.float32), np.full(shape, -1, np.int64)

    def see(self, rows: NDArray[np.int64], vectors: Float32) -> None:
        """Take note of the nearest among these."""
        scores = self._queries @ vectors.T
        scores[self._own[:, None] == rows[None, :]] = -np.inf
        scores = np.hstack([self._scores, scores])
        numbers = np.hstack([self._rows, np.broadcast_to(rows, (len(self._own), len(rows)))])
        best = np.argpartition(-scores, _NEIGHBOURS - 1, axis=1)[:, :_NEIGHBOURS]
        self._scores, self._rows = np.take_along_axis(scores, best, 1), np.take_along_axis(numbers, best, 1)

    def choose_nprobe(self, index: Any, kind: str, nlist: int, wanted: float) -> tuple[int, float]:
        """The fewest lists whose recall@10 is as wanted, and that recall; else the most that are tried."""
        import faiss

        recall, nprobe = 0.0, 1
        for nprobe in (each for each in _NPROBES if each <= nlist):
            parameters = cast(Any, faiss).SearchParametersIVF(nprobe=nprobe)
            fetched = candidates_wanted(kind, _NEIGHBOURS + 1)
            _, found = index.search(self._queries, fetched, params=parameters)
            hits = [len(np.intersect1d(true, near)) for true, near in zip(self._rows, found)]
            recall = sum(hits) / max(int((self._rows >= 0).sum()), 1)
            if recall >= wanted:
                break
        return nprobe, round(recall, 4)
