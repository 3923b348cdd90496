"""How well the not-a-frontal warning tells chest films from everything else; nothing measured here was learned from."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from egma.data.manifest import FilmRow
from egma.errors import EgmaError
from egma.evaluation.intervals import Figure, share_figure
from egma.imaging.fit_view import PHOTOGRAPHS
from egma.imaging.load import load_study, study_from_array
from egma.imaging.view import check_view
from egma.types import Float32

SLICES = (
    "CT_small.dcm", "MR_small.dcm", "693_*.dcm", "MR2_UNCR.dcm", "MR-SIEMENS*.dcm", "US1_UNCR.dcm", "emri_small.dcm",
    "eCT_Supplemental.dcm", "JPEG2000.dcm", "OBXXXX1A.dcm", "examples_palette.dcm", "OT-PAL-8-face.dcm",
    "liver_1frame.dcm", "gdcm-US-ALOKA-16.dcm", "color-pl.dcm",
)  # fmt: skip
"""CT, MR, ultrasound and colour pictures among the test files of pydicom and pydicom-data."""
SOURCES = ("nih14", "hannover")
"""Of the frontal films that count as accepted or refused: sources that the check was fitted on, other patients."""


def gate_figures(rows: Iterable[FilmRow], laterals: Path | None) -> dict[str, Figure]:
    """Shares of test frontals accepted, and of laterals, inverted films and other pictures flagged.

    Args:
        rows: the manifest; without rows of the test split only strangers are measured.
        laterals: the folder that holds `lateral.csv` and `lateral/`; None = no laterals.
    """
    tests = [load_study(row.path).pixels for row in rows if row.split == "test" and row.source in SOURCES]
    found = {"not_chest_flagged": _flagged(pixels for _, pixels in list_strangers())}
    if tests:
        refused = _flagged(tests)
        hits = round((1 - refused.value) * refused.n)
        found["frontals_accepted"] = share_figure(hits, refused.n)
        found["inverted_flagged"] = _flagged(1 - pixels for pixels in tests)
    if laterals is not None and (laterals / "lateral.csv").is_file():
        found["laterals_flagged"] = _flagged(pixels for _, pixels in list_laterals(laterals))
    return {name: figure for name, figure in sorted(found.items()) if figure.n}


def is_flagged(pixels: Float32) -> bool:
    """Whether a reader is warned about the view."""
    return bool(check_view(study_from_array(np.clip(pixels, 0, 1))))


def list_laterals(folder: Path) -> Iterator[tuple[str, Float32]]:
    """(kind, pixels) of the lateral films beside a manifest."""
    with (folder / "lateral.csv").open(encoding="utf-8", newline="") as table:
        for row in csv.DictReader(table):
            yield "lateral (cohen)", load_study(folder / "lateral" / Path(row["image"]).name).pixels


def list_strangers() -> Iterator[tuple[str, Float32]]:
    """(kind, pixels) of photographs and slices of installed packages that were not learned from."""
    found = find_spec("skimage")
    if found is not None and found.origin is not None:
        folder = Path(found.origin).parent / "data"
        for path in sorted([*folder.glob("*.png"), *folder.glob("*.jpg")]):
            if path.name not in PHOTOGRAPHS:
                yield "photograph, not learned from", load_study(path).pixels
    for path in _list_slices():
        try:
            yield "CT, MR, ultrasound, other DICOM", load_study(path).pixels
        except EgmaError:
            continue


def _list_slices() -> Iterator[Path]:
    for package, folder in (("pydicom", "data/test_files"), ("data_store", "data")):
        found = find_spec(package)
        if found is None or not found.submodule_search_locations:
            continue
        root = Path(next(iter(found.submodule_search_locations))) / folder
        for pattern in SLICES:
            yield from sorted(root.glob(pattern))


def _flagged(films: Iterable[Float32]) -> Figure:
    said = [is_flagged(pixels) for pixels in films]
    return share_figure(sum(said), len(said))
