"""A table of films: a manifest CSV, or a folder with labels.csv and its images. One row a film, columns by name.

Wanted is a column of images. Used where they are there: id, patient, study, split, labels (names joined by "|") or one
column a finding (1, 0, -1 or blank), text (a report), view, sex, age, source, licence.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from egma.data.finding_labels import (
    find_findings,
    labels_from_columns,
    labels_from_names,
    labels_from_sentences,
    merge_labels,
)
from egma.data.manifest import read_labels
from egma.data.places import Root
from egma.data.problems import ProblemLog, plain
from egma.data.reports import read_sentences
from egma.data.sample import UNKNOWN, Labels, Problem, Sample, SampleSet, Split
from egma.data.splits import read_split, split_patients, with_splits
from egma.errors import DataError
from egma.gaze.formats.head import decode

FILE_NAMES = ("manifest.csv", "labels.csv", "cxr/manifest.csv")
_MAX_CELL = 131_072
_MOST_NAMED = 8
MAX_BYTES = 1 << 28
_PATIENTLESS = Problem(
    "no patient column",
    "no column says which films are of one patient: each film is taken for a patient of its own, so that films of one "
    "patient may be in two splits; add a column 'patient'",
    blocking=False,
)

# Names in use for each column, without case, spaces and marks; the first that is in the header wins.
_COLUMNS: dict[str, tuple[str, ...]] = {
    part: tuple(names.split())
    for part, names in {
        "image": "image imagepath imageindex path filepath file filename film imagefile dicomid imageid",
        "id": "id uid sampleid",
        "patient": "patient patientid subjectid subject",
        "study": "study studyid",
        "split": "split fold partition subset",
        "labels": "labels findinglabels label finding",
        "text": "text report reporttext caption",
        "view": "view viewposition frontallateral appa",
        "sex": "sex gender patientgender patientsex",
        "age": "age patientage",
        "source": "source dataset",
        "licence": "licence license",
    }.items()
}
_CODES = {"1": 1, "0": 0, "-1": -1, "1.0": 1, "0.0": 0, "-1.0": -1, "": None, "nan": None, "true": 1, "false": 0}


@dataclass(frozen=True, eq=False)
class Row:
    """One usable row: its number (the header is 1), the split it names, and the film."""

    number: int
    split: Split | None
    sample: Sample


@dataclass(frozen=True)
class Columns:
    """Which of a table's columns hold what: names by part, and the columns that are named by a finding."""

    parts: dict[str, str]
    findings: tuple[str, ...]


def find_table(path: Path) -> Path | None:
    """The table of a folder, or the file itself; None where the folder has none.

    Raises:
        DataError: it is a link that leads elsewhere.
    """
    folder, names = (path.parent, (path.name,)) if path.is_file() else (path, FILE_NAMES)
    table = next((folder / name for name in names if (folder / name).is_file()), None)
    if table is not None and not table.resolve().is_relative_to(folder.resolve()):
        raise DataError(f"{plain(table.name)} is a link that leads out of its folder; copy the table there")
    return table


def load_table(path: Path, *, split_seed: int = 0) -> SampleSet:
    """Read every row; rows that cannot be used are named in the set's problems.

    Args:
        path: a CSV file; images lie in its folder, or in `images` below it.
        split_seed: of the split by patient, where the table has none.

    Raises:
        DataError: the file is no table, has no column of images, or no row.
    """
    header, rows = _read_rows(path)
    columns = _find_columns(header, path.name)
    log = ProblemLog()
    root = Root(path.absolute().parent)
    found = [_read_row(row, raw, columns, root, log) for row, raw in rows]
    kept = _without_repeats([row for row in found if row is not None], log)
    splits = _split(kept, log, split_seed)
    extra = () if "patient" in columns.parts else (_PATIENTLESS,)
    return SampleSet(with_splits([row.sample for row in kept], splits), (), log.problems() + extra, "table")


