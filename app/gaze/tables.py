"""A table from any tracker, shown before it is opened: header, first rows, and which columns are taken for what."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from egma.errors import GazeError
from egma.gaze.formats import ColumnMapping, guess_mapping, read_head
from egma.gaze.formats.columns import Frame, Unit, guess_parts
from egma.gaze.formats.head import Head

PREVIEW_ROWS = 6
MOST_COLUMNS = 60
_MOST_CHARS = 40
NONE = ""
PARTS = ("x", "y", "start", "end", "duration", "time", "recording")
"""What a column can hold, in the order in which the page asks."""
FRAMES = {NONE: "decide by their size", "image": "pixels of the film", "fraction": "fractions of the film (0 to 1)"}
FRAMES["screen"] = "pixels of the screen, with REFLACX's rectangles"
UNITS = {NONE: "decide by their size", "s": "seconds", "ms": "milliseconds", "us": "microseconds"}


@dataclass(frozen=True)
class Preview:
    """A table's beginning.

    Attributes:
        columns: the header.
        rows: the first rows, as many cells as columns.
        guess: the mapping that the header suggests, by part of `PARTS` and "frame" and "unit"; "" for none.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guess: dict[str, str]


def preview_table(path: Path) -> Preview:
    """Read the header and the first rows of a delimited table."""
    head = read_head(path)
    columns = tuple(name for name in head.columns if name)
    if len(columns) > MOST_COLUMNS:
        raise GazeError(f"the table has {len(columns)} columns, at most {MOST_COLUMNS} can be chosen from")
    body = io.StringIO("\n".join(head.text.splitlines()[1:]))
    rows: list[tuple[str, ...]] = []
    try:
        for cells in csv.reader(body, delimiter=head.separator):
            kept = [cell.strip()[:_MOST_CHARS] for cell, name in zip(cells, head.columns) if name]
            if any(kept):
                rows.append((*kept, *[""] * (len(columns) - len(kept))))
            if len(rows) == PREVIEW_ROWS:
                break
    except csv.Error:
        raise GazeError("the table's first rows cannot be read: a quote never ends; export it again") from None
    return Preview(columns, tuple(rows), _guess(head))


def _guess(head: Head) -> dict[str, str]:
    """The whole mapping where the header suggests one, else what it says of single parts."""
    found = guess_mapping(head)
    parts = guess_parts(head)
    asked = (*PARTS, "frame", "unit")
    return {part: (parts.get(part) if found is None else getattr(found, part)) or NONE for part in asked}


def build_mapping(**chosen: str | None) -> ColumnMapping:
    """The mapping that a reader confirmed.

    Raises:
        GazeError: no column is chosen for x or y.
    """
    values: dict[str, Any] = {part: chosen.get(part) or None for part in (*PARTS, "frame", "unit")}
    for part in ("x", "y"):
        if values[part] is None:
            raise GazeError(f"choose the column that holds {part}")
    if values["frame"] not in (None, *get_args(Frame)) or values["unit"] not in (None, *get_args(Unit)):
        raise GazeError("choose the frame and the unit from the lists")
    if values["start"] and (values["end"] or values["duration"]):
        values["time"] = None
    return ColumnMapping(**values)
