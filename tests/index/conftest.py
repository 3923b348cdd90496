"""A tiny engine, invented reports and libraries of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from egma.index import ReportIndex
from egma.inference.engine import Engine
from egma.testing.models import tiny_engine

REPORTS = {
    "a": "INDICATION: Cough.\nFINDINGS: No pleural effusion. The heart is normal.\nIMPRESSION: No acute disease.",
    "b": "FINDINGS: Large left pleural effusion. Mild cardiomegaly.\nIMPRESSION: Left effusion.",
    "c": "FINDINGS: Old rib fractures. Clear lungs.",
    "d": "FINDINGS: No displaced rib fracture. There is no pneumothorax.",
    "e": "FINDINGS: Right apical pneumothorax. The heart is enlarged.",
}


@pytest.fixture(scope="session")
def engine() -> Engine:
    """A real engine of a few thousand numbers."""
    return tiny_engine()


@pytest.fixture
def library(tmp_path: Path, engine: Engine) -> Iterator[ReportIndex]:
    """A library of the five reports above."""
    with ReportIndex.open(tmp_path / "library") as index:
        index.add_reports(engine, list(REPORTS), list(REPORTS.values()))
        yield index


def unit_vectors(count: int, width: int = 16, seed: int = 0) -> np.ndarray:
    """float32 (count, width), unit norm."""
    vectors = np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
