"""The files of a run folder: whole or not there, readable while they are written, and small to look at again.

A JSON file is replaced as a whole. `events.jsonl` only ever grows by whole lines; a reader remembers how far it read,
and a line torn by a crash is passed over.
"""

from __future__ import annotations

import errno
import json
import math
import os
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from egma.errors import JobError
from egma.replacing import replace_file

_MOST_READ_BYTES = 32_000_000  # a day of training has 10 MB of events; more is not ours


@dataclass(frozen=True)
class EventsRead:
    """Events since a place in the file, and the place to go on from.

    Attributes:
        events: one object a line, oldest first.
        offset: bytes read so far, always at the end of a line.
    """

    events: tuple[dict[str, Any], ...]
    offset: int


def write_json(path: Path, value: Any, *, durable: bool = False) -> None:
    """Replace a JSON file as a whole. Numbers that are not finite become null.

    Args:
        path: the file.
        value: what JSON can say.
        durable: wait until the disk has it, for what must outlive a power cut.
    """
    text = json.dumps(finite(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    replace_file(path, text.encode(), durable=durable)


def read_json(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file; None where there is no such file of its own or it holds something else."""
    try:
        with open_plain(path) as stream:
            value = json.loads(stream.read(_MOST_READ_BYTES).decode())
    except (OSError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def open_plain(path: Path) -> BinaryIO:
    """An ordinary file of a run folder for reading. A link, which might lead anywhere, or a pipe is refused.

    Raises:
        OSError: it is none, or cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "no ordinary file", str(path))
    return os.fdopen(descriptor, "rb")


def finite(value: Any) -> Any:
    """The same value with None in place of numbers that JSON cannot say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    return value


class EventLog:
    """Appends events to `events.jsonl`, each as one whole line with one call to the system. One writer a file."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
        size = os.fstat(self._descriptor).st_size
        if size and os.pread(self._descriptor, 1, size - 1) != b"\n":
            os.write(self._descriptor, b"\n")  # the line a crash tore stays alone and is passed over

    def append(self, kind: str, **fields: Any) -> None:
        """Write {"time", "kind", ...fields}.

        Raises:
            OSError: the disk is full; what was written of the line is taken back.
        """
        event = {"time": round(time.time(), 3), "kind": kind, **fields}
        line = json.dumps(finite(event), ensure_ascii=False, allow_nan=False).encode() + b"\n"
        before = os.fstat(self._descriptor).st_size
        written = 0
        try:
            while written < len(line):
                written += os.write(self._descriptor, line[written:])
        except OSError:
            os.ftruncate(self._descriptor, before)
            raise

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._descriptor)


def read_events(path: Path, offset: int = 0) -> EventsRead:
    """Whole lines from `offset` on. A line that is no JSON object is passed over; a shorter file is read anew."""
    try:
        with open_plain(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            start = offset if 0 <= offset <= size else 0
            stream.seek(start)
            raw = stream.read(_MOST_READ_BYTES)
    except OSError:
        return EventsRead((), 0)
    whole = raw[: raw.rfind(b"\n") + 1]
    events = tuple(event for event in map(_parse_line, whole.splitlines()) if event is not None)
    return EventsRead(events, start + len(whole))


def read_tail(path: Path, most_bytes: int = 8_000) -> str:
    """The end of a text file, from the start of a line; "" where there is none."""
    try:
        with open_plain(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(0, size - most_bytes))
            raw = stream.read(most_bytes)
    except OSError:
        return ""
    text = raw.decode("utf-8", errors="replace").replace("\r", "\n")
    return text if size <= most_bytes else text.partition("\n")[2]


def check_plain_folder(path: Path, what: str) -> None:
    """Refuse a link or a file in a folder's place.

    Raises:
        JobError: it is no folder, or a link to one.
    """
    if path.is_symlink() or not path.is_dir():
        raise JobError(f"{what} {path.name[:80]!r} is not a folder of its own; links are not followed")


def _parse_line(line: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
