"""When a library's vectors are kept flat, in an inverted file, or compressed, and how much may wait to be indexed."""

from __future__ import annotations

from dataclasses import dataclass

FLAT, IVF_SQ8, IVF_PQ = "flat", "ivf-sq8", "ivf-pq"


@dataclass(frozen=True)
class IndexPolicy:
    """Sizes at which the derived vector index changes its kind. The defaults are what benchmarks/index_million.py says.

    Attributes:
        flat_up_to: vectors; below, every search is exact.
        memory_bytes: what the codes of one index may take in memory; above, product quantisation.
        least_rows: below this many waiting vectors none is indexed: scanning them costs less than a file.
        tail_share: share of the indexed vectors that may wait, scanned exactly, before the index is extended.
        wanted_recall: recall@10 against exact that a build aims at when it chooses how many lists are read.
    """

    flat_up_to: int = 200_000
    memory_bytes: int = 1 << 30
    least_rows: int = 2_000
    tail_share: float = 0.1
    wanted_recall: float = 0.98

    def kind_for(self, rows: int, width: int) -> str:
        """The kind of index for `rows` vectors of `width` numbers."""
        if rows <= self.flat_up_to:
            return FLAT
        return IVF_SQ8 if rows * width <= self.memory_bytes else IVF_PQ

    def reason_for(self, kind: str, rows: int) -> str:
        """Why that kind, as a sentence for people."""
        if kind == FLAT:
            return f"{rows:,} vectors: searched exactly, which is fast up to {self.flat_up_to:,}"
        if kind == IVF_SQ8:
            return f"{rows:,} vectors, above {self.flat_up_to:,}: an inverted file of 8-bit codes, re-ranked exactly"
        return (
            f"{rows:,} vectors whose 8-bit codes would take more than {self.memory_bytes >> 20:,} MiB: an inverted "
            "file of product-quantised codes, re-ranked exactly"
        )

    def may_wait(self, indexed: int) -> int:
        """How many vectors may wait behind `indexed` ones."""
        return max(self.least_rows, int(self.tail_share * indexed))
