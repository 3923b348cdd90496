"""A table's header, first rows and the meaning that its columns' names suggest: for a reader to correct."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from egma.errors import LibraryError
from egma.index.sources.tables import TableSource

ROWS = 5
MOST_COLUMNS = 60
_MOST_CHARS = 160


@dataclass(frozen=True)
class TablePreview:
    """A table's beginning.

    Attributes:
        header: every column's name.
        rows: the first rows, cut to a line each, as many cells as columns.
        guess: what a column seems to hold -> its name.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    guess: dict[str, str]


def preview_table(path: Path, encoding: str = "") -> TablePreview:
    """The beginning of a table.

    Raises:
        LibraryError: it is empty, not text, has too many columns to choose from, or no row.
    """
    table = TableSource(path, encoding=encoding, guess_only=True)
    if len(table.header) > MOST_COLUMNS:
        raise LibraryError(
            f"the table has {len(table.header):,} columns, at most {MOST_COLUMNS} can be chosen from; leave some out"
        )
    rows = tuple(_fitted(row, len(table.header)) for row in islice(table.rows(), ROWS))
    if not rows:
        raise LibraryError("the table has a header and no row below it, so there is no report to add")
    return TablePreview(tuple(table.header), rows, {what: table.header[place] for what, place in table.columns.items()})


def _fitted(row: list[str], width: int) -> tuple[str, ...]:
    cells = [" ".join(cell.split())[:_MOST_CHARS] for cell in row[:width]]
    return (*cells, *[""] * (width - len(cells)))
