"""Columns of a delimited file as arrays, with the first cell that is not what its column wants named by row."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError
from egma.gaze.formats.head import HEAD_BYTES, decode

if TYPE_CHECKING:
    import polars as pl

Float64 = NDArray[np.float64]
BLANKS = ["", "nan", "NaN", "NAN", "NA", "N/A", "None", "null", "."]
TRUE = ("true", "1", "1.0", "yes")


class Table:
    """The chosen columns of a delimited file.

    `numbers(name)` is float64 (N,), NaN where blank; `texts(name)` is a list of stripped strings, "" where blank.
    """

    def __init__(self, frame: pl.DataFrame, what: str) -> None:
        self._frame = frame
        self._what = what
        self.columns = tuple(frame.columns)

    def __len__(self) -> int:
        return self._frame.height

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def numbers(self, name: str) -> Float64:
        """float64 (N,), NaN where blank.

        Raises:
            GazeError: a cell is neither blank nor a number.
        """
        import polars as pl

        column = self._frame[name]
        if column.dtype == pl.String:
            stripped = column.str.strip_chars().replace(BLANKS, [None] * len(BLANKS))
            column = stripped.cast(pl.Float64, strict=False)
            wrong = (column.is_null() & stripped.is_not_null()).arg_true()
            if len(wrong):
                got = str(stripped[int(wrong[0])])[:20]
                raise GazeError(f"{self._what}: column {name}, row {wrong[0] + 1}: wanted a number, got {got!r}")
        return column.fill_null(float("nan")).to_numpy().astype(np.float64)

    def stack(self, names: Sequence[str]) -> Float64:
        """float64 (N, len(names)), the columns beside each other."""
        return np.column_stack([self.numbers(name) for name in names])

    def texts(self, name: str) -> list[str]:
        """The column's cells as strings, "" where blank."""
        import polars as pl

        return self._frame[name].cast(pl.String).fill_null("").str.strip_chars().to_list()

    def flags(self, name: str) -> NDArray[np.bool_]:
        """bool (N,), the cells that say true."""
        return np.array([cell.lower() in TRUE for cell in self.texts(name)], np.bool_)


def read_table(
    source: Path | bytes,
    what: str,
    *,
    numbers: Sequence[str] = (),
    texts: Sequence[str] = (),
    optional: Sequence[str] = (),
    separator: str = ",",
) -> Table:
    """Read chosen columns.

    Args:
        source: a file, or its bytes.
        what: the file's name in a sentence.
        numbers, texts: columns that must be there.
        optional: columns read as text where they are there.
        separator: between cells.

    Raises:
        GazeError: the file is empty, a column is missing, or a line does not fit the header.
    """
    import polars as pl

    data = _as_bytes(source)
    header = _header(data, what, separator)
    missing = [name for name in (*numbers, *texts) if name not in header]
    if missing:
        raise GazeError(f"{what}: the column {missing[0]} is missing; the columns are {', '.join(header)[:300]}")
    chosen = [name for name in header if name in {*numbers, *texts, *optional}]
    try:
        try:
            frame = _read(data, header, chosen, set(numbers), separator)
        except pl.exceptions.ComputeError:
            # A cell is no number (or is padded with blanks): as text, so that `numbers` can say which.
            frame = _read(data, header, chosen, set(), separator)
    except pl.exceptions.PolarsError:
        raise GazeError(
            f"{what}: a line does not fit the header of {len(header)} columns: it has more or fewer cells, or a quote "
            "that never ends; export the file again"
        ) from None
    return Table(frame, what)


def _read(data: bytes, header: list[str], chosen: list[str], numbers: set[str], separator: str) -> pl.DataFrame:
    """The chosen columns, those in `numbers` as float64 and the others as text; blank lines left out."""
    import polars as pl

    places = {name: f"column_{header.index(name) + 1}" for name in chosen}
    kinds = {f"column_{place + 1}": pl.Float64 if name in numbers else pl.String for place, name in enumerate(header)}
    frame = pl.read_csv(
        data,
        schema=kinds,
        columns=list(places.values()),
        has_header=False,
        skip_lines=1,
        separator=separator,
        null_values=[""],
        encoding="utf8-lossy",
    ).rename({place: name for name, place in places.items()})
    return frame.filter(~pl.all_horizontal(pl.all().is_null())) if chosen else frame


def _as_bytes(source: Path | bytes) -> bytes:
    try:
        data = source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise GazeError(f"the file cannot be read ({error.strerror}); check that it may be") from None
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return decode(data).encode()
    return data.removeprefix(codecs.BOM_UTF8)


def _header(data: bytes, what: str, separator: str) -> list[str]:
    line = data[:HEAD_BYTES].decode("utf-8", "replace").splitlines()[:1]
    if not line or not line[0].strip():
        raise GazeError(f"{what} is empty: wanted a header and at least one line; export it again")
    names = [name.strip() for name in next(csv.reader(io.StringIO(line[0]), delimiter=separator))]
    for index, name in enumerate(names):
        if name and name in names[:index]:
            raise GazeError(f"{what}: the column {name[:40]} is there twice; keep one")
    return names
