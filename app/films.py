"""The films readers have open: a bounded store under unguessable ids, and the way an upload gets into it."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from app.views.pixels import FilmPicture, draw_film
from egma.errors import EgmaError, FilmError
from egma.types import Study

MAX_STORE_BYTES = 512 * 1024 * 1024
"""About 25 open radiographs of 2,500 x 2,000; keeps the whole process well under 1.5 GB."""
MAX_AGE_S = 3600.0
"""As long as an upload lives: nothing of a reader's stays in memory for more than an hour after it was last used."""
_BYTES_PER_PIXEL = 4 + 2
_EXAMPLE_MARK = "example-"


class FilmClosedError(EgmaError):
    """A film that was closed to free memory, or that an earlier run had open."""


@dataclass(frozen=True, eq=False)
class OpenFilm:
    """A film on somebody's screen.

    Attributes:
        key: unguessable id: who has it may ask about the film.
        title: how the page calls it; never the name of an uploaded file.
        study: the film as read.
        picture: the picture of it that the viewer fetches.
        source: where an example comes from and under what licence; empty for a reader's own film.
    """

    key: str
    title: str
    study: Study
    picture: FilmPicture
    source: str = ""

    @property
    def size_bytes(self) -> int:
        """Memory that the film holds."""
        return self.study.pixels.size * _BYTES_PER_PIXEL


@dataclass(eq=False)
class FilmStore:
    """Open films, the least recently used of them closed when memory or age asks for it.

    Attributes:
        folder: where pictures are written.
        reopen: opens an example by its key once more, so that a built-in film never counts as lost.
        pinned: ids that are never closed: the film every page opens with.
    """

    folder: Path
    reopen: Callable[[str], OpenFilm] | None = None
    max_bytes: int = MAX_STORE_BYTES
    max_age_s: float = MAX_AGE_S
    pinned: set[str] = field(default_factory=set)
    clock: Callable[[], float] = time.monotonic
    _films: OrderedDict[str, tuple[OpenFilm, float]] = field(default_factory=OrderedDict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def add(self, study: Study, title: str, source: str = "", key: str | None = None) -> OpenFilm:
        """Open a film: draw its picture, keep it, and close others where the budget asks for it."""
        picture = draw_film(study, self.folder / f"{secrets.token_hex(16)}.png")
        film = OpenFilm(key or secrets.token_hex(16), title, study, picture, source)
        with self._lock:
            self._close(film.key)
            self._films[film.key] = (film, self.clock())
            self._trim()
        return film

    def find(self, key: str) -> OpenFilm:
        """The open film of that id.

        Raises:
            FilmClosedError: it was closed meanwhile; the sentence says how to get it back.
        """
        film = self.peek(key)
        if film is not None:
            return film
        if key.startswith(_EXAMPLE_MARK) and self.reopen is not None:
            return self.reopen(key)
        raise FilmClosedError("This film was closed to free memory. Open it again: your words are still here.")

    def peek(self, key: str) -> OpenFilm | None:
        """The film of that id where it is open; counts as a use of it."""
        with self._lock:
            entry = self._films.get(key)
            if entry is None:
                return None
            self._films[key] = (entry[0], self.clock())
            self._films.move_to_end(key)
            return entry[0]

    def trim(self) -> None:
        """Close what is too old or too much."""
        with self._lock:
            self._trim()

    def _trim(self) -> None:
        oldest_s = self.clock() - self.max_age_s
        for key, (_, used_s) in list(self._films.items()):
            if used_s < oldest_s and key not in self.pinned:
                self._close(key)
        closable = [key for key in self._films if key not in self.pinned]
        for key in closable[:-1]:  # the film opened last stays, whatever its size
            if self._held_bytes() <= self.max_bytes:
                break
            self._close(key)

    def _held_bytes(self) -> int:
        return sum(film.size_bytes for film, _ in self._films.values())

    def _close(self, key: str) -> None:
        entry = self._films.pop(key, None)
        if entry is not None:
            entry[0].picture.path.unlink(missing_ok=True)

    def __len__(self) -> int:
        return len(self._films)


def example_key(name: str) -> str:
    """The id of a built-in film: not a secret, and the same after a restart."""
    return f"{_EXAMPLE_MARK}{name}"


def load_upload(path: str | Path, uploads: Path, load: Callable[[Path], Study]) -> Study:
    """Read an uploaded film and delete the upload, whatever happens.

    Args:
        path: where the framework put it.
        uploads: the private folder that it must lie in.
        load: reads a film from a file.

    Raises:
        FilmError: the file is not there any more, or it is no film.
    """
    upload = Path(path).resolve()
    if not upload.is_relative_to(uploads.resolve()):
        raise FilmError("That film was not uploaded here. Open it with the button of this page.")
    if not upload.is_file():
        raise FilmError("The upload is no longer there. Open the film again.")
    try:
        return load(upload)
    finally:
        upload.unlink(missing_ok=True)
