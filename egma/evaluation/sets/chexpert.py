"""Readers of CheXpert's lists: competition set, 5x200 in both published layouts, ConVIRT's 8x200; CheXlocalize."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from egma.data.places import Root
from egma.errors import DataError
from egma.evaluation.sets.films import (
    ABSENT,
    PRESENT,
    Film,
    LabelledSet,
    Region,
    RegionSet,
    check_films,
    find_film,
    read_label,
)
from egma.evaluation.sets.rle import decode_coco
from egma.evaluation.table import Row, read_rows

FIVE = ("Atelectasis", "Cardiomegaly", "Consolidation", "Edema", "Pleural Effusion")
EIGHT = (
    "No Finding",
    "Cardiomegaly",
    "Edema",
    "Pneumonia",
    "Atelectasis",
    "Pneumothorax",
    "Pleural Effusion",
    "Fracture",
)
_BELOW = ("", "CheXpert-v1.0", "CheXpert-v1.0-small", "CheXpert", "CheXlocalize/CheXpert")
_LISTS_5X200 = ("chexpert_5x200.csv", "chexpert-5x200-val-meta.csv", "chexpert-5x200-meta.csv")
_LISTS_8X200 = ("candidate.csv", "image-retrieval/candidate.csv", "text-retrieval/candidate.csv")
_PATIENT = re.compile(r"patient\d+")
_TOP = re.compile(r"^.*?(?=(?:train|valid|val|test)/patient\d)")
_KEY = re.compile(r"(patient\d+)_(study\d+)_(view\d+_\w+)")


def read_competition(folder: Path, with_train: bool = False) -> LabelledSet:
    """Five findings on the expert-labelled test films (test_labels.csv), else validation films (valid.csv); frontal."""
    places = [folder / below / name for name in ("test_labels.csv", "valid.csv") for below in _BELOW]
    table = next((path for path in places if path.is_file()), None)
    if table is None:
        raise DataError("CheXpert: neither test_labels.csv nor valid.csv was found; is the copy complete?")
    films = _read_films(folder, read_rows(table, ["Path", *FIVE]), FIVE, table.name, "test", frontal=True)
    train = table.parent / "train.csv"
    if with_train and train.is_file():
        films += _read_films(folder, read_rows(train, ["Path", *FIVE]), FIVE, train.name, "", frontal=True)
    rule = f"{table.name}, labelled by radiologists; training labels are text-mined, uncertain ones left out"
    return check_films(LabelledSet("chexpert", "CheXpert competition", FIVE, False, tuple(films), "frontal only", rule))


def read_5x200(folder: Path) -> LabelledSet:
    """CheXpert-5x200 in GLoRIA's layout (Path) or MedCLIP's (imgpath); which list it was, its hash says."""
    return _read_exclusive(folder, _LISTS_5X200, FIVE, "chexpert-5x200", "CheXpert-5x200")


def read_8x200(folder: Path) -> LabelledSet:
    """CheXpert-8x200 in the layout of ConVIRT's candidate.csv."""
    return _read_exclusive(folder, _LISTS_8X200, EIGHT, "chexpert-8x200", "CheXpert-8x200")


def read_localize_regions(folder: Path) -> RegionSet:
    """CheXlocalize's masks: gt_segmentations_test.json as test and gt_segmentations_val.json as validation."""
    from egma.evaluation.prompts import phrase_of

    regions: list[Region] = []
    for split, names in (("test", "test"), ("val", "val")):
        places = [folder / below / f"gt_segmentations_{names}.json" for below in ("", "CheXlocalize")]
        path = next((path for path in places if path.is_file()), None)
        if path is not None:
            regions += _read_masks(folder, path, split, phrase_of)
    if not any(region.film.split == "test" for region in regions):  # only the validation masks are at hand
        regions = [_moved(region) for region in regions]
    if not regions:
        raise DataError("CheXlocalize: no gt_segmentations_val.json or gt_segmentations_test.json holds a mask")
    rule = "masks of gt_segmentations_test.json (validation masks where there are no others), findings with a mask"
    return RegionSet("chexlocalize", "CheXlocalize", tuple(regions), "as listed", rule)


