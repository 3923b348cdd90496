"""Readers of PhysioNet's sets, from the user's own credentialed copy: MIMIC-5x200, MS-CXR, VinDr-CXR."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egma.data.places import Root
from egma.errors import DataError
from egma.evaluation.sets.chexpert import FIVE
from egma.evaluation.sets.films import (
    ABSENT,
    PRESENT,
    Box,
    Film,
    LabelledSet,
    Region,
    RegionSet,
    check_films,
    find_film,
    read_label,
)
from egma.evaluation.table import read_rows

_MS_CXR = ("MS_CXR_Local_Alignment_v1.1.0.csv", "MS_CXR_Local_Alignment_v1.0.0.csv")
_VINDR = ("annotations/annotations_test.csv", "annotations_test.csv", "train.csv")
_TEXT = ("text", "report", "Report", "Report Impression", "impression")


def read_mimic_5x200(folder: Path) -> LabelledSet:
    """mimic_5x200.csv: a path below the copy, a column for each of five findings, and the report where it has one."""
    table = "mimic_5x200.csv"
    rows = read_rows(folder / table, list(FIVE))
    column = next((name for name in ("path", "Path", "imgpath", "image") if rows and name in rows[0]), None)
    if column is None:
        raise DataError(f"{table}: no column names the film; wanted path, Path or imgpath, and at least one row")
    text = next((name for name in _TEXT if name in rows[0]), None)
    root = Root(folder, ("", "files"))
    films = []
    for line, row in enumerate(rows, start=2):
        truth = tuple(
            PRESENT if read_label(row[name], f"{table}, row {line}, column {name}") == PRESENT else ABSENT
            for name in FIVE
        )
        path = find_film(root, row[column], table)
        patient = row.get("subject_id") or next(
            (part for part in Path(row[column]).parts if _is_patient(part)), row[column]
        )
        films.append(Film(row[column], path, patient, truth, text=row[text] if text else ""))
    rule = f"{table}: {len(films)} films, each with one of five findings"
    return check_films(LabelledSet("mimic-5x200", "MIMIC-5x200", FIVE, True, tuple(films), "as listed", rule))


def read_ms_cxr_regions(folder: Path) -> RegionSet:
    """MS-CXR: a phrase and its boxes on one film are one region."""
    table = next((folder / name for name in _MS_CXR if (folder / name).is_file()), None)
    if table is None:
        raise DataError(f"MS-CXR: the table was not found; wanted {' or '.join(_MS_CXR)}")
    wanted = ["category_name", "label_text", "path", "x", "y", "w", "h", "image_width", "image_height"]
    boxes: dict[tuple[str, str, str], list[Box]] = defaultdict(list)
    for row in read_rows(table, wanted):
        wide, high = float(row["image_width"]), float(row["image_height"])
        x, y, w, h = (float(row[name]) for name in ("x", "y", "w", "h"))
        boxes[(row["path"], row["category_name"], row["label_text"])].append((x / wide, y / high, w / wide, h / high))
    root = Root(folder, ("", "files"))
    regions = []
    for (path, category, phrase), found in boxes.items():
        patient = next((part for part in Path(path).parts if _is_patient(part)), path)
        film = Film(path, find_film(root, path, table.name), patient, ())
        regions.append(Region(film, category, phrase, tuple(found)))
    return RegionSet("ms-cxr", "MS-CXR", tuple(regions), "frontal", f"{table.name}: every phrase with its boxes")


def read_vindr_regions(folder: Path) -> RegionSet:
    """VinDr-CXR: all readers' boxes of a finding on a film are one region; the consensus test set where it is there."""
    from egma.evaluation.prompts import phrase_of

    table = next((folder / name for name in _VINDR if (folder / name).is_file()), None)
    if table is None:
        raise DataError(f"VinDr-CXR: the table of boxes was not found; wanted {' or '.join(_VINDR)}")
    boxes: dict[tuple[str, str], set[Box]] = defaultdict(set)
    for row in read_rows(table, ["image_id", "class_name", "x_min", "y_min", "x_max", "y_max"]):
        if row["x_min"]:
            left, top, right, bottom = (float(row[name]) for name in ("x_min", "y_min", "x_max", "y_max"))
            boxes[(row["image_id"], row["class_name"])].add((left, top, right - left, bottom - top))
    root = Root(folder, ("test", "train"))
    regions = []
    for (image, finding), found in boxes.items():
        names = (f"{image}{suffix}" for suffix in (".dicom", ".dcm", ".png", ".jpg"))
        path = next((place for name in names if (place := root.find(name).path)), None)
        if path is None:
            raise DataError(f"VinDr-CXR: the film {image[:40]} was not found in test or train; is the copy complete?")
        ordered = tuple(sorted(found))
        regions.append(
            Region(
                Film(image, path, image, ()), finding, phrase_of(finding), draw=_PixelBoxes(ordered), mark=str(ordered)
            )
        )
    return RegionSet(
        "vindr", "VinDr-CXR", tuple(regions), "frontal (PA)", f"boxes of {table.name}, all readers together"
    )


class _PixelBoxes:
    """Draws boxes that are given in the film's own pixels."""

    def __init__(self, boxes: tuple[Box, ...]) -> None:
        self._boxes = boxes

    def __call__(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        drawn = np.zeros(shape, bool)
        for x, y, width, height in self._boxes:
            drawn[max(0, int(y)) : int(np.ceil(y + height)), max(0, int(x)) : int(np.ceil(x + width))] = True
        return drawn


def _is_patient(part: str) -> bool:
    return len(part) > 3 and part[0] == "p" and part[1:].isdigit()
