"""Whole gaze data sets on disk, as a user downloads them: metadata with labels, MIMIC-CXR's images, reports and tables.

Every file is in its data set's exact layout (see the loaders' docstrings). Films are noise, gaze is simulated, ids are
invented; nobody was recorded.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from egma.data.record import FilmId
from egma.gaze.track import GazeTrack
from egma.testing.gaze import (
    REFLACX_METADATA,
    eyegaze_pads,
    write_csv,
    write_eyegaze,
    write_reflacx_reading,
)
from egma.testing.mimic_files import CHEXPERT, REPORT, draw_film, write_tables

PHASE_1_LABELS = [
    "Airway wall thickening",
    "Atelectasis",
    "Consolidation",
    "Emphysema",
    "Enlarged cardiac silhouette",
    "Fibrosis",
    "Fracture",
    "Groundglass opacity",
    "Mass",
    "Nodule",
    "Other",
    "Pleural effusion",
    "Pleural thickening",
    "Pneumothorax",
    "Pulmonary edema",
    "Quality issue",
    "Support devices",
    "Wide mediastinum",
]
PHASE_2_LABELS = [
    "Abnormal mediastinal contour",
    "Acute fracture",
    "Atelectasis",
    "Consolidation",
    "Enlarged cardiac silhouette",
    "Enlarged hilum",
    "Groundglass opacity",
    "Hiatal hernia",
    "High lung volume / emphysema",
    "Interstitial lung disease",
    "Lung nodule or mass",
    "Other",
    "Pleural abnormality",
    "Pneumothorax",
    "Pulmonary edema",
    "Support devices",
]
_YES_NO = ("Quality issue", "Support devices")
_SHEET_START = "dicom_id,path,study_id,patient_id,stay_id,gender,anchor_age"
_SHEET_PADS = "image_top_pad,image_bottom_pad,image_left_pad,image_right_pad"
_SHEET_LABELS = [
    "normal_reports",
    "Normal",
    "CHF",
    "pneumonia",
    "consolidation",
    "enlarged_cardiac_silhouette",
    "linear__patchy_atelectasis",
    "lobar__segmental_collapse",
    "not_otherwise_specified_opacity___pleural__parenchymal_opacity__",
    "pleural_effusion_or_thickening",
    "pulmonary_edema__hazy_opacity",
    "normal_anatomically",
    "elevated_hemidiaphragm",
    "hyperaeration",
    "vascular_redistribution",
]
_SHEETCHEXPERT = [f"{name.lower().replace(' ', '_')}__chx" for name in CHEXPERT]
MASTER_SHEET = [
    *_SHEET_START.split(","),
    *_SHEET_PADS.split(","),
    *(name for number in range(1, 10) for name in (f"dx{number}", f"dx{number}_icd")),
    *_SHEET_LABELS,
    *_SHEETCHEXPERT,
    "cxr_exam_indication",
]


@dataclass(frozen=True, eq=False)
class Reading:
    """One REFLACX reading to be written: None for a discarded track; certainties by label name, 0 where not named."""

    film: FilmId
    track: GazeTrack | None
    split: str = "train"
    certainty: Mapping[str, int] = field(default_factory=dict)
    other: str = ""


def write_reflacx_root(root: Path, readings: Mapping[str, Reading]) -> Path:
    """A REFLACX root with the metadata of all three phases; names are ids such as P102R108387 or P300R000001."""
    for phase, labels in (("1", PHASE_1_LABELS), ("2", PHASE_2_LABELS), ("3", PHASE_2_LABELS)):
        rows = [_metadata_row(name, each, labels) for name, each in readings.items() if name[1] == phase]
        write_csv(root / "main_data" / f"metadata_phase_{phase}.csv", [*REFLACX_METADATA, *labels], rows)
    for name, each in readings.items():
        if each.track is not None:
            write_reflacx_reading(root / "main_data" / name, each.track)
    return root


def _metadata_row(name: str, reading: Reading, labels: Sequence[str]) -> list[object]:
    film, track = reading.film, reading.track
    height, width = (3056, 2544) if track is None or track.frame_hw is None else track.frame_hw
    folder = f"p{film.patient[:2]}/p{film.patient}/s{film.study}"
    image = f"physionet.org/files/mimic-cxr/2.0.0/files/{folder}/{film.dicom_id}.dcm"
    start = [name, reading.split, str(track is None), image, film.dicom_id, film.patient, width, height]
    cells = [
        "False" if label in _YES_NO else reading.other if label == "Other" else reading.certainty.get(label, 0)
        for label in labels
    ]
    return [*start, *cells]


def write_eyegaze_root(
    root: Path,
    recordings: Sequence[tuple[FilmId, GazeTrack]],
    labels: Mapping[str, float] | None = None,
    *,
    dirty: bool = True,
    index_column: bool = False,
) -> Path:
    """An EyeGaze root with the master sheet's 59 columns and its free text of several lines."""
    tracks = {film.dicom_id: track for film, track in recordings}
    write_eyegaze(root, tracks, dirty=dirty, index_column=index_column)
    rows: list[list[object]] = []
    for film, track in recordings:
        known: dict[str, object] = {
            "dicom_id": film.dicom_id,
            "path": f"files/p{film.patient[:2]}/p{film.patient}/s{film.study}/{film.dicom_id}.dcm",
            "study_id": film.study,
            "patient_id": film.patient,
            "gender": "F",
            "anchor_age": "20 - 30",
            **dict(zip(_SHEET_PADS.split(","), eyegaze_pads(track))),
            **{f"{name.lower().replace(' ', '_')}__chx": value for name, value in (labels or {}).items()},
            "cxr_exam_indication": 'cough,\n"fever" and\r\nchills',
        }
        rows.append([known.get(name, "") for name in MASTER_SHEET])
    if index_column:
        rows = [[number, *row] for number, row in enumerate(rows)]
    write_csv(root / "master_sheet.csv", [""] * index_column + MASTER_SHEET, rows)
    return root


