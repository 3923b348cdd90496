"""EyeGaze (EGD) recordings as records: films and CheXpert labels from the master sheet. It has no official split."""

from __future__ import annotations

from pathlib import Path

from egma.data.finding_labels import labels_from_columns, merge_labels
from egma.data.mimic_tables import MimicTables
from egma.data.record import FilmId, Layout, Record
from egma.data.rows import CHEXPERT_CODES, read_code, read_id, read_rows
from egma.data.sample import Dropped, Labels
from egma.gaze.formats import eyegaze
from egma.gaze.formats.head import read_head
from egma.gaze.formats.spans import Progress
from egma.gaze.recordings import Entry

READER = "egd-1"  # one radiologist read all films (Karargyris et al. 2021)
RECORDINGS = ("fixations.csv", "eye_gaze.csv")
_CHEXPERT = "__chx"


def matches(root: Path) -> bool:
    """Whether a folder is an EyeGaze root: recordings of many films, and the sheet that says whose they are."""
    path = next((root / name for name in RECORDINGS if (root / name).is_file()), None)
    return (root / "master_sheet.csv").is_file() and path is not None and eyegaze.matches(read_head(path))


def read_layout(root: Path, tables: MimicTables, on_progress: Progress | None = None) -> Layout:
    """Every recording of an EyeGaze root, or of a MIMIC-EYE patient's EyeGaze folder."""
    path = root / "master_sheet.csv"
    # The sheet's free text has line breaks: only a CSV parser may split it.
    sheet = {row.get("dicom_id", "").strip(): row for row in read_rows(path)} if path.is_file() else {}
    recordings = eyegaze.index(root, on_progress)
    records: list[Record] = []
    dropped = [Dropped(f"eyegaze-{each.name}", each.reason) for each in recordings.skipped]
    for entry in recordings.entries:
        row = sheet.get(entry.ids["dicom_id"])
        if row is None:
            dropped.append(Dropped(f"eyegaze-{entry.name}", "no master sheet names its film: its patient is unknown"))
        else:
            records.append(_record(entry, row, tables))
    return Layout("eyegaze", tuple(records), tuple(dropped))


def _record(entry: Entry, row: dict[str, str], tables: MimicTables) -> Record:
    dicom_id = entry.ids["dicom_id"]
    film = FilmId(read_id(row.get("patient_id")), read_id(row.get("study_id")), dicom_id)
    return Record(
        name=f"eyegaze-{entry.name}",
        film=film,
        load=entry.load,
        source="eyegaze",
        official=tables.splits.get(dicom_id),
        labels=merge_labels(_labels(row), tables.labels_of(film.study)),
        shape_hw=tables.shapes_hw.get(dicom_id),
        reader=READER,
        view=tables.views.get(dicom_id, ""),
        sex=read_code(row.get("gender", "")),
    )


def _labels(row: dict[str, str]) -> Labels:
    columns = {name.removesuffix(_CHEXPERT): cell.strip() for name, cell in row.items() if name.endswith(_CHEXPERT)}
    return labels_from_columns({name: CHEXPERT_CODES.get(cell) for name, cell in columns.items()})
