"""Reader of NIH ChestX-ray14 as its box folder lays it out: tables, official test list, boxes, twelve image folders."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from egma.data.places import Root
from egma.errors import DataError
from egma.evaluation.sets.films import ABSENT, PRESENT, Box, Film, LabelledSet, Region, RegionSet, check_films
from egma.evaluation.table import read_rows
from egma.findings import FINDINGS

FRAME_PX = 1024
"""Side of the released PNGs, in whose pixels boxes are given."""
_TABLES = ("Data_Entry_2017_v2020.csv", "Data_Entry_2017.csv")
_SPELLINGS = {"Pleural_Thickening": "Pleural Thickening", "Infiltrate": "Infiltration"}
_BELOW = ("images", *(f"images_{number:03}/images" for number in range(1, 13)), "")


def read_nih(folder: Path) -> LabelledSet:
    """14 findings and "No Finding" on the films of test_list.txt that are on disk; the rest trains and validates."""
    table = next((folder / name for name in _TABLES if (folder / name).is_file()), None)
    if table is None:
        raise DataError(f"NIH ChestX-ray14: the label table was not found; wanted {' or '.join(_TABLES)}")
    test = _read_list(folder / "test_list.txt")
    root = Root(folder, _BELOW)
    films: list[Film] = []
    listed = 0
    for line, row in enumerate(read_rows(table, ["Image Index", "Finding Labels", "Patient ID"]), start=2):
        name = row["Image Index"]
        listed += name in test
        path = root.find(name).path
        if path is not None:
            split = "test" if name in test else _split_of(row["Patient ID"])
            truth = _read_truth(row["Finding Labels"], f"{table.name}, row {line}")
            films.append(Film(name, path, row["Patient ID"], truth, split, row.get("View Position", "")))
    have = sum(film.split == "test" for film in films)
    rule = f"the official test_list.txt: {have} of its {listed} films are on disk; labels text-mined"
    return check_films(LabelledSet("nih", "NIH ChestX-ray14", FINDINGS, False, tuple(films), "frontal (PA, AP)", rule))


def read_nih_regions(folder: Path) -> RegionSet:
    """The boxes of BBox_List_2017.csv, those of a finding on a film as one region; all are test films."""
    from egma.evaluation.prompts import phrase_of

    boxes: dict[tuple[str, str], list[Box]] = defaultdict(list)
    for row in read_rows(folder / "BBox_List_2017.csv", ["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"]):
        x, y, w, h = (float(row[name]) / FRAME_PX for name in ("Bbox [x", "y", "w", "h]"))
        finding = _SPELLINGS.get(row["Finding Label"], row["Finding Label"])
        boxes[(row["Image Index"], finding)].append((x, y, w, h))
    root = Root(folder, _BELOW)
    regions = []
    for (name, finding), found in boxes.items():
        path = root.find(name).path
        if path is not None:
            film = Film(name, path, name.split("_")[0], ())
            regions.append(Region(film, finding, phrase_of(finding), tuple(found)))
    rule = f"BBox_List_2017.csv: {len(regions)} of its {len(boxes)} regions have their film on disk"
    return RegionSet("nih", "NIH ChestX-ray14 boxes", tuple(regions), "frontal (PA, AP)", rule)


def _read_list(path: Path) -> frozenset[str]:
    if not path.is_file():
        raise DataError("NIH ChestX-ray14: test_list.txt was not found; it lies beside the label table")
    return frozenset(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())


def _read_truth(text: str, where: str) -> tuple[int, ...]:
    names = {_SPELLINGS.get(name.strip(), name.strip()) for name in text.split("|")}
    unknown = names - set(FINDINGS)
    if unknown:
        raise DataError(
            f"{where}: {sorted(unknown)[0][:40]!r} is no finding of ChestX-ray14; is the table another one?"
        )
    return tuple(PRESENT if finding in names else ABSENT for finding in FINDINGS)


def _split_of(patient: str) -> str:
    """One training patient in ten validates, the same ones every time."""
    return "val" if int("".join(sign for sign in patient if sign.isdigit()) or 0) % 10 == 0 else "train"