def write_mimic_eye_root(root: Path, readings: Mapping[str, Reading], *, official: str = "validate") -> Path:
    """A MIMIC-EYE root: each reading's patient with REFLACX, EyeGaze, images, reports and MIMIC-CXR's tables."""
    for name, reading in readings.items():
        film, patient = reading.film, root / f"patient_{reading.film.patient}"
        write_reflacx_root(patient / "REFLACX", {name: reading})
        _join_phases(patient / "REFLACX")
        shape = (100, 100)
        if reading.track is not None:
            shape = reading.track.frame_hw or shape
            write_eyegaze_root(patient / "EyeGaze", [(film, reading.track)], dirty=False, index_column=True)
        draw_film(patient / "CXR-JPG" / f"s{film.study}" / f"{film.dicom_id}.jpg", shape)
        (patient / "CXR-DICOM").mkdir(exist_ok=True)
        (patient / "CXR-DICOM" / f"s{film.study}.txt").write_text(REPORT, "utf-8")
        names = {"split": "cxr_split.csv", "chexpert": "cxr_chexpert.csv", "metadata": "cxr_meta.csv"}
        write_tables(patient / "CXR-JPG", [(film, shape)], official, names, index_column=True)
    return root


def _join_phases(root: Path) -> None:
    """The three phases' metadata as MIMIC-EYE's one `metadata.csv`: the union of columns, blank where one has none."""
    columns = [*REFLACX_METADATA, *sorted({*PHASE_1_LABELS, *PHASE_2_LABELS})]
    rows: list[Sequence[object]] = []
    for phase in (1, 2, 3):
        path = root / "main_data" / f"metadata_phase_{phase}.csv"
        with path.open(newline="", encoding="utf-8") as stream:
            rows += [[row.get(name, "") for name in columns] for row in csv.DictReader(stream)]
        path.unlink()
    write_csv(root / "metadata.csv", ["", *columns], [[number, *row] for number, row in enumerate(rows)])