def _read_exclusive(
    folder: Path, lists: tuple[str, ...], classes: tuple[str, ...], name: str, title: str
) -> LabelledSet:
    table = next((folder / each for each in lists if (folder / each).is_file()), None)
    if table is None:
        raise DataError(f"{title}: the list was not found; wanted {' or '.join(lists)}")
    films = _read_films(folder, read_rows(table, list(classes)), classes, table.name, "test", frontal=False)
    laterals = sum(film.view == "lateral" for film in films)
    views = f"as listed ({laterals} laterals)" if laterals else "frontal only"
    rule = f"{table.name}: {len(films)} films, each with one of {len(classes)} findings"
    return check_films(LabelledSet(name, title, classes, True, tuple(films), views, rule))


def _read_films(
    folder: Path, rows: list[Row], classes: tuple[str, ...], table: str, split: str, *, frontal: bool
) -> list[Film]:
    column = next((name for name in ("Path", "imgpath") if rows and name in rows[0]), None)
    if column is None:
        raise DataError(f"{table}: no column names the film; wanted Path or imgpath, and at least one row")
    root = Root(folder, _BELOW)
    films: list[Film] = []
    for line, row in enumerate(rows, start=2):
        name = _TOP.sub("", row[column].replace("\\", "/"))
        view = "lateral" if "lateral" in name else "frontal"
        if frontal and view == "lateral":
            continue
        found = _PATIENT.search(name)
        patient = found.group() if found else name
        truth = tuple(read_label(row[label], f"{table}, row {line}, column {label}") for label in classes)
        if not frontal:  # in lists of one class a film, a blank says absent
            truth = tuple(PRESENT if value == PRESENT else ABSENT for value in truth)
        path = find_film(root, name, table)
        films.append(Film(name, path, patient, truth, split or _split_of(patient), view))
    return films


def _split_of(patient: str) -> str:
    """One training patient in ten validates, the same ones every time."""
    return "val" if int(re.sub(r"\D", "", patient) or 0) % 10 == 0 else "train"


def _read_masks(folder: Path, path: Path, split: str, phrase_of: Any) -> list[Region]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise DataError(f"{path.name} is no JSON that can be read; copy it again") from None
    root = Root(folder, _BELOW)
    regions: list[Region] = []
    for key, findings in sorted(content.items()):
        match = _KEY.fullmatch(key)
        if match is None or not isinstance(findings, dict):
            raise DataError(
                f"{path.name}: wanted a film's name such as patient64541_study1_view1_frontal, got {key[:40]!r}"
            )
        relative = "/".join(match.groups()) + ".jpg"
        found = next(
            (place for top in ("valid", "val", "test") if (place := root.find(f"{top}/{relative}").path)), None
        )
        if found is None:
            raise DataError(
                f"{path.name}: the film {key} was not found below valid, val or test; is the copy complete?"
            )
        film = Film(relative, found, match.group(1), (), split, "lateral" if "lateral" in key else "frontal")
        for finding, mask in findings.items():
            region = Region(
                film, finding, phrase_of(finding), draw=_Mask(mask["counts"], mask["size"]), mark=str(mask["counts"])
            )
            if region.mask((int(mask["size"][0]), int(mask["size"][1]))).any():
                regions.append(region)
    return regions


class _Mask:
    """Draws a COCO mask at the film's own size."""

    def __init__(self, counts: Any, size: Any) -> None:
        self._counts, self._size = counts, size

    def __call__(self, shape: tuple[int, int]) -> Any:
        drawn = decode_coco(self._counts, self._size)
        if drawn.shape != shape:
            raise DataError(f"a mask is {drawn.shape[0]} x {drawn.shape[1]} pixels, its film {shape[0]} x {shape[1]}")
        return drawn


def _moved(region: Region) -> Region:
    from dataclasses import replace

    return replace(region, film=replace(region.film, split="test"))
