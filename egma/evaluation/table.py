"""Rows of a CSV file, strictly: what cannot be read is one sentence that names file, row and column."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import zlib
from collections.abc import Sequence
from pathlib import Path

from egma.errors import DataError

MAX_BYTES = 2_000_000_000
_MAX_CELL = 1_000_000
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Row = dict[str, str]


def read_rows(path: Path, wanted: Sequence[str], *, separator: str = ",") -> list[Row]:
    """Every row as {column: cell}, cells stripped of blanks.

    Args:
        path: a .csv, or .csv.gz.
        wanted: columns that must be there.
        separator: between cells.

    Raises:
        DataError: no file, no text, no header, a missing or repeated column, a row of another length.
    """
    text = _read_text(path)
    previous = csv.field_size_limit(_MAX_CELL)
    try:
        return _parse(path.name, text, wanted, separator)
    except csv.Error as error:
        raise DataError(f"{path.name} is no table that can be read ({error}); export it again as CSV") from None
    finally:
        csv.field_size_limit(previous)


def _parse(name: str, text: str, wanted: Sequence[str], separator: str) -> list[Row]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    header = [cell.strip() for cell in next(reader, [])]
    if not any(header):
        raise DataError(f"{name} is empty: wanted a header with {', '.join(wanted)}")
    for place, column in enumerate(header):
        if column and column in header[:place]:
            raise DataError(f"{name}: the column {column[:40]!r} is there twice; keep one")
    for column in wanted:
        if column not in header:
            raise DataError(f"{name}: the column {column[:60]!r} is missing; it has {', '.join(header)[:200]}")
    rows: list[Row] = []
    for number, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        beyond = cells[len(header) :] + header[len(cells) :]  # NIH's boxes have unnamed, empty columns at the end
        if any(cell.strip() for cell in beyond):
            raise DataError(f"{name}, row {number}: wanted {len(header)} cells as in the header, got {len(cells)}")
        rows.append({column: cell.strip() for column, cell in zip(header, cells)})
    return rows


def _read_text(path: Path) -> str:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise DataError(f"{path.name} is above {MAX_BYTES // 1_000_000_000} GB; split it")
        data = path.read_bytes()
        if path.suffix == ".gz":
            data = gzip.decompress(data)
    except OSError as error:
        raise DataError(f"{path.name} cannot be read ({error.strerror or 'damaged'}); check the path") from None
    except (EOFError, zlib.error):
        raise DataError(f"{path.name} is damaged; copy it again") from None
    encoding = next((name for mark, name in _BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"{path.name} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    if "\0" in text:
        raise DataError(f"{path.name} holds zero bytes, so it is no table; export it again as CSV")
    return text
