"""Films on disk for the reading tests, and one way to see them as a viewer would."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from egma.imaging import load_study
from egma.imaging.view import VIEW_WARNING
from egma.testing.dicom import write_dicom
from egma.types import Study


@pytest.fixture
def load_film(tmp_path: Path) -> Callable[..., Study]:
    """Write stored values as DICOM, as `write_dicom` takes them, and load the file."""

    def load(pixels: np.ndarray, *, frame: int | None = None, **film: Any) -> Study:
        return load_study(write_dicom(tmp_path / "film.dcm", pixels, **film), frame=frame)

    return load


def as_viewed(study: Study) -> np.ndarray:
    """What a viewer shows: the 16-bit display values through the default window, float64 in [0, 1]."""
    display = study.display
    assert display is not None
    low = display.center - display.width / 2
    return np.clip((display.values.astype(np.float64) - low) / display.width, 0.0, 1.0)


def other_warnings(study: Study) -> list[str]:
    """A film's warnings but the one that test patterns rightly get: that they are not a frontal chest film."""
    return [sentence for sentence in study.warnings if VIEW_WARNING not in sentence]
