"""MIMIC-CXR-JPG's own tables, where the user has them: official split, CheXpert labels, film size and view.

`mimic-cxr-2.0.0-{split,chexpert,metadata}.csv`, gzipped or not, beside the images; in MIMIC-EYE each patient has its
part as `CXR-JPG/cxr_{split,chexpert,meta}.csv`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from egma.data.finding_labels import find_findings, labels_from_columns
from egma.data.rows import CHEXPERT_CODES, read_code, read_id, read_rows
from egma.data.sample import UNKNOWN, Labels, Split
from egma.data.splits import read_split

SPLIT_NAMES = ("mimic-cxr-2.0.0-split.csv", "mimic-cxr-2.1.0-split.csv", "cxr_split.csv")
CHEXPERT_NAMES = ("mimic-cxr-2.0.0-chexpert.csv", "mimic-cxr-2.1.0-chexpert.csv", "cxr_chexpert.csv")
METADATA_NAMES = ("mimic-cxr-2.0.0-metadata.csv", "mimic-cxr-2.1.0-metadata.csv", "cxr_meta.csv")


@dataclass(frozen=True, eq=False)
class MimicTables:
    """What MIMIC-CXR-JPG says, by DICOM id (splits, sizes, views) and by study (labels)."""

    splits: dict[str, Split] = field(default_factory=dict)
    labels: dict[str, Labels] = field(default_factory=dict)
    shapes_hw: dict[str, tuple[int, int]] = field(default_factory=dict)
    views: dict[str, str] = field(default_factory=dict)

    def labels_of(self, study: str) -> Labels:
        """A study's labels; unknown where the tables have none."""
        return self.labels.get(study, UNKNOWN)


def load_mimic_tables(folders: Iterable[Path]) -> MimicTables:
    """Read the tables that lie in any of the folders; none may be there.

    Raises:
        DataError: a table is damaged.
    """
    tables = MimicTables()
    for folder in folders:
        for row in _rows(folder, SPLIT_NAMES):
            split = read_split(row.get("split", ""))
            if split is not None:
                tables.splits[row.get("dicom_id", "")] = split
        for row in _rows(folder, CHEXPERT_NAMES):
            columns = {name: CHEXPERT_CODES.get(cell.strip()) for name, cell in row.items() if find_findings(name)}
            tables.labels[read_id(row.get("study_id"))] = labels_from_columns(columns)
        for row in _rows(folder, METADATA_NAMES):
            _note_film(tables, row)
    return tables


def _note_film(tables: MimicTables, row: dict[str, str]) -> None:
    rows, columns = read_id(row.get("Rows")), read_id(row.get("Columns"))
    if rows and columns and min(int(rows), int(columns)) > 0:
        tables.shapes_hw[row.get("dicom_id", "")] = (int(rows), int(columns))
    tables.views[row.get("dicom_id", "")] = read_code(row.get("ViewPosition", ""))


def table_files(folders: Iterable[Path]) -> list[Path]:
    """The tables that `load_mimic_tables` would read."""
    names = (SPLIT_NAMES, CHEXPERT_NAMES, METADATA_NAMES)
    found = [_find(folder, each) for folder in folders for each in names]
    return [path for path in found if path is not None]


def _find(folder: Path, names: tuple[str, ...]) -> Path | None:
    paths = (folder / name for base in names for name in (base, f"{base}.gz"))
    return next((path for path in paths if path.is_file()), None)


def _rows(folder: Path, names: tuple[str, ...]) -> Iterator[dict[str, str]]:
    path = _find(folder, names)
    return iter(()) if path is None else read_rows(path)
