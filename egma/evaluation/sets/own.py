"""Readers of the workbench's own layouts: the manifest of `shared/data`, labels.csv and pairs.csv."""

from __future__ import annotations

import csv
from collections import defaultdict
from pathlib import Path

from egma.data.manifest import load_manifest
from egma.data.places import Root
from egma.errors import DataError
from egma.evaluation.sets.films import (
    ABSENT,
    PRESENT,
    SPLITS,
    UNKNOWN,
    Film,
    LabelledSet,
    Region,
    RegionSet,
    check_films,
    check_patients,
    find_film,
    read_label,
)
from egma.evaluation.table import Row, read_rows
from egma.findings import FINDINGS, build_findings

_IMAGE = ("image", "path", "file", "filename", "Path")
_ABOUT = frozenset((*_IMAGE, "patient", "split", "view", "text", "report", "sex", "age", "source", "licence", "label"))


def read_manifest(folder: Path) -> LabelledSet:
    """The films of cxr/manifest.csv; only films whose findings are all labelled are tested on."""
    films = [
        Film(
            name=f"cxr/images/{row.path.name}",
            path=row.path,
            patient=row.patient,
            truth=tuple(
                (PRESENT if present else ABSENT) if known else UNKNOWN for present, known in zip(row.present, row.known)
            ),
            split=row.split,
            view=row.view,
        )
        for row in load_manifest(folder)
        if row.split == "train" or row.known.all()
    ]
    # A training film may have several notes, a row each; a test film listed twice is refused below.
    trained = {film.name: film for film in films if film.split == "train"}
    films = [*trained.values(), *(film for film in films if film.split != "train")]
    if not any(film.split == "test" for film in films):
        raise DataError("the manifest has no test film whose findings are all labelled")
    rule = "the manifest's test split, films whose labels speak of every finding; labels text-mined"
    return check_films(
        LabelledSet("manifest", "The workbench's manifest", FINDINGS, False, tuple(films), "frontal (PA, AP)", rule)
    )


def read_manifest_regions(folder: Path) -> RegionSet:
    """The boxes of cxr/boxes.csv, asked by each finding's first sentence; the boxes of a finding on a film are one."""
    films = {film.path.name: film for film in read_manifest(folder).tested}
    prompts = build_findings()
    boxes: dict[tuple[str, str], list[tuple[float, float, float, float]]] = defaultdict(list)
    wanted = ["image", "label", "x", "y", "width", "height", "frame_width", "frame_height"]
    for row in read_rows(folder / "cxr" / "boxes.csv", wanted):
        wide, high = float(row["frame_width"]), float(row["frame_height"])
        x, y, w, h = (float(row[name]) for name in ("x", "y", "width", "height"))
        boxes[(Path(row["image"]).name, row["label"])].append((x / wide, y / high, w / wide, h / high))
    regions = [
        Region(films[image], label, prompts[label].positive[0], tuple(found))
        for (image, label), found in boxes.items()
        if image in films and label in prompts
    ]
    rule = "boxes of NIH ChestX-ray14 on the manifest's test films, one region a finding and film"
    return RegionSet("manifest", "The workbench's manifest", tuple(regions), "frontal (PA, AP)", rule)


def read_labels(folder: Path) -> LabelledSet:
    """labels.csv: image, patient, split, view, then a column of 1, 0, -1 or blank a class; or one column `label`."""
    table = folder / "labels.csv"
    rows = read_rows(table, [])
    if not rows:
        raise DataError("labels.csv has a header and no row; write a row for each film")
    image = next((name for name in _IMAGE if name in rows[0]), None)
    if image is None:
        raise DataError(f"labels.csv: no column names the film; call it {_IMAGE[0]!r}")
    single = "label" in rows[0]
    classes = _classes(rows, single)
    root = Root(folder)
    films = [_read_film(root, row, image, classes, single, line) for line, row in enumerate(rows, start=2)]
    if not any(film.split == "test" for film in films):
        raise DataError("labels.csv: no film is in the split 'test'; leave the column out to test on all films")
    rule = "labels.csv's test split" if "split" in rows[0] else "every film of labels.csv"
    return check_films(LabelledSet("labels", "labels.csv", classes, single, tuple(films), "as listed", rule))


def read_pairs(folder: Path) -> LabelledSet:
    """pairs.csv: image, text, and patient where it is known. Every film's text is its own."""
    rows = read_rows(folder / "pairs.csv", ["image", "text"])
    root = Root(folder)
    films = []
    for line, row in enumerate(rows, start=2):
        if not row["text"]:
            raise DataError(f"pairs.csv, row {line}: the text is empty; leave the row out or fill it in")
        path = find_film(root, row["image"], "pairs.csv")
        films.append(Film(row["image"], path, row.get("patient") or row["image"], (), text=row["text"]))
    found = LabelledSet("pairs", "pairs.csv", (), False, tuple(films), "as listed", "every row of pairs.csv")
    check_patients(found.title, found.films)
    return check_films(found)


def _classes(rows: list[Row], single: bool) -> tuple[str, ...]:
    if single:
        return tuple(sorted({row["label"] for row in rows if row["label"]}))
    classes = tuple(name for name in rows[0] if name and name not in _ABOUT)
    if not classes:
        raise DataError("labels.csv: no column holds labels; add one for each class, with 1 or 0 for each film")
    return classes


def _read_film(root: Root, row: Row, image: str, classes: tuple[str, ...], single: bool, line: int) -> Film:
    split = row.get("split", "") or "test"
    if split not in SPLITS:
        raise DataError(f"labels.csv, row {line}: wanted a split of {', '.join(SPLITS)}, got {split[:20]!r}")
    if single:
        if not row["label"]:
            raise DataError(f"labels.csv, row {line}: the label is empty; leave the row out or fill it in")
        truth = tuple(PRESENT if name == row["label"] else ABSENT for name in classes)
    else:
        truth = tuple(read_label(row[name], f"labels.csv, row {line}, column {name[:40]}") for name in classes)
    name = row[image]
    text = row.get("text", "") or row.get("report", "")
    path = find_film(root, name, "labels.csv")
    return Film(name, path, row.get("patient") or name, truth, split, row.get("view", ""), text)


def write_labels(folder: Path, classes: tuple[str, ...], films: list[tuple[str, str, str, tuple[int, ...]]]) -> Path:
    """labels.csv of films (image, patient, split, truth), in the layout that `read_labels` reads."""
    path = folder / "labels.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "split", *classes])
        writer.writerows([image, patient, split, *truth] for image, patient, split, truth in films)
    return path
