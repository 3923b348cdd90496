"""MIMIC-CXR's files as a download has them: images, reports and tables of films that nobody took.

Films are noise and ids invented; the report is the project's own.
"""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from egma.data.record import FilmId
from egma.testing.gaze import invented_dicom_id

CHEXPERT = [
    "Atelectasis",
    "Cardiomegaly",
    "Consolidation",
    "Edema",
    "Enlarged Cardiomediastinum",
    "Fracture",
    "Lung Lesion",
    "Lung Opacity",
    "No Finding",
    "Pleural Effusion",
    "Pleural Other",
    "Pneumonia",
    "Pneumothorax",
    "Support Devices",
]
REPORT = """                                 FINAL REPORT
 EXAMINATION:  CHEST (PA AND LAT)

 INDICATION:  ___ year old woman with cough.

 FINDINGS:

 There is a small left pleural effusion.  The heart size is
 normal.  No pneumothorax is seen.

 IMPRESSION:

 Small left pleural effusion.
"""


def invented_film(number: int) -> FilmId:
    """A film of no patient there is; every number another patient and study."""
    return FilmId(str(18000000 + number), str(50000000 + number), invented_dicom_id(number))


def write_mimic_cxr(
    root: Path, films: Sequence[tuple[FilmId, tuple[int, int]]], *, official: str = "validate", tables: bool = True
) -> Path:
    """MIMIC-CXR-JPG's `files` with an image and a report for each film, and its gzipped tables beside them."""
    for film, shape in films:
        folder = root / "files" / f"p{film.patient[:2]}" / f"p{film.patient}"
        draw_film(folder / f"s{film.study}" / f"{film.dicom_id}.jpg", shape)
        (folder / f"s{film.study}.txt").write_text(REPORT, "utf-8")
    if tables:
        names = {part: f"mimic-cxr-2.0.0-{part}.csv.gz" for part in ("split", "chexpert", "metadata")}
        write_tables(root, films, official, names)
    return root


def draw_film(path: Path, shape: tuple[int, int]) -> Path:
    """A grey picture of noise, never all alike."""
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(sum(path.name.encode()))
    Image.fromarray(random.integers(0, 255, shape, dtype=np.uint8)).save(path)
    return path


def write_tables(
    folder: Path,
    films: Sequence[tuple[FilmId, tuple[int, int]]],
    official: str,
    names: Mapping[str, str],
    *,
    index_column: bool = False,
) -> None:
    """The tables of splits, CheXpert labels and metadata under the given names, gzipped where a name says so."""
    split = [["dicom_id", "study_id", "subject_id", "split"]]
    split += [[film.dicom_id, film.study, film.patient, official] for film, _ in films]
    chexpert = [["subject_id", "study_id", *CHEXPERT]]
    chexpert += [
        [film.patient, film.study, *("1.0" if name == "Pleural Effusion" else "" for name in CHEXPERT)]
        for film, _ in films
    ]
    metadata = [["dicom_id", "subject_id", "study_id", "ViewPosition", "Rows", "Columns"]]
    metadata += [[film.dicom_id, film.patient, film.study, "PA", str(h), str(w)] for film, (h, w) in films]
    for part, rows in (("split", split), ("chexpert", chexpert), ("metadata", metadata)):
        if index_column:
            rows = [["" if number == 0 else str(number - 1), *row] for number, row in enumerate(rows)]  # noqa: PLW2901
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(rows)
        data = text.getvalue().encode()
        (folder / names[part]).write_bytes(gzip.compress(data) if names[part].endswith(".gz") else data)
