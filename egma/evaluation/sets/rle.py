"""Masks written as run lengths: SIIM-ACR's, and COCO's as CheXlocalize has them. Both run down the columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from egma.errors import DataError

SIIM_PX = 1024


def decode_siim(text: str, shape: tuple[int, int] = (SIIM_PX, SIIM_PX)) -> NDArray[np.bool_]:
    """bool (height, width) of pairs (pixels skipped since the last run's end, length), down the columns.

    The first skip counts from the film's first pixel; "-1" is an empty mask.
    """
    numbers = _read_numbers(text)
    flat = np.zeros(shape[0] * shape[1], bool)
    if numbers.tolist() in ([], [-1]):
        return flat.reshape(shape)
    if len(numbers) % 2 or (numbers < 0).any():
        raise DataError("a mask's run lengths must be pairs of a skip and a length, none below 0")
    skips, lengths = numbers[::2], numbers[1::2]
    starts = np.cumsum(skips) + np.concatenate([[0], np.cumsum(lengths)[:-1]])
    if int(starts[-1] + lengths[-1]) > flat.size:
        raise DataError(f"a mask's run lengths end beyond the film's {flat.size:,} pixels; is its size another one?")
    for start, length in zip(starts, lengths):
        flat[start : start + length] = True
    return flat.reshape(shape[::-1]).T


def encode_siim(mask: NDArray[np.bool_]) -> str:
    """The opposite of `decode_siim`."""
    flat = np.concatenate([[0], mask.T.ravel().astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(flat))
    starts, ends = edges[::2], edges[1::2]
    if not len(starts):
        return "-1"
    skips = starts - np.concatenate([[0], ends[:-1]])
    return " ".join(f"{skip} {end - start}" for skip, start, end in zip(skips, starts, ends))


def decode_coco(counts: str | Sequence[int], size: Sequence[int]) -> NDArray[np.bool_]:
    """bool (height, width) of COCO's runs, which begin with a run of zeros; compressed text or plain numbers."""
    height, width = int(size[0]), int(size[1])
    runs = _uncompress(counts) if isinstance(counts, str) else [int(run) for run in counts]
    if min(runs, default=0) < 0 or sum(runs) != height * width:
        raise DataError(f"a COCO mask's runs must add up to {height} x {width} pixels, got {sum(runs)}")
    values = np.zeros(len(runs), bool)
    values[1::2] = True
    return np.repeat(values, runs).reshape(width, height).T


def encode_coco(mask: NDArray[np.bool_]) -> str:
    """The opposite of `decode_coco`, compressed."""
    flat = mask.T.ravel()
    edges = np.flatnonzero(np.diff(flat)) + 1
    runs = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    if flat.size and flat[0]:
        runs = [0, *runs]
    signs: list[str] = []
    for place, run in enumerate(runs):
        number, more = (run - runs[place - 2] if place > 2 else run), True
        while more:
            low = number & 0x1F
            number >>= 5
            more = number != (-1 if low & 0x10 else 0)
            signs.append(chr((low | 0x20 if more else low) + 48))
    return "".join(signs)


def _uncompress(text: str) -> list[int]:
    """COCO's text: five bits a sign, from the third run on a difference to the run two before."""
    runs: list[int] = []
    number = shift = 0
    for sign in text:
        bits = ord(sign) - 48
        number |= (bits & 0x1F) << shift
        shift += 5
        if not bits & 0x20:
            if bits & 0x10:
                number |= -1 << shift
            runs.append(number + runs[-2] if len(runs) > 2 else number)
            number = shift = 0
    return runs


def _read_numbers(text: str) -> NDArray[np.int64]:
    try:
        return np.array([int(number) for number in text.split()], np.int64)
    except (ValueError, OverflowError):
        raise DataError(f"a mask's run lengths must be whole numbers, got {text[:30]!r}") from None
