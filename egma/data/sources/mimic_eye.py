"""MIMIC-EYE: each patient's REFLACX readings and EyeGaze recordings as records, with that patient's own tables."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from egma.data.mimic_tables import load_mimic_tables
from egma.data.record import Layout, Record
from egma.data.rows import read_id
from egma.data.sample import Dropped
from egma.data.sources import eyegaze, reflacx
from egma.errors import DataError, GazeError
from egma.gaze.formats import mimic_eye
from egma.gaze.formats.spans import Progress


def matches(root: Path) -> bool:
    """Whether a folder is MIMIC-EYE's root."""
    return any(root.glob("patient_*"))


def read_layout(root: Path, on_progress: Progress | None = None) -> Layout:
    """Every recording of every patient. A patient whose files are damaged is named and left out."""
    records: list[Record] = []
    dropped: list[Dropped] = []
    folders = mimic_eye.patients(root)
    for done, folder in enumerate(folders, 1):
        try:
            found = _read_patient(folder)
        except (DataError, GazeError) as error:
            dropped.append(Dropped(folder.name, str(error)))
        else:
            for layout in found:
                records += [_of_patient(record, folder) for record in layout.records]
                dropped += layout.dropped
        if on_progress is not None:
            on_progress(done, len(folders))
    return Layout("mimic-eye", tuple(records), tuple(dropped))


def _read_patient(folder: Path) -> list[Layout]:
    tables = load_mimic_tables([folder / "CXR-JPG"])
    layouts: list[Layout] = []
    if (folder / "REFLACX").is_dir():
        layouts.append(reflacx.read_layout(folder / "REFLACX", tables))
    if any((folder / "EyeGaze" / name).is_file() for name in eyegaze.RECORDINGS):
        layouts.append(eyegaze.read_layout(folder / "EyeGaze", tables))
    return layouts


def _of_patient(record: Record, folder: Path) -> Record:
    """The record with the folder's patient, which is what the folder is sorted by."""
    patient = read_id(folder.name.removeprefix("patient_")) or record.film.patient
    return replace(record, film=replace(record.film, patient=patient))