def _read_rows(path: Path) -> tuple[list[str], Iterator[tuple[int, dict[str, str]]]]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB; split it into several tables")
        text = decode(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror}); check that it may be") from None
    first = next((line for line in text.splitlines() if line.strip()), "")
    if not first:
        raise DataError(f"{path.name} is empty or no text: wanted a table with a header and a row a film")
    separator = max((",", "\t", ";"), key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = [row for row in reader if any(cell.strip() for cell in row)]
    except csv.Error:
        rows = []
    # the reader's own limit is the process's, and others may have raised it
    if not rows or any(len(cell) > _MAX_CELL for row in rows for cell in row):
        raise DataError(f"{path.name} is no table that can be read: a cell is too long or damaged")
    header = [name.strip() for name in rows[0]]
    twice = next((name for at, name in enumerate(header) if name and name in header[:at]), None)
    if twice is not None:
        raise DataError(f"{path.name}: the column {plain(twice)} is there twice; keep one")
    if len(rows) < 2:
        raise DataError(f"{path.name} has a header but no row; add a row for each film")
    return header, ((row, dict(zip(header, cells))) for row, cells in enumerate(rows[1:], start=2))


def _find_columns(header: list[str], name: str) -> Columns:
    spelt = {_plain(column): column for column in reversed(header) if column}
    parts = {part: next((spelt[each] for each in names if each in spelt), "") for part, names in _COLUMNS.items()}
    if not parts["image"]:
        raise DataError(f"{name}: no column names the images; wanted 'image', got {_describe_header(header)}")
    used = {part: column for part, column in parts.items() if column}
    findings = tuple(column for column in header if find_findings(column) and column not in used.values())
    return Columns(used, findings)


def _describe_header(header: list[str]) -> str:
    """The columns' names; a line that is not divided is no header, and may be anything."""
    if len(header) < 2:
        return "a first line that is not divided into columns"
    names = [plain(column, 30) for column in header[:_MOST_NAMED]]
    more = f" and {len(header) - _MOST_NAMED} more" if len(header) > _MOST_NAMED else ""
    return f"the columns {', '.join(names)}{more}"


def _plain(column: str) -> str:
    return re.sub(r"[^a-z]", "", column.lower())


def _read_row(row: int, raw: dict[str, str], columns: Columns, root: Root, log: ProblemLog) -> Row | None:
    cells = {part: (raw.get(column) or "").strip() for part, column in columns.parts.items()}
    name = cells["image"]
    place = root.find(name)
    if place.problem:
        log.note(place.problem, row, name)
    if place.path is None:
        return None
    word = cells.get("split", "")
    split = read_split(word)
    if word and split is None:
        log.note("unknown split", row, word)
    text = cells.get("text", "")
    sentences = read_sentences(text) if text else ()
    if sentences is None:
        log.note("text", row)
    labels = merge_labels(_labels(row, raw, cells, columns, log), labels_from_sentences(sentences or ()))
    sample = Sample(
        id=cells.get("id") or name,
        patient=cells.get("patient") or f"film {name}",
        study=cells.get("study", ""),
        split=split or "train",
        image_path=place.path,
        sentences=sentences or (),
        times_s=(None,) * len(sentences or ()),
        labels=labels,
        gaze=(None,) * len(sentences or ()),
        source=cells.get("source") or "table",
        view=cells.get("view", ""),
        sex=cells.get("sex", ""),
        age=_age(cells.get("age", "")),
        licence=cells.get("licence", ""),
    )
    return Row(row, split, sample)


def _labels(row: int, raw: dict[str, str], cells: dict[str, str], columns: Columns, log: ProblemLog) -> Labels:
    """From the columns named by findings, then from the list of names."""
    values: dict[str, int | None] = {}
    for column in columns.findings:
        cell = (raw.get(column) or "").strip().lower()
        if cell not in _CODES:
            log.note("label", row, f"{column}: {cell}")
        values[column] = _CODES.get(cell)
    names = [name.strip() for name in re.split(r"[|;]", cells.get("labels", "")) if name.strip()]
    if "source" in columns.parts and names:
        # The project's own manifests: NIH's labels are complete, a diagnosis says nothing of other findings.
        present, known = read_labels("|".join(names), cells["source"])
        listed: Labels = tuple(int(p) if p or k else None for p, k in zip(present.tolist(), known.tolist()))
    else:
        for name in names:
            if not find_findings(name):
                log.note("finding", row, name)
        listed = labels_from_names(names, others_absent=True)
    return merge_labels(labels_from_columns(values) if values else UNKNOWN, listed)


def _age(text: str) -> float | None:
    try:
        age = float(text)
    except ValueError:
        return None
    return age if 0 <= age < 150 else None


def _without_repeats(rows: list[Row], log: ProblemLog) -> list[Row]:
    seen: set[str] = set()
    kept: list[Row] = []
    for row in rows:
        if row.sample.id in seen:
            log.note("duplicate id", row.number, row.sample.id)
            continue
        seen.add(row.sample.id)
        kept.append(row)
    return kept


def _split(rows: list[Row], log: ProblemLog, seed: int) -> dict[str, Split]:
    splits, contradicted = split_patients(((row.sample.patient, row.split) for row in rows), seed)
    blamed = set(contradicted)
    for row in rows:
        if row.sample.patient in blamed:
            blamed.remove(row.sample.patient)
            log.note("two splits", row.number)
    return splits
