"""Data sets under the reader's own folder, DATA/gaze/NAME: indexed behind the page, once, with progress to look at."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from app.incidents import log_incident
from egma.errors import EgmaError, GazeError
from egma.gaze.formats import index_folder
from egma.gaze.recordings import Recordings
from egma.wording import counted

MAX_DATA_SETS = 50
MAX_FILMS = 500_000
"""Twice MIMIC-CXR's films: a folder with more is not walked to its end."""
_FILM_SUFFIXES = (".dcm", ".dicom", ".jpg", ".jpeg", ".png", ".tif", ".tiff")
_LUNGS = ("left_lung.png", "right_lung.png")
State = Literal["new", "indexing", "ready", "failed"]
_DICOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{8}){4}")


@dataclass(frozen=True)
class Progress:
    """How far the indexing of a data set is; `words` say it, or why it failed."""

    state: State
    done: int = 0
    total: int = 0
    words: str = ""


@dataclass(eq=False)
class DataSet:
    """One data set: its recordings, and where its films and lung masks lie, found by their DICOM ids.

    `opened` holds the keys of films of it that are open, by their DICOM ids.
    """

    name: str
    folder: Path
    progress: Progress = field(default_factory=lambda: Progress("new"))
    recordings: Recordings | None = None
    films: dict[str, Path] = field(default_factory=dict)
    lungs: dict[str, tuple[Path, Path]] = field(default_factory=dict)
    opened: dict[str, str] = field(default_factory=dict)

    def index(self) -> None:
        """Find recordings and films; memory grows with their number, not with their size."""
        try:
            found = index_folder(self.folder, self._report)
            self.recordings = found if isinstance(found, Recordings) else _single(found)
            self._find_films()
        except EgmaError as error:
            self.progress = Progress("failed", words=str(error))
        except Exception as error:
            reference = log_incident(error)
            self.progress = Progress("failed", words=f"the data set could not be indexed; reference {reference}")
        else:
            count, left_out = len(self.recordings), len(self.recordings.skipped)
            words = f"{counted(count, 'recording')}, {counted(len(self.films), 'film')} found; {left_out:,} left out"
            self.progress = Progress("ready", count, count, words)

    def _report(self, done: int, total: int) -> None:
        self.progress = Progress("indexing", done, total, f"Indexing: {done / max(total, 1):.0%}")

    def _find_films(self) -> None:
        for path in _walk(self.folder):
            stem, suffix = path.stem, path.suffix.lower()
            if suffix in _FILM_SUFFIXES and _DICOM_ID.fullmatch(stem):
                self.films.setdefault(stem, path)
            elif path.name == _LUNGS[0] and _DICOM_ID.fullmatch(path.parent.name):
                self.lungs[path.parent.name] = (path, path.with_name(_LUNGS[1]))


@dataclass(eq=False)
class GazeLibrary:
    """The data sets of one page.

    Attributes:
        root: DATA/gaze, or None where nothing may be kept.
    """

    root: Path | None = None
    _sets: dict[str, DataSet] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def names(self) -> list[str]:
        """Folders that may be data sets, by name."""
        if self.root is None or not self.root.is_dir():
            return []
        folders = [path for path in self.root.iterdir() if path.is_dir() and not path.is_symlink()]
        return sorted(path.name for path in folders if not path.name.startswith("."))[:MAX_DATA_SETS]

    def open(self, name: str) -> DataSet:
        """The data set of that name; the first to ask starts its indexing.

        Raises:
            GazeError: there is no such folder.
        """
        if self.root is None or name not in self.names():
            raise GazeError("there is no such data set any more; reload the page to see which are")
        with self._lock:
            found = self._sets.get(name)
            if found is None or found.progress.state == "failed":
                found = self._sets[name] = DataSet(name, self.root / name, Progress("indexing", words="Indexing…"))
                threading.Thread(target=found.index, name="index-gaze", daemon=True).start()
        return found

    def film_id(self, key: str) -> str | None:
        """The DICOM id of an open film that a data set brought; None for any other film."""
        with self._lock:
            opened = [pair for each in self._sets.values() for pair in each.opened.items()]
        return next((dicom_id for dicom_id, film in opened if film == key), None)


def _single(track: object) -> Recordings:
    from egma.gaze.recordings import Entry
    from egma.gaze.track import GazeTrack

    if not isinstance(track, GazeTrack):
        raise GazeError("the folder holds no recording")
    return Recordings([Entry(track.name, lambda: track, track.ids)])


def _walk(root: Path) -> Iterator[Path]:
    """Files below a folder, links not followed, at most MAX_FILMS of them."""
    count = 0
    for folder, _, names in os.walk(root):
        for name in names:
            count += 1
            if count > MAX_FILMS:
                return
            yield Path(folder) / name
