"""Look-up tables of a DICOM header, read as the standard packs them (PS3.3 C.11.1.1, C.11.2.1.1, C.7.6.3.1.5)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

Float64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LookupTable:
    """A table from whole numbers to whole numbers.

    Attributes:
        first: the input value that the first entry stands for.
        entries: float64 (N,), the outputs in order.
        bits: how many bits an entry has by the descriptor.
    """

    first: int
    entries: Float64
    bits: int

    def apply(self, values: Float64) -> Float64:
        """Look values up; below the first and above the last entry, that entry holds."""
        index = np.clip(np.floor(values) - self.first, 0, len(self.entries) - 1)
        return self.entries[index.astype(np.intp)]


def read_table(
    item: Dataset, signed_input: bool, keywords: tuple[str, str] = ("LUTDescriptor", "LUTData")
) -> LookupTable | None:
    """Read one table.

    Args:
        item: the sequence item (or the data set, for a palette) that holds it.
        signed_input: whether the values looked up can be negative, which decides how the first value is read.
        keywords: names of the descriptor and of the data.

    Returns:
        The table, or None where it is absent or contradicts itself.
    """
    try:
        count, first, bits = (int(value) for value in item[keywords[0]].value)
        raw = item[keywords[1]].value
    except Exception:  # absent, or of a form that does not parse: the caller falls back and says so
        return None
    count = (count & 0xFFFF) or 65536  # PS3.3 C.11.1.1: 0 stands for 65536
    if signed_input and first > 32767:
        first -= 65536
    entries = _unpack(raw, count, bits, item.original_encoding[1] is False)
    if entries is None or not 1 <= bits <= 16:
        return None
    return LookupTable(first, entries.astype(np.float64), bits)


def _unpack(raw: object, count: int, bits: int, big_endian: bool) -> NDArray[np.uint16] | None:
    """Entries from 16-bit words, or from 8-bit entries packed two to a word, low byte first; None if too few."""
    try:
        if isinstance(raw, bytes):
            even = raw + b"\0" * (len(raw) % 2)
            words = np.frombuffer(even, ">u2" if big_endian else "<u2").astype(np.uint16)
        else:
            words = (np.atleast_1d(np.asarray(raw, np.int64)) & 0xFFFF).astype(np.uint16)
    except (TypeError, ValueError):
        return None
    if len(words) >= count:
        return words[:count]
    if bits <= 8 and 2 * len(words) >= count:
        return words.astype("<u2").view(np.uint8)[:count].astype(np.uint16)
    return None
