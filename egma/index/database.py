"""The SQLite file that is the truth of a library: its tables, its connections, its failures as sentences.

WAL with `synchronous=FULL`: a transaction that returned is on the disk, whatever happens to the process. Row numbers
are never used twice (AUTOINCREMENT), so that a number in an old vector index names the same row or none.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from egma.errors import LibraryError

STORE_NAME = "store.sqlite"
FORMAT = "1"
_BUSY_S = 20.0
_CHECKPOINT_PAGES = 8_000  # of 8 KiB: 64 MiB of WAL, so that a long addition does not copy every megabyte at once
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE counts (name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE records (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, text TEXT NOT NULL,
    view TEXT NOT NULL, sex TEXT NOT NULL, age REAL, date TEXT NOT NULL, source TEXT NOT NULL,
    digest BLOB NOT NULL, present INTEGER, absent INTEGER, extra TEXT NOT NULL);
CREATE INDEX records_by_digest ON records (digest);
CREATE INDEX records_unread ON records (row) WHERE present IS NULL;
CREATE INDEX records_by_facet ON records (source, view, sex, age, date, present, absent);
CREATE TABLE vectors (row INTEGER PRIMARY KEY, v BLOB NOT NULL);
CREATE TABLE phrases (
    row INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL UNIQUE,
    present INTEGER NOT NULL, absent INTEGER NOT NULL);
CREATE TABLE phrase_vectors (row INTEGER PRIMARY KEY, v BLOB NOT NULL);
CREATE TABLE sentences (
    record INTEGER NOT NULL, ordinal INTEGER NOT NULL, phrase INTEGER NOT NULL, section TEXT NOT NULL,
    PRIMARY KEY (record, ordinal)) WITHOUT ROWID;
CREATE INDEX sentences_by_phrase ON sentences (phrase, record);
CREATE TABLE indexes (
    space TEXT PRIMARY KEY, file TEXT NOT NULL, bytes INTEGER NOT NULL, crc INTEGER NOT NULL, kind TEXT NOT NULL,
    rows INTEGER NOT NULL, trained_rows INTEGER NOT NULL, last_row INTEGER NOT NULL, nlist INTEGER NOT NULL,
    nprobe INTEGER NOT NULL, recall REAL, seconds REAL NOT NULL) WITHOUT ROWID;
CREATE VIRTUAL TABLE words USING fts5(
    text, content='records', content_rowid='row', tokenize='porter unicode61 remove_diacritics 2');
INSERT INTO meta VALUES ('format', '1'), ('generation', '0');
INSERT INTO counts VALUES ('records', 0), ('vectors', 0), ('phrase_vectors', 0);
"""


