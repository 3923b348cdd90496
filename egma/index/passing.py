"""The rows that pass a filter, remembered: the next search through it looks only at records that came since."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from egma.index.filters import Filters
from egma.index.keeper import read_masks
from egma.index.rows import read_meta

MOST_KEPT = 24  # a byte a record each: 24 MB for a million
Allowed = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Passed:
    """What passed: bool by row number for rows up to `last`, as of a generation of the library."""

    allowed: Allowed
    last: int
    generation: str


class PassingRows:
    """Answers filters for one library; any number of threads may ask.

    A record's facts never change under its row number, so that an answer only grows: rows that were deleted since stay
    in it, and whoever reads them finds nothing there. What a record says of findings may be read after it was added, so
    that an answer about findings holds for one generation.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[str, _Passed] = OrderedDict()
        self._lock = threading.Lock()

    def allowed(self, connection: sqlite3.Connection, filters: Filters) -> Allowed:
        """bool by row number; rows beyond its end do not pass."""
        key = repr(filters)
        (last,) = connection.execute(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'records'"
        ).fetchone()
        generation = read_meta(connection).get("generation", "")
        with self._lock:
            before = self._kept.get(key)
        if before is not None and (filters.present or filters.absent) and before.generation != generation:
            before = None
        if before is not None and (before.generation == generation or before.last >= last):
            return before.allowed
        after = 0 if before is None else before.last
        allowed = np.zeros(last + 1, bool)
        if before is not None:
            allowed[: len(before.allowed)] = before.allowed
        allowed[_ask(connection, filters, after)] = True
        self._keep(key, _Passed(allowed, last, generation))
        return allowed

    def _keep(self, key: str, found: _Passed) -> None:
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)


def _ask(connection: sqlite3.Connection, filters: Filters, after: int) -> NDArray[np.int64]:
    """The rows beyond `after` that pass; those whose findings were not read yet are read now."""
    condition, values = filters.sql()
    if after:  # few rows: by number, not by a walk through the facts of all
        condition, values = f"row > ? AND {condition}", [after, *values]
    wanted = (filters.present, filters.absent)
    if not any(wanted):
        found = connection.execute(f"SELECT row FROM records WHERE {condition}", values)  # noqa: S608
        return np.fromiter((row for (row,) in found), np.int64)
    found = connection.execute(f"SELECT row, present, absent FROM records WHERE {condition}", values)  # noqa: S608
    rows = [row for row, *masks in found if None not in masks or _read_and_check(connection, row, wanted)]
    return np.array(rows, np.int64)


def _read_and_check(connection: sqlite3.Connection, row: int, wanted: tuple[int, int]) -> bool:
    (text,) = connection.execute("SELECT text FROM records WHERE row = ?", (row,)).fetchone()
    present, absent = read_masks(text)
    return present & wanted[0] == wanted[0] and absent & wanted[1] == wanted[1]
