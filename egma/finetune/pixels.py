"""Films at the model's size as a training asks for them: read once where memory allows, again where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from egma.config import ImageTowerConfig
from egma.data.sample import Sample
from egma.errors import DataError, EgmaError

CACHE_BYTES = 1_500_000_000


class Pixels(Protocol):
    """Reads films by their place."""

    def read(self, places: Sequence[int]) -> NDArray[np.uint8]:
        """uint8 (B, S, S), as displayed, bone bright."""
        ...


class ArrayPixels:
    """Films that are in memory already, uint8 (F, S, S)."""

    def __init__(self, films: NDArray[np.uint8]) -> None:
        self._films = films

    def read(self, places: Sequence[int]) -> NDArray[np.uint8]:
        """uint8 (B, S, S)."""
        return self._films[list(places)]


class FilmPixels:
    """Films on disk, opened as the engine opens them and kept as bytes up to `CACHE_BYTES`."""

    def __init__(self, samples: Sequence[Sample], image: ImageTowerConfig) -> None:
        self._samples, self._image = samples, image
        self._kept: dict[int, NDArray[np.uint8]] = {}
        self._room = CACHE_BYTES // image.input_px**2

    def read(self, places: Sequence[int]) -> NDArray[np.uint8]:
        """uint8 (B, S, S).

        Raises:
            DataError: a film cannot be opened, by its name.
        """
        return np.stack([self._one(int(place)) for place in places])

    def _one(self, place: int) -> NDArray[np.uint8]:
        if place not in self._kept:
            film = self._open(self._samples[place])
            if len(self._kept) >= self._room:
                return film
            self._kept[place] = film
        return self._kept[place]

    def _open(self, sample: Sample) -> NDArray[np.uint8]:
        from egma.imaging import load_study
        from egma.imaging.geometry import Geometry

        if sample.image_path is None:
            raise DataError(f"the film of {sample.id[:60]!r} is missing: {sample.image_note}")
        try:
            study = load_study(sample.image_path)
        except EgmaError as error:
            raise DataError(f"the film of {sample.id[:60]!r} cannot be opened: {error}") from None
        side = self._image.input_px
        geometry = Geometry(source_hw=study.shape, model_hw=(side, side), mode=self._image.mode)
        return np.rint(geometry.image_to_model(study.pixels, self._image.fill) * 255).clip(0, 255).astype(np.uint8)
