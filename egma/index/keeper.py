"""Brings the derived parts of a library up to date: vector indexes, and the findings of reports added with vectors.

It runs in the writer's process, in a thread of its own. Whatever it is interrupted in, the next one does again.
"""

from __future__ import annotations

import logging
import threading

from egma.errors import EgmaError, PromptError
from egma.index.database import Database
from egma.index.policy import FLAT, IndexPolicy
from egma.index.rows import RECORDS, SENTENCES, count_vectors, last_row, read_meta
from egma.index.sections import label_masks, split_report
from egma.index.vector_files import (
    BuiltIndex,
    build_file,
    extend_file,
    load_file,
    read_built,
    remove_other_files,
    write_built,
)

SPACES = (RECORDS, SENTENCES)
_LABELLED_AT_ONCE = 500
_RETRAIN_AFTER = 2.0  # an inverted file is trained again when it holds this many times what it was trained for
_log = logging.getLogger(__name__)


class Keeper:
    """One library's upkeep; `writing` is the lock that the library's own writes hold."""

    def __init__(self, database: Database, policy: IndexPolicy, writing: threading.RLock) -> None:
        self._database = database
        self._policy = policy
        self._writing = writing
        self._one_at_a_time = threading.Lock()
        self._wanted = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def request(self) -> None:
        """Catch up soon, in the background; returns at once."""
        self._wanted.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="egma-index-keeper", daemon=True)
            self._thread.start()

    def catch_up(self, *, whole: bool = False, labels: bool = True) -> None:
        """Index what waits, here and now. `whole`: build every index anew, however little waits."""
        with self._one_at_a_time:
            for space in SPACES:
                self._index(space, whole=whole, least=1)
            if labels:
                self._label()

    def stop(self) -> None:
        """Stop as soon as a step ends, and wait for it."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self) -> None:
        while self._wanted.is_set() and not self._stop.is_set():
            self._wanted.clear()
            try:
                with self._one_at_a_time:
                    for space in SPACES:
                        self._index(space, whole=False, least=0)
                    self._label()
            except EgmaError as error:
                if not self._stop.is_set():
                    _log.warning("%s", error)
                return

    def _index(self, space: str, *, whole: bool, least: int) -> None:
        """`least`: how many waiting vectors are reason enough; 0: as many as the policy lets wait."""
        with self._database.reading() as connection:
            width = int(read_meta(connection).get("width", "0"))
            built = read_built(connection, space)
            rows, last = count_vectors(connection, space), last_row(connection, space)
        if whole or (built is not None and not self._is_sound(built)):
            built = None
        enough = least or (self._policy.may_wait(built.rows) if built else self._policy.least_rows)
        if not rows or last - (built.last_row if built else 0) < enough:
            return
        new = (
            extend_file(self._database, built, width, self._stop.is_set)
            if built is not None and self._can_extend(built, rows, width)
            else build_file(self._database, space, self._policy, width, self._stop.is_set)
        )
        if new is not None:
            with self._writing, self._database.writing() as connection:
                write_built(connection, new)
            remove_other_files(self._database.folder, space, new.file)

    def _is_sound(self, built: BuiltIndex) -> bool:
        try:
            load_file(self._database.folder, built)
        except EgmaError:
            return False
        return True

    def _can_extend(self, built: BuiltIndex, rows: int, width: int) -> bool:
        kind = self._policy.kind_for(rows, width)
        return built.kind == kind and (kind == FLAT or rows < _RETRAIN_AFTER * built.trained_rows)

    def _label(self) -> None:
        """Read the findings of reports that came with vectors, a few hundred at a time."""
        after = 0
        while not self._stop.is_set():
            with self._database.reading() as connection:
                found = connection.execute(
                    "SELECT row, text FROM records WHERE present IS NULL AND row > ? ORDER BY row LIMIT ?",
                    (after, _LABELLED_AT_ONCE),
                ).fetchall()
            if not found:
                return
            after = found[-1][0]
            masks = [(*read_masks(text), row) for row, text in found]
            with self._writing, self._database.writing() as connection:
                connection.executemany("UPDATE records SET present = ?, absent = ? WHERE row = ?", masks)


def read_masks(text: str) -> tuple[int, int]:
    """(present, absent) of a whole report; nothing where it cannot be split into sentences."""
    try:
        return label_masks([sentence.text for sentence in split_report(text)])
    except PromptError:
        return 0, 0
