"""Two small films, so that a display range is measured in moments."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    random = np.random.default_rng(0)
    for number in range(2):
        pixels = random.integers(0, 256, (90 + 30 * number, 100), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder
