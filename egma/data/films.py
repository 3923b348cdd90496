"""Films as one array for training: read once, brought to a square as the model will see them, kept as bytes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from egma.errors import DataError
from egma.imaging.geometry import Geometry


def load_film_array(
    paths: Sequence[Path], size_px: int, note: Callable[[str], None] = lambda text: None
) -> NDArray[np.uint8]:
    """uint8 (F, S, S): trusted 8-bit films padded to a square by the engine's own geometry.

    Args:
        paths: image files that the project's user trusts; untrusted ones go through `egma.load_study`.
        size_px: S.
        note: told of progress.
    """
    films = np.zeros((len(paths), size_px, size_px), np.uint8)
    for place, path in enumerate(paths):
        try:
            with Image.open(path) as image:
                pixels = np.asarray(image.convert("L"), np.float32) / np.float32(255)
        except OSError:
            raise DataError(f"film {place + 1} of the manifest cannot be read; are the images beside it?") from None
        geometry = Geometry(pixels.shape, (size_px, size_px), "pad")
        films[place] = np.rint(geometry.image_to_model(pixels) * 255).clip(0, 255)
        if (place + 1) % 500 == 0:
            note(f"read {place + 1} of {len(paths)} films")
    return films
