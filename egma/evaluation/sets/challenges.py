"""Readers of the two challenges: RSNA pneumonia with its boxes, SIIM-ACR pneumothorax with its run-length masks."""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from egma.data.places import Root
from egma.errors import DataError
from egma.evaluation.sets.films import (
    ABSENT,
    PRESENT,
    Box,
    Film,
    LabelledSet,
    Region,
    RegionSet,
    check_films,
    split_as_mgca,
)
from egma.evaluation.sets.rle import decode_siim
from egma.evaluation.table import read_rows

RSNA_PX = 1024
"""Side of every film of the challenge, in whose pixels boxes are given."""
_SPLIT = "70/15/15 split of MGCA (shuffled with seed 0)"
_SIIM_TABLES = ("train-rle.csv", "stage_2_train.csv")
_SIIM_IMAGES = ("dicom-images-train", "stage_2_images", "siim/dicom-images-train")


def read_rsna(folder: Path) -> LabelledSet:
    """Pneumonia or none on MGCA's test split."""
    films, _ = _read_rsna(folder)
    rule = f"stage_2_train_labels.csv, {_SPLIT}"
    classes = ("No Finding", "Pneumonia")
    return check_films(LabelledSet("rsna", "RSNA pneumonia", classes, True, films, "frontal (PA, AP)", rule))


def read_rsna_regions(folder: Path) -> RegionSet:
    """The boxes of films with pneumonia, those of a film as one region."""
    from egma.evaluation.prompts import phrase_of

    films, boxes = _read_rsna(folder)
    regions = tuple(
        Region(film, "Pneumonia", phrase_of("Pneumonia"), boxes[film.name]) for film in films if film.name in boxes
    )
    rule = f"boxes of stage_2_train_labels.csv, {_SPLIT}"
    return RegionSet("rsna", "RSNA pneumonia boxes", regions, "frontal (PA, AP)", rule)


def read_siim(folder: Path) -> LabelledSet:
    """Pneumothorax or none on the test split."""
    films, _ = _read_siim(folder)
    rule = f"one row a film, {_SPLIT}, applied to films in the table's order"
    classes = ("No Finding", "Pneumothorax")
    return check_films(LabelledSet("siim", "SIIM-ACR pneumothorax", classes, True, films, "frontal", rule))


def read_siim_regions(folder: Path) -> RegionSet:
    """The masks of films with pneumothorax, those of a film as one region."""
    from egma.evaluation.prompts import phrase_of

    films, masks = _read_siim(folder)
    regions = tuple(
        Region(
            film,
            "Pneumothorax",
            phrase_of("Pneumothorax"),
            draw=_Masks(masks[film.name]),
            mark="|".join(masks[film.name]),
        )
        for film in films
        if film.name in masks
    )
    return RegionSet("siim", "SIIM-ACR masks", regions, "frontal", f"run-length masks, {_SPLIT}")


class _Masks:
    """Draws a film's masks, which the challenge gives at 1024 x 1024, at the film's own size."""

    def __init__(self, codes: tuple[str, ...]) -> None:
        self._codes = codes

    def __call__(self, shape: tuple[int, int]) -> NDArray[np.bool_]:
        drawn = decode_siim(self._codes[0])
        for code in self._codes[1:]:
            drawn = drawn | decode_siim(code)
        if drawn.shape == shape:
            return drawn
        rows = (_centers(shape[0]) * drawn.shape[0]).astype(int)
        columns = (_centers(shape[1]) * drawn.shape[1]).astype(int)
        return drawn[rows][:, columns]


def _centers(count: int) -> NDArray[np.float64]:
    return (np.arange(count) + 0.5) / count


def _read_rsna(folder: Path) -> tuple[tuple[Film, ...], dict[str, tuple[Box, ...]]]:
    boxes: dict[str, list[Box]] = defaultdict(list)
    targets: dict[str, int] = {}
    table = "stage_2_train_labels.csv"
    for line, row in enumerate(
        read_rows(folder / table, ["patientId", "x", "y", "width", "height", "Target"]), start=2
    ):
        if row["Target"] not in ("0", "1"):
            raise DataError(f"{table}, row {line}: wanted a Target of 0 or 1, got {row['Target'][:20]!r}")
        targets[row["patientId"]] = int(row["Target"])
        if row["Target"] == "1":
            x, y, w, h = (float(row[name]) / RSNA_PX for name in ("x", "y", "width", "height"))
            boxes[row["patientId"]].append((x, y, w, h))
    root = Root(folder, ("stage_2_train_images",))
    films = []
    for patient in sorted(targets):
        place = root.find(f"{patient}.dcm")
        if place.path is None:
            raise DataError(f"RSNA: the film {patient[:40]}.dcm is not in stage_2_train_images; is the copy complete?")
        truth = (ABSENT, PRESENT) if targets[patient] else (PRESENT, ABSENT)
        films.append(Film(f"{patient}.dcm", place.path, patient, truth))
    return split_as_mgca(films), {f"{patient}.dcm": tuple(found) for patient, found in boxes.items()}


def _read_siim(folder: Path) -> tuple[tuple[Film, ...], dict[str, tuple[str, ...]]]:
    table = next((folder / name for name in _SIIM_TABLES if (folder / name).is_file()), None)
    if table is None:
        raise DataError(f"SIIM-ACR: the table of masks was not found; wanted {' or '.join(_SIIM_TABLES)}")
    codes: dict[str, list[str]] = {}
    for row in read_rows(table, ["ImageId", "EncodedPixels"]):
        codes.setdefault(row["ImageId"], [])
        if row["EncodedPixels"] not in ("-1", ""):
            codes[row["ImageId"]].append(row["EncodedPixels"])
    paths = _index_films(folder)
    films = []
    for image, masks in codes.items():
        if image not in paths:
            raise DataError(f"SIIM-ACR: the film {image[-40:]} was not found; is the copy complete?")
        films.append(Film(image, paths[image], image, (ABSENT, PRESENT) if masks else (PRESENT, ABSENT)))
    return split_as_mgca(films), {image: tuple(masks) for image, masks in codes.items() if masks}


def _index_films(folder: Path) -> dict[str, Path]:
    """{ImageId: file} of every DICOM below the image folders; links are not followed."""
    found: dict[str, Path] = {}
    for top in _SIIM_IMAGES:
        for where, _, names in os.walk(folder / top):
            found |= {name[:-4]: Path(where) / name for name in names if name.endswith(".dcm")}
    return found
