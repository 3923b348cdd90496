"""Columns of a delimited file as arrays, with the first cell that is not what its column wants named by row."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from egma.errors import GazeError
from egma.gaze.formats.clean import CleanTable, check_lines, clean_table

if TYPE_CHECKING:
    import polars as pl

Float64 = NDArray[np.float64]
BLANKS = ["", "nan", "NaN", "NAN", "NA", "N/A", "None", "null", "."]
TRUE = ("true", "1", "1.0", "yes")


class Table:
    """The chosen columns of a delimited file.

    `numbers(name)` is float64 (N,), NaN where blank; `texts(name)` is a list of stripped strings, "" where blank;
    `notes` says what of the file was left out.
    """

    def __init__(self, frame: pl.DataFrame, what: str, clean: CleanTable) -> None:
        self._frame = frame
        self._what = what
        self._clean = clean
        self.columns = tuple(frame.columns)
        self.notes = clean.notes

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
            if self._clean.decimal_comma:
                stripped = stripped.str.replace(",", ".", literal=True)
            column = stripped.cast(pl.Float64, strict=False)
            wrong = (column.is_null() & stripped.is_not_null()).arg_true()
            if len(wrong):
                got = str(stripped[int(wrong[0])])[:20]
                if got == name[:20]:
                    raise GazeError(
                        f"{self._what}: row {wrong[0] + 1} is the header again, as where exports are joined; split the "
                        "file there, or name each recording in a column of its own"
                    )
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

    clean = clean_table(_as_bytes(source), separator, what)
    header = clean.header
    missing = [name for name in (*numbers, *texts) if name not in header]
    if missing:
        raise GazeError(f"{what}: the column {missing[0]} is missing; the columns are {', '.join(header)[:300]}")
    chosen = [name for name in header if name in {*numbers, *texts, *optional}]
    clean = check_lines(clean, separator, what, max((header.index(name) + 1 for name in chosen), default=0))
    try:
        return Table(_read_or_text(clean, chosen, set(numbers), separator), what, clean)
    except pl.exceptions.PolarsError:
        raise GazeError(
            f"{what}: a line does not fit the header of {len(header)} columns: it has more or fewer cells, or a quote "
            "that never ends; export the file again"
        ) from None


def _read_or_text(clean: CleanTable, chosen: list[str], numbers: set[str], separator: str) -> pl.DataFrame:
    """As `_read`; all as text where cells are quoted, padded or no numbers, so that `numbers` can say which."""
    import polars as pl

    if b'"' in clean.data:  # a lone quote in a column of numbers makes the parser panic
        return _read(clean, chosen, set(), separator)
    try:
        return _read(clean, chosen, numbers, separator)
    except pl.exceptions.ComputeError:
        return _read(clean, chosen, set(), separator)


def _read(clean: CleanTable, chosen: list[str], numbers: set[str], separator: str) -> pl.DataFrame:
    """The chosen columns, those in `numbers` as float64 and the others as text; blank lines left out."""
    import polars as pl

    places = {name: f"column_{clean.header.index(name) + 1}" for name in chosen}
    kinds: dict[str, Any] = {f"column_{place + 1}": pl.String for place in range(clean.width)}
    kinds.update({place: pl.Float64 for name, place in places.items() if name in numbers})
    frame = pl.read_csv(
        clean.data,
        schema=kinds,
        columns=list(places.values()),
        has_header=False,
        skip_lines=1,
        separator=separator,
        null_values=[""],
        encoding="utf8-lossy",
        decimal_comma=clean.decimal_comma,
    ).rename({place: name for name, place in places.items()})
    return frame.filter(~pl.all_horizontal(pl.all().is_null())) if chosen else frame


def _as_bytes(source: Path | bytes) -> bytes:
    try:
        return source if isinstance(source, bytes) else source.read_bytes()
    except OSError as error:
        raise GazeError(f"the file cannot be read ({error.strerror}); check that it may be") from None
