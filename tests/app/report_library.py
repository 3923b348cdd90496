"""A small report library and film archive for tests of the page, written by code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from app.services import Services
from egma.archive import embed_folder
from egma.index import ReportIndex
from egma.inference.engine import Engine

HOSTILE = "<img src=x onerror=window.__x=1> ${window.__x=2} {{constructor.constructor('window.__x=3')()}}"
REPORTS = {
    "R1": {
        "indication": "Cough.",
        "findings": "The heart is enlarged. There is a left pleural effusion.",
        "impression": "Left pleural effusion.",
        "view": "PA",
        "sex": "F",
        "age": 63,
        "date": "2013-08-01",
        "source": "Ward A",
    },
    "R2": {
        "findings": "The heart size is normal. No pleural effusion.",
        "view": "AP",
        "sex": "M",
        "age": 40,
        "date": "2015-01-20",
        "source": "Ward B",
    },
    "R3": {
        "text": "There is a lung mass in the right upper zone. The heart is enlarged.",
        "view": "PA",
        "source": "Ward A",
    },
    "=R4": {"text": f"FINDINGS: {HOSTILE} is a nodule. The heart is enlarged.", "source": HOSTILE},
}


def fill_library(services: Services, engine: Engine, name: str = "ward") -> Path:
    """A library of four reports, one of them hostile."""
    path = services.libraries.path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    with ReportIndex.open(path) as index:
        index.add_reports(engine, list(REPORTS), list(REPORTS.values()))
    return path


def fill_archive(services: Services, engine: Engine, folder: Path, name: str = "films") -> Path:
    """An archive of three films."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed in range(3):
        y, x = np.mgrid[0:90, 0:70]
        pixels = 127 + 100 * np.sin(x / (5 + 3 * seed)) * np.cos(y / 9)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"film {seed}.png")
    path = services.libraries.root / "archives" / name
    embed_folder(engine, folder, path)
    return path
