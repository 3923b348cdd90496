"""Where in a large file each recording lies, found in one pass with memory that does not grow with the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from egma.errors import GazeError

BLOCK_BYTES = 1 << 22
Progress = Callable[[int, int], None]
Key = tuple[str, ...]


@dataclass(frozen=True)
class Spans:
    """Byte ranges of each recording's lines in a file.

    Attributes:
        path: the file.
        header: its first line, with the line end.
        ranges: {key: [(offset, length), ...]} in the file's order; the key is the recording's cells in `key_columns`.
    """

    path: Path
    header: bytes
    ranges: dict[Key, list[tuple[int, int]]]

    def read(self, key: Key) -> bytes:
        """The header and the lines of one recording."""
        parts = [self.header]
        try:
            with self.path.open("rb") as stream:
                for offset, length in self.ranges[key]:
                    stream.seek(offset)
                    parts.append(stream.read(length))
        except OSError as error:
            raise GazeError(f"the file cannot be read any more ({error.strerror}); open it again") from None
        if len(parts[-1]) != self.ranges[key][-1][1]:
            raise GazeError("the file has changed since it was opened; open it again")
        return b"".join(parts)


def find_spans(
    path: Path, key_columns: Sequence[int], *, separator: str = ",", on_progress: Progress | None = None
) -> Spans:
    """Scan a delimited file of one line a sample, without line breaks inside quotes.

    Args:
        path: the file.
        key_columns: places of the columns that tell recordings apart.
        separator: between cells.
        on_progress: called with (bytes done, bytes in all) after every block of lines.
    """
    ranges: dict[Key, list[tuple[int, int]]] = {}
    total = path.stat().st_size
    mark = separator.encode()
    with path.open("rb") as stream:
        header = stream.readline()
        offset = len(header)
        key_bytes: tuple[bytes, ...] | None = None
        start = offset
        last = max(key_columns)
        while lines := stream.readlines(BLOCK_BYTES):
            for line in lines:
                cells = line.split(mark, last + 1)
                found = tuple([cells[column] for column in key_columns]) if len(cells) > last else None
                if found != key_bytes:
                    _close(ranges, key_bytes, start, offset)
                    key_bytes, start = found, offset
                offset += len(line)
            if on_progress is not None:
                on_progress(offset, total)
        _close(ranges, key_bytes, start, offset)
    return Spans(path, header, ranges)


def _close(ranges: dict[Key, list[tuple[int, int]]], key: tuple[bytes, ...] | None, start: int, stop: int) -> None:
    """Note the lines start..stop for `key`; blank and cut-off lines have none."""
    if key is not None:
        name = tuple(cell.decode("utf-8", "replace").strip().strip('"') for cell in key)
        ranges.setdefault(name, []).append((start, stop - start))
