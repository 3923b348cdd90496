"""REFLACX readings as records: labels from the readers' certainties, the official split, films by MIMIC-CXR's ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from egma.data.finding_labels import labels_from_certainty, merge_labels
from egma.data.mimic_tables import MimicTables
from egma.data.record import FilmId, Layout, Record
from egma.data.rows import read_id, read_rows
from egma.data.sample import UNKNOWN, Dropped, Labels
from egma.data.splits import read_split
from egma.gaze.formats import reflacx

if TYPE_CHECKING:
    from egma.gaze.track import GazeTrack

_STUDY = re.compile(r"/s([0-9]{1,12})/")
_IDS = ("Unnamed: 0", "id", "split", "eye_tracking_data_discarded", "image", "dicom_id", "subject_id")
_NO_LABELS = frozenset((*_IDS, "image_size_x", "image_size_y", "Support devices", "Quality issue", "Other"))
_NOTHING = ("", "[]", "nan", "0", "0.0", "False")


def matches(root: Path) -> bool:
    """Whether a folder is a REFLACX root."""
    return (root / "main_data").is_dir() or any(root.glob("metadata_phase_*.csv"))


def read_layout(root: Path, tables: MimicTables) -> Layout:
    """Every reading below a REFLACX root, or below a MIMIC-EYE patient's REFLACX folder."""
    rows = {row.get("id", "").strip(): row for path in _metadata_files(root) for row in read_rows(path)}
    recordings = reflacx.index(root)
    records: list[Record] = []
    dropped = [Dropped(f"reflacx-{each.name}", each.reason) for each in recordings.skipped]
    for entry in recordings.entries:
        row = rows.get(entry.name)
        if row is None:
            dropped.append(Dropped(f"reflacx-{entry.name}", "no metadata file names it: its film is unknown"))
        else:
            records.append(_record(entry.name, row, entry.load, tables))
    return Layout("reflacx", tuple(records), tuple(dropped))


def _metadata_files(root: Path) -> list[Path]:
    return [*sorted((root / "main_data").glob("metadata*.csv")), *sorted(root.glob("metadata*.csv"))]


def _record(name: str, row: dict[str, str], load: Callable[[], GazeTrack], tables: MimicTables) -> Record:
    dicom_id = row.get("dicom_id", "").strip()
    study = _STUDY.search(row.get("image", ""))
    film = FilmId(read_id(row.get("subject_id")), study[1] if study else "", dicom_id)
    height, width = read_id(row.get("image_size_y")), read_id(row.get("image_size_x"))
    return Record(
        name=f"reflacx-{name}",
        film=film,
        load=load,
        source="reflacx",
        official=read_split(row.get("split", "")) or tables.splits.get(dicom_id),
        labels=merge_labels(_labels(row), tables.labels_of(film.study)),
        shape_hw=(int(height), int(width)) if height and width else tables.shapes_hw.get(dicom_id),
        view=tables.views.get(dicom_id, ""),
    )


def _labels(row: dict[str, str]) -> Labels:
    values = {name: _certainty(cell) for name, cell in row.items() if name not in _NO_LABELS}
    if all(value is None for value in values.values()):
        return UNKNOWN
    return labels_from_certainty(values, other=row.get("Other", "").strip() not in _NOTHING)


def _certainty(cell: str) -> int | None:
    """0 to 5; None where that phase has no such label."""
    text = cell.strip().removesuffix(".0")
    return int(text) if text in ("0", "1", "2", "3", "4", "5") else None
