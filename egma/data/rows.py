"""Rows of a data set's CSV files as dicts of text, and the whole numbers that ids are, read alike everywhere."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path

from egma.errors import DataError
from egma.gaze.formats.head import decode

MAX_BYTES = 1 << 28
MAX_DIGITS = 12
# CheXpert's codes as tables write them: 1 present, 0 absent, -1 uncertain; anything else says nothing.
CHEXPERT_CODES = {"1": 1, "1.0": 1, "0": 0, "0.0": 0, "-1": -1, "-1.0": -1}


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """Each row by column name, gzipped or not; cells that a short row lacks are "".

    Raises:
        DataError: the file cannot be read, or is damaged.
    """
    try:
        text = decode(_read_bytes(path))
        for row in csv.DictReader(io.StringIO(text, newline="")):
            yield {name: cell or "" for name, cell in row.items() if name}
    except (OSError, EOFError, zlib.error, csv.Error):
        raise DataError(f"{path.name} is damaged or cannot be read; download it again") from None


def _read_bytes(path: Path) -> bytes:
    """A table's bytes, unpacked; never more than a table may have, whatever a small packed file would grow to."""
    if not path.is_file():
        raise DataError(f"{path.name} is no ordinary file")
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise DataError(f"{path.name} is larger than {MAX_BYTES >> 20} MiB, which no table of this data set is")
    return data


def read_id(cell: str | None) -> str:
    """A whole number as its digits, also where a table wrote it as 50414267.0; "" for anything else."""
    text = (cell or "").strip().removesuffix(".0")
    return text if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else ""


def read_code(cell: str) -> str:
    """A short code such as "PA" or "F"; "" for anything that is none."""
    text = cell.strip()
    return text if len(text) <= 20 and text.replace("-", "").replace(" ", "").isalnum() and text.isascii() else ""
