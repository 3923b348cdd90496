"""What real exports have around their cells: encodings, old line ends, lines above the header, ends that are cut off.

A table is brought to UTF-8 with its header first; a last line that was cut off is left out and said; a line in the
middle that lacks cells is refused by its row.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from egma.errors import GazeError

HEAD_BYTES = 65536
SEPARATORS = (",", "\t", ";", "|")
_UTF32 = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = ("#", "//", "%", "sep=")  # comments, and the line by which Excel names the separator
_DECIMAL_COMMA, _DECIMAL_POINT = re.compile(r"\s*-?\d*,\d+\s*"), re.compile(r"\s*-?\d*\.\d+\s*")
_LINE = re.compile(r"[^\r\n]+")
_SAMPLE_LINES = 50
CUT_OFF = "the last line is cut off and left out: the recording may end early"


@dataclass(frozen=True)
class CleanTable:
    """A table's bytes, fit to be parsed.

    Attributes:
        data: UTF-8 (odd bytes as they are), the header first, lines that end in a line feed.
        header: the columns' names, stripped.
        decimal_comma: numbers are written 0,25.
        width: cells of the longest line; those beyond the header are blank.
        notes: what was left out.
    """

    data: bytes
    header: list[str]
    decimal_comma: bool
    width: int
    notes: tuple[str, ...]


def decode(data: bytes) -> str:
    """Bytes as text: UTF-16 and UTF-32 by marks or zeros, else UTF-8 (odd bytes replaced); "" where it is no text."""
    for marks, width, name in ((_UTF32, 4, "utf-32"), (_UTF16, 2, "utf-16")):
        if data.startswith(marks):
            return data[: len(data) // width * width].decode(name, "replace")
    if b"\0" in data[:HEAD_BYTES]:
        name = _unmarked_utf16(data[:1024])
        return data[: len(data) // 2 * 2].decode(name, "replace") if name else ""
    return data.decode("utf-8-sig", "replace")


def _unmarked_utf16(head: bytes) -> str:
    """The byte order of UTF-16 without its mark: Latin letters have a zero in every other byte. "" for none."""
    odd, even = head[1::2], head[0::2]
    for zeros, letters, name in ((odd, even, "utf-16-le"), (even, odd, "utf-16-be")):
        if len(zeros) and zeros.count(0) > 0.9 * len(zeros) and not letters.count(0):
            return name
    return ""


def find_header(text: str) -> int:
    """Where the header's line begins: below blank lines, comments, and titles that have no cell."""
    for found in _LINE.finditer(text):
        line = found[0].strip().lower()
        if line and not line.startswith(_MARKS) and any(mark in found[0] for mark in SEPARATORS):
            return found.start()
    return len(text) - len(text.lstrip())


def split_line(line: str, separator: str) -> list[str]:
    """The cells of one line, stripped."""
    return [cell.strip() for cell in next(csv.reader(io.StringIO(line), delimiter=separator), [])]


def clean_table(data: bytes, separator: str, what: str) -> CleanTable:
    """Bring a table's bytes to a header and whole lines; `what` is its name in a sentence."""
    data = _as_utf8(data)
    start = find_header(data[:HEAD_BYTES].decode("latin-1"))  # one character a byte, so that places are offsets
    data = data[start:] if start else data
    end = data.find(b"\n")
    line = data[: end if end >= 0 else len(data)].decode("utf-8", "replace").rstrip("\r")
    if not line.strip():
        raise GazeError(f"{what} is empty: wanted a header and at least one line; export it again")
    try:
        header = split_line(line, separator)
    except csv.Error:
        raise GazeError(f"{what}: its first line is no header: a cell is too long; export it again") from None
    for index, name in enumerate(header):
        if name and name in header[:index]:
            raise GazeError(f"{what}: the column {name[:40]} is there twice; keep one")
    if end >= 0 and data[end + 1 : end + 2] in (b"\r", b"\n"):  # the parser counts columns in the line below
        data = data[: end + 1] + data[end + 1 :].lstrip(b"\r\n")
    return CleanTable(data, header, _has_decimal_comma(data, separator), len(header), ())


def check_lines(table: CleanTable, separator: str, what: str, least: int) -> CleanTable:
    """Every line with at least `least` cells: a short last line is left out, a short one before it is refused.

    Raises:
        GazeError: a line in the middle is cut off, or one has more cells than the header.
    """
    mark, columns = separator.encode(), len(table.header)
    lines = table.data.count(b"\n") + (not table.data.endswith(b"\n"))
    if table.data.count(mark) == (columns - 1) * lines:  # nothing quoted, blank or ragged: the usual file
        return table
    width, short = columns, None
    for row, cells in enumerate(_cells(table.data, separator)):
        if short is not None:
            raise GazeError(f"{what}: row {short} is cut off: it has too few cells for its {columns} columns; mend it")
        if len(cells) > columns:
            if any(cell.strip() for cell in cells[columns:]):
                raise GazeError(
                    f"{what}: row {row} does not fit the header of {columns} columns: it has more or fewer cells "
                    f"({len(cells)}); export the file again"
                )
            width = max(width, len(cells))
        short = row if row > 0 and len(cells) < least else None
    if short is None:
        return CleanTable(table.data, table.header, table.decimal_comma, width, table.notes)
    data = table.data.rstrip(b"\r\n\t ")
    data = data[: data.rfind(b"\n") + 1]
    return CleanTable(data, table.header, table.decimal_comma, width, (*table.notes, CUT_OFF))


def _cells(data: bytes, separator: str) -> Iterator[list[str]]:
    """The cells of every line that is not blank, the header's first."""
    text = io.StringIO(data.decode("utf-8", "replace"), newline="")
    try:
        if b'"' in data:
            yield from (row for row in csv.reader(text, delimiter=separator) if any(cell.strip() for cell in row))
        else:
            yield from (line.rstrip("\r\n").split(separator) for line in text if line.strip())
    except csv.Error:
        return  # the parser itself will say what is wrong


def _as_utf8(data: bytes) -> bytes:
    """UTF-8 without its mark, and with line feeds where lines end in carriage returns alone."""
    if data.startswith((*_UTF32, *_UTF16)) or b"\0" in data[:HEAD_BYTES]:
        data = decode(data).encode()
    data = data.removeprefix(codecs.BOM_UTF8)
    return data.replace(b"\r", b"\n") if b"\r" in data[:HEAD_BYTES] and b"\n" not in data else data


def _has_decimal_comma(data: bytes, separator: str) -> bool:
    if separator == ",":
        return False
    lines = data[:HEAD_BYTES].decode("utf-8", "replace").splitlines()[1:_SAMPLE_LINES]
    cells = [cell for line in lines for cell in line.replace('"', "").split(separator)]
    commas = sum(_DECIMAL_COMMA.fullmatch(cell) is not None for cell in cells)
    return commas > 0 and not any(_DECIMAL_POINT.fullmatch(cell) for cell in cells)
