"""The report libraries and film archives of this page: found under the reader's data, opened once, built by jobs."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from egma.errors import LibraryError

if TYPE_CHECKING:
    from app.private import PrivateFolder
    from app.settings import Settings
    from egma.archive import FilmArchive
    from egma.index import ReportIndex
    from egma.jobs import JobFolder

OPEN_I = "open-i"
LIBRARY_JOB = "library"
"""What config.json of a job that fills a library says of itself."""
IMPORTS = "imports"
"""The folder below the reader's data whose folders of reports can be added: a path from a browser is never read."""
TABLE_NAME = "table.csv"
MAX_OPEN = 8
"""Libraries kept open: each holds its vectors in memory while it is searched."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,59}")
_STORE = "store.sqlite"
_WAIT_STEP_S = 0.5
Opened = TypeVar("Opened")


def check_name(name: str) -> str:
    """A new library's name, fit to be a folder's."""
    clean = " ".join(str(name or "").split())
    if not _NAME.fullmatch(clean) or clean.endswith("."):
        raise LibraryError("A library's name is 1 to 60 letters, digits, blanks, dots and hyphens; choose another.")
    return clean


@dataclass(eq=False)
class Libraries:
    """Libraries by name. Names come from this list: what a browser sends never becomes a path.

    Attributes:
        settings: say where the reader's data lies.
        folder: takes its place where nothing may be kept: on a Space, or where the data cannot be written.
    """

    settings: Settings
    folder: PrivateFolder
    _open: dict[tuple[Path, float], ReportIndex] = field(default_factory=dict)
    _archives: dict[tuple[Path, float], FilmArchive] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def root(self) -> Path:
        """The folder that holds libraries, archives and runs; not made before something is kept in it."""
        data = self.settings.data
        return data if data is not None and _may_be_written(data) else self.folder.root / "kept"

    @property
    def is_kept(self) -> bool:
        """Whether libraries outlive this run of the page."""
        return not self.root.is_relative_to(self.folder.root)

    @property
    def runs(self) -> Path:
        """Where jobs are."""
        return self.root / "runs"

    def path(self, name: str) -> Path:
        """Where a library of that name lies, or would."""
        return self.root / "libraries" / name

    def names(self) -> list[str]:
        """Libraries there are: Open-i first, then by name."""
        return sorted(_stores(self.root / "libraries"), key=lambda name: (name != OPEN_I, name.casefold()))

    def archives(self) -> list[str]:
        """Film archives there are, by name."""
        return sorted(_stores(self.root / "archives"), key=str.casefold)

    def open(self, name: str = "") -> ReportIndex:
        """The library of that name, the first where none is named; opened once.

        Raises:
            LibraryError: there is none of that name, or its files are damaged.
        """
        from egma.index import ReportIndex

        chosen = self._choose(name, self.names(), "library", "Build the Open-i library or add reports of your own.")
        return self._opened(self._open, self.path(chosen), lambda path: ReportIndex.open(path, create=False))

    def open_archive(self, name: str = "") -> FilmArchive:
        """The film archive of that name, the first where none is named; opened once."""
        from egma.archive import FilmArchive

        chosen = self._choose(name, self.archives(), "archive", "Make one with python -m egma embed.")
        return self._opened(self._archives, self.root / "archives" / chosen, FilmArchive.open)

    def jobs(self) -> list[JobFolder]:
        """Jobs that fill libraries, the newest first."""
        from egma.jobs import list_jobs

        return [job for job in list_jobs(self.runs) if job.config().get("kind") == LIBRARY_JOB]

    def job(self, job_id: str) -> JobFolder:
        """One of them by its id."""
        from egma.jobs import find_job

        return find_job(self.runs, job_id)

    def building(self, name: str = "") -> JobFolder | None:
        """The newest job that is filling a library and has not ended; of one library where it is named."""
        for job in self.jobs():
            if name in ("", job.config().get("library")) and not job.state().is_over:
                return job
        return None

    def build_openi(self, checkpoint: Path) -> JobFolder:
        """Begin to build the Open-i library, unless that is going on."""
        with self._lock:
            running = self.building(OPEN_I)
            return running or self.fill(OPEN_I, ["--open-i"], checkpoint, "Building the Open-i library")

    def fill(
        self, name: str, source: Sequence[str], checkpoint: Path, title: str, table: Path | None = None
    ) -> JobFolder:
        """Begin a job that makes a library of a source, or adds the source to it.

        Args:
            name: the library's, checked.
            source: arguments of `python -m egma index build` that say what to read.
            checkpoint: folder of the one that embeds.
            title: for a reader.
            table: an uploaded table; it moves into the job's folder, where it outlives the page, until the job is done.
        """
        from egma.jobs import egma_argv, launch, new_job_folder

        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        folder = new_job_folder(self.runs)
        if table is not None:
            shutil.move(table, folder / TABLE_NAME)
            source = [f"{{folder}}/{TABLE_NAME}", *source]
        options = ["--out", str(self.path(name)), "--checkpoint", str(checkpoint), "--job", "{folder}"]
        argv = egma_argv("index", "build", *source, *options)
        config = {"kind": LIBRARY_JOB, "library": name}
        return launch(folder, argv, title=title, config=config)

    def wait_for_openi(self, checkpoint: Path, timeout_s: float) -> None:
        """Have the Open-i library: build it where no library is there, and wait for it.

        Raises:
            LibraryError: it failed, or is not ready by then; says which.
        """
        if self.names() and self.building(OPEN_I) is None:
            return
        job = self.build_openi(checkpoint)
        until = time.monotonic() + timeout_s
        while not (state := job.state()).is_over:
            if time.monotonic() > until:
                raise LibraryError("The Open-i library is still being built. Ask again in a minute.")
            time.sleep(_WAIT_STEP_S)
        if state.name != "finished":
            raise LibraryError(f"The Open-i library could not be built: {state.text or state.cause}")

    def tidy(self, job: JobFolder) -> None:
        """Delete the reader's table that a finished job read."""
        if job.state().name == "finished":
            (job.path / TABLE_NAME).unlink(missing_ok=True)

    def folders(self) -> list[str]:
        """Folders of reports that the reader put under `imports` in their data, by name."""
        if not self.is_kept:
            return []
        try:
            found = [each for each in (self.root / IMPORTS).iterdir() if each.is_dir() and not each.is_symlink()]
        except OSError:
            return []
        return sorted((each.name for each in found if not each.name.startswith(".")), key=str.casefold)

    def close(self) -> None:
        """Let go of every library."""
        with self._lock:
            for index in (*self._open.values(), *self._archives.values()):
                index.close()
            self._open.clear()
            self._archives.clear()

    def _choose(self, name: str, names: Sequence[str], what: str, remedy: str) -> str:
        if name in names:
            return name
        if name:
            raise LibraryError(f"There is no {what} {name[:60]!r} any more; choose one from the menu.")
        if not names:
            raise LibraryError(f"There is no {what} yet. {remedy}")
        return names[0]

    def _opened(self, kept: dict[tuple[Path, float], Opened], path: Path, build: Callable[[Path], Opened]) -> Opened:
        """What is open, by path and by the time its store was made: one that was deleted and made anew is another."""
        try:
            made = (path / _STORE).stat()
        except OSError:
            raise LibraryError(f"{path.name[:60]!r} was moved or deleted meanwhile; choose another.") from None
        key = (path, float(made.st_ino))
        with self._lock:
            if key not in kept:
                while len(kept) >= MAX_OPEN:
                    kept.pop(next(iter(kept)))  # closed by its finaliser once the last search on it has ended
                kept[key] = build(path)
            return kept[key]


def _stores(folder: Path) -> list[str]:
    try:
        return [each.name for each in folder.iterdir() if not each.is_symlink() and (each / _STORE).is_file()]
    except OSError:
        return []


def _may_be_written(folder: Path) -> bool:
    """Whether files can be made in a folder, or in the nearest one above it that exists."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
