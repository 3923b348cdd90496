"""The films' manifest: a row a film, its split by patient, what is known of each finding, whether a model may ship.

Columns: `image, split, source, patient, view, sex, age, labels, licence` and others that are not read here. Labels are
the source's own, joined by "|"; NIH ChestX-ray14's are text-mined and noisy.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egma.errors import DataError
from egma.findings import FINDINGS

_COLUMNS = ("image", "split", "source", "patient", "view", "sex", "age", "labels", "licence")
_SPLITS = ("train", "val", "test")
_SPELLINGS = {"Pleural_Thickening": "Pleural Thickening"}
# A diagnosis that says which finding a film shows, and that says nothing of the others.
_DIAGNOSES = {"COVID-19": "Pneumonia", "SARS": "Pneumonia"}
_FULLY_LABELLED = ("nih14",)
_NO_LICENCE = ("unstated", "")


@dataclass(frozen=True, eq=False)
class FilmRow:
    """One film of the manifest.

    Attributes:
        path: the image file.
        split: "train", "val" or "test".
        source, patient, view, sex, licence: as the manifest has them.
        age: years, or None.
        present: bool (15,), the findings that the source names.
        known: bool (15,), the findings that the source's labels speak of at all.
    """

    path: Path
    split: str
    source: str
    patient: str
    view: str
    sex: str
    age: float | None
    licence: str
    present: NDArray[np.bool_]
    known: NDArray[np.bool_]

    @property
    def may_ship(self) -> bool:
        """Whether a model trained on this film may be given away: a stated licence without a non-commercial clause."""
        return self.licence not in _NO_LICENCE and "NC" not in self.licence.upper().replace("-", " ").split()


def load_manifest(folder: Path) -> list[FilmRow]:
    """Read `folder/cxr/manifest.csv`; images lie in `folder/cxr/images`.

    Raises:
        DataError: no manifest, a missing column, an unknown split, or a patient in two splits; names the row.
    """
    path = folder / "cxr" / "manifest.csv"
    if not path.is_file():
        raise DataError(f"no manifest was found: wanted cxr/manifest.csv in the folder {folder.name!r}")
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        missing = [column for column in _COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise DataError(f"{path.name}: the column {missing[0]!r} is missing; wanted {', '.join(_COLUMNS)}")
        rows = [_read_row(raw, path.parent / "images", line) for line, raw in enumerate(reader, start=2)]
    _check_patients(rows)
    return rows


def label_arrays(rows: Sequence[FilmRow]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(present, known), each bool (F, 15)."""
    shape = (0, len(FINDINGS))
    present = np.array([row.present for row in rows]).reshape(-1, shape[1])
    known = np.array([row.known for row in rows]).reshape(-1, shape[1])
    return present.astype(bool), known.astype(bool)


def _read_row(raw: dict[str, str], images: Path, line: int) -> FilmRow:
    if raw["split"] not in _SPLITS:
        raise DataError(f"manifest.csv row {line}: wanted a split of {', '.join(_SPLITS)}, got {raw['split'][:20]!r}")
    present, known = read_labels(raw["labels"], raw["source"])
    return FilmRow(
        path=images / Path(raw["image"]).name,
        split=raw["split"],
        source=raw["source"],
        patient=raw["patient"],
        view=raw["view"],
        sex=raw["sex"],
        age=_read_age(raw["age"]),
        licence=raw["licence"].strip(),
        present=present,
        known=known,
    )


def read_labels(text: str, source: str) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(present, known), bool (15,) each: labels joined by "|", complete only for sources that label every finding."""
    names = [_SPELLINGS.get(name, name) for name in text.split("|") if name]
    present = np.array([finding in names for finding in FINDINGS])
    known = np.full(len(FINDINGS), source in _FULLY_LABELLED)
    for name in names:
        if name in _DIAGNOSES:
            present[FINDINGS.index(_DIAGNOSES[name])] = True
            known[[FINDINGS.index(_DIAGNOSES[name]), FINDINGS.index("No Finding")]] = True
    return present, known


def _read_age(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_patients(rows: Sequence[FilmRow]) -> None:
    """A patient in two splits would let a model be tested on faces it knows."""
    seen: dict[str, str] = {}
    for row in rows:
        if seen.setdefault(row.patient, row.split) != row.split:
            raise DataError(f"manifest.csv: one patient is in {seen[row.patient]} and in {row.split}; split by patient")
