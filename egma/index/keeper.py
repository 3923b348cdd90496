"""Brings the derived parts of a library up to date: vector indexes, and the findings of reports added with vectors.

It runs in the writer's process, in a thread of its own. Whatever it is interrupted in, the next one does again.
"""

from __future__ import annotations

import logging
import threading
import time

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
_LABELLED_AT_ONCE = 300
_QUIET_S = 1.0
_RETRAIN_AFTER = 2.0  # an inverted file is trained again when it holds this many times what it was trained for
_log = logging.getLogger(__name__)


class Keeper:
    """One library's upkeep; `writing` is the lock that the library's own writes hold."""

    def __init__(self, database: Database, policy: IndexPolicy, writing: threading.RLock) -> None:
        self._database = database
        self._policy = policy
        self._writing = writing
        self._indexing = threading.Lock()
        self._starting = threading.Lock()
        self._wanted = threading.Event()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._requested_s = 0.0
        self._sound: set[str] = set()

    def request(self) -> None:
        """Catch up soon, in the background; returns at once."""
        self._requested_s = time.monotonic()
        self._wanted.set()
        with self._starting:
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="egma-index-keeper", daemon=True)
                self._thread.start()

    def catch_up(self, *, whole: bool = False, labels: bool = True) -> None:
        """Index what waits, here and now. `whole`: build every index anew, however little waits."""
        self._index_spaces(whole=whole, least=1)
        while labels and self._label_some():
            pass

    def stop(self) -> None:
        """Stop as soon as a step ends, and wait for it."""
        self._stop.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _work(self) -> None:
        """Indexes first; findings are read while nobody writes, so that they take nothing from an addition."""
        try:
            while not self._stop.is_set():
                if self._wanted.is_set():
                    self._wanted.clear()
                    self._index_spaces(whole=False, least=0)
                elif time.monotonic() - self._requested_s < _QUIET_S:
                    self._stop.wait(_QUIET_S / 4)
                elif not self._label_some():
                    return
        except EgmaError as error:
            if not self._stop.is_set():
                _log.warning("%s", error)

    def _index_spaces(self, *, whole: bool, least: int) -> None:
        with self._indexing:
            for space in SPACES:
                self._index(space, whole=whole, least=least)

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
            self._sound = {*self._sound, new.file}
            remove_other_files(self._database.folder, space, new.file)

    def _is_sound(self, built: BuiltIndex) -> bool:
        """Whether the file fits; it is read through once, later only looked for."""
        path = self._database.folder / built.file
        if built.file in self._sound and path.is_file() and path.stat().st_size == built.bytes:
            return True
        try:
            load_file(self._database.folder, built)
        except EgmaError:
            return False
        self._sound = {*self._sound, built.file}
        return True

    def _can_extend(self, built: BuiltIndex, rows: int, width: int) -> bool:
        kind = self._policy.kind_for(rows, width)
        return built.kind == kind and (kind == FLAT or rows < _RETRAIN_AFTER * built.trained_rows)

    def _label_some(self) -> bool:
        """Read the findings of a few hundred reports that came with vectors; False when none is left, or on a stop."""
        with self._database.reading() as connection:
            found = connection.execute(
                "SELECT row, text FROM records WHERE present IS NULL ORDER BY row LIMIT ?", (_LABELLED_AT_ONCE,)
            ).fetchall()
        masks = [(*read_masks(text), row) for row, text in found if not self._stop.is_set()]
        if not masks or self._stop.is_set():
            return False
        with self._writing, self._database.writing() as connection:
            connection.executemany("UPDATE records SET present = ?, absent = ? WHERE row = ?", masks)
        return True


def read_masks(text: str) -> tuple[int, int]:
    """(present, absent) of a whole report; nothing where it cannot be split into sentences."""
    try:
        return label_masks([sentence.text for sentence in split_report(text)])
    except PromptError:
        return 0, 0
