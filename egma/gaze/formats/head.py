"""What a recording's file is, from its first bytes: text or not, how it is separated, and its header's names."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from egma.errors import GazeError
from egma.gaze.formats.clean import HEAD_BYTES, SEPARATORS, decode, find_header, split_line

__all__ = ["Head", "decode", "read_head"]


@dataclass(frozen=True)
class Head:
    """The start of a file.

    Attributes:
        path: where it is.
        data: its first HEAD_BYTES bytes.
        text: the same as text, "" where it is none.
        separator: what separates the header's columns.
        columns: the header's names, stripped, in order.
    """

    path: Path
    data: bytes
    text: str
    separator: str
    columns: tuple[str, ...]

    def has(self, *names: str) -> bool:
        """Whether all of these columns are in the header."""
        return set(names) <= set(self.columns)


def read_head(path: Path) -> Head:
    """Read a file's head.

    Raises:
        GazeError: there is no such file, it cannot be read, or it is empty.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(HEAD_BYTES)
    except FileNotFoundError:
        raise GazeError("there is no such file; check its name and folder") from None
    except OSError as error:
        raise GazeError(f"the file cannot be read ({error.strerror}); check that it may be") from None
    if not data.strip(b"\0 \t\r\n\xef\xbb\xbf"):
        raise GazeError("the file is empty: wanted a gaze recording; export it again")
    text = decode(data)
    line = next(iter(text[find_header(text) :].splitlines()), "")
    separator = max(SEPARATORS, key=line.count)
    return Head(path, data, text, separator, _split(line, separator))


def _split(line: str, separator: str) -> tuple[str, ...]:
    try:
        return tuple(split_line(line, separator))
    except csv.Error:
        return ()
