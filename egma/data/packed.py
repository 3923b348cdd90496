"""Gaze maps of a whole data set in one compressed file: uint8, some hundred bytes a sentence."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from egma.data.sample import Sample, UInt8
from egma.errors import DataError


def pack_maps(samples: Sequence[Sample]) -> bytes:
    """The maps of all films as the bytes of a compressed .npz."""
    found = [
        (number, place, each)
        for number, sample in enumerate(samples)
        for place, each in enumerate(sample.gaze)
        if each is not None
    ]
    maps = np.stack([each for _, _, each in found]) if found else np.zeros((0, 1, 1), np.uint8)
    at = np.array([(number, place) for number, place, _ in found], np.int32).reshape(-1, 2)
    stream = io.BytesIO()
    np.savez_compressed(stream, maps=maps, at=at)
    return stream.getvalue()


def unpack_maps(path: Path, films: int) -> dict[int, dict[int, UInt8]]:
    """{row: {sentence: uint8 (gh, gw)}} of a manifest of `films` rows.

    Raises:
        DataError: the file is damaged, or is not this manifest's.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            maps, at = stored["maps"], stored["at"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
        raise DataError("the data folder's maps.npz is damaged; build the folder again") from None
    if maps.dtype != np.uint8 or maps.ndim != 3 or at.shape != (len(maps), 2) or not _fits(at, films):
        raise DataError("the data folder's maps.npz does not fit its manifest; build the folder again")
    found: dict[int, dict[int, UInt8]] = {}
    for (row, place), each in zip(at.tolist(), maps):
        found.setdefault(row, {})[place] = each
    return found


def _fits(at: np.ndarray, films: int) -> bool:
    return at.dtype == np.int32 and (not len(at) or (at.min() >= 0 and at[:, 0].max() < films))