class Database:
    """Connections to one library's SQLite file, shared by the threads of a process."""

    def __init__(self, folder: Path, *, create: bool) -> None:
        self.folder = folder
        self.path = folder / STORE_NAME
        self._free: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        if not self.path.is_file():
            self._create(create)
        with self.reading() as connection:
            self._check_format(connection)

    @property
    def writable(self) -> bool:
        """Whether the folder and the file can be written by this user."""
        return os.access(self.folder, os.W_OK) and os.access(self.path, os.W_OK)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection inside a transaction that sees one state of the library, whoever writes meanwhile."""
        with self.failures():
            connection = self._take()
            try:
                connection.execute("BEGIN")
                yield connection
            finally:
                self._give(connection)

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that is on the disk when the block ends, or never was. The caller holds the writer's lock."""
        with self.failures():
            connection = self._take()
            try:
                connection.execute("BEGIN IMMEDIATE")
                yield connection
                connection.execute("UPDATE meta SET value = value + 1 WHERE key = 'generation'")
                connection.execute("COMMIT")
            finally:
                self._give(connection)

    @contextmanager
    def failures(self) -> Iterator[None]:
        """SQLite's failures inside the block, as sentences."""
        try:
            yield
        except sqlite3.Error as error:
            raise LibraryError(_sentence(error, self.folder.name)) from error

    def vacuum(self) -> None:
        """Give the space of what was deleted back to the disk."""
        with self.failures():
            connection = self._take()
            try:
                connection.execute("INSERT INTO words (words) VALUES ('optimize')")
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            finally:
                self._give(connection)

    def close(self) -> None:
        """Close every connection; the last one folds the log into the file."""
        with self._lock:
            self._closed = True
            free, self._free = self._free, []
        for connection in free:
            connection.close()

    def _create(self, create: bool) -> None:
        """Make the file as a whole under another name, so that no half-made one is ever found."""
        name = self.folder.name
        if not create:
            raise LibraryError(f"no report library was found in {name!r}: the folder holds no {STORE_NAME}")
        draft = self.folder / f".{STORE_NAME}.{os.getpid()}.{threading.get_ident()}.draft"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            draft.unlink(missing_ok=True)
            with self.failures():
                connection = sqlite3.connect(draft, isolation_level=None)
                try:
                    connection.execute("PRAGMA page_size = 8192")
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
                finally:
                    connection.close()
            _place(draft, self.path)
        except OSError as error:
            raise LibraryError(
                f"the library {name!r} cannot be made ({error.strerror}); choose another folder"
            ) from None
        finally:
            for left in self.folder.glob(f"{draft.name}*"):
                left.unlink(missing_ok=True)

    def _check_format(self, connection: sqlite3.Connection) -> None:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "meta" not in tables or "records" not in tables:
            raise LibraryError(f"{self.path.name} in {self.folder.name!r} is a database, but not a report library")
        row = connection.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        if row is None or row[0] != FORMAT:
            found = row[0][:20] if row else "none"
            raise LibraryError(
                f"the library {self.folder.name!r} has format {found}, this version reads {FORMAT}; update the program"
            )

    def _take(self) -> sqlite3.Connection:
        with self._lock:
            if self._closed:
                raise LibraryError(f"the library {self.folder.name!r} was closed; open it again")
            if self._free:
                return self._free.pop()
        return self._connect()

    def _give(self, connection: sqlite3.Connection) -> None:
        if connection.in_transaction:
            connection.rollback()
        with self._lock:
            if not self._closed:
                self._free.append(connection)
                return
        connection.close()

    def _connect(self) -> sqlite3.Connection:
        wal = self.path.with_name(f"{STORE_NAME}-wal")
        options = "mode=rw"
        if not self.writable:
            # Nobody can write here, so that nothing needs a shared-memory file beside it, unless a log is left.
            has_log = wal.is_file() and wal.stat().st_size > 0
            options = "mode=ro" if has_log else "mode=ro&immutable=1"
        connection = sqlite3.connect(
            f"file:{quote(str(self.path.resolve()))}?{options}",
            uri=True,
            timeout=_BUSY_S,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=64,
        )
        try:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
            connection.execute("PRAGMA cache_size = -32768")
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _place(draft: Path, path: Path) -> None:
    """Give the draft its name, never over a file that another process made meanwhile."""
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not path.exists():
            draft.rename(path)


def _sentence(error: sqlite3.Error, name: str) -> str:
    text = str(error).lower()
    if "full" in text or "disk i/o" in text:
        return (
            f"the library {name!r}: the disk is full or failing, so this step was undone as a whole; what was added "
            "before is safe: make room and do it again"
        )
    if "readonly" in text or "read-only" in text:
        return f"the library {name!r} is read-only; nothing was changed: copy it to where you may write"
    if "locked" in text or "busy" in text:
        return f"the library {name!r} is being written by another process; try again in a moment"
    if "unable to open" in text:
        return f"the library {name!r} cannot be opened; check that you may read the folder and the files in it"
    if isinstance(error, sqlite3.DatabaseError) and (
        "not a database" in text or "malformed" in text or "corrupt" in text
    ):
        return (
            f"the library {name!r} is damaged: {STORE_NAME} is no sound database; put a copy in its place or build "
            "the library again"
        )
    return f"the library {name!r} failed ({str(error)[:100]}); nothing of this step was kept"
