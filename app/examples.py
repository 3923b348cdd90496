"""The films a reader can open without having one: a real radiograph from a package, phantoms, and their own folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from app.films import FilmStore, OpenFilm, example_key
from egma.errors import FilmError
from egma.types import Study

if TYPE_CHECKING:
    from egma.testing.phantoms import Phantom

MAX_OWN_EXAMPLES = 100
"""Own films listed; a folder with more is for the archive, not for a menu."""
_PACKAGE = "pydicom-data"
_PACKAGED_FILM = "RG1_UNCR.dcm"
_PHANTOM_SOURCE = "Phantom: computed, not a patient"
_SEVERITY = 0.95  # of 1: what is easy to see, also for a newcomer
_PHANTOM_SIZE_PX = (1024, 1024)


@dataclass(frozen=True)
class Example:
    """A film on the menu.

    Attributes:
        name: stable id.
        title: what the menu says.
        source: where it comes from and under what licence.
        load: reads or computes it.
        path: the file it is read from; None for what is computed.
    """

    name: str
    title: str
    source: str
    load: Callable[[], Study]
    path: Path | None = None

    @property
    def stamp(self) -> tuple[int, int]:
        """Changes when the file does."""
        try:
            found = self.path.stat() if self.path is not None else None
        except OSError:  # gone: `load` says so
            found = None
        if found is None:
            return 0, 0
        return found.st_mtime_ns, found.st_size


@dataclass(frozen=True, eq=False)
class Examples:
    """The menu.

    Attributes:
        films: where opened examples are kept.
        own_folder: the reader's folder of films, or None.
    """

    films: FilmStore
    own_folder: Path | None = None
    _stamps: dict[str, tuple[int, int]] = field(default_factory=dict)
    _opening: threading.Lock = field(default_factory=threading.Lock)

    def list_examples(self) -> list[Example]:
        """What can be opened now: the packaged film where it is installed, phantoms, then the reader's own by name."""
        return [*_packaged_films(), *_phantoms(), *self._own_films()]

    def open(self, name: str) -> OpenFilm:
        """Open an example, or return it where it is open already: a menu may ask twice for one choice.

        Raises:
            FilmError: there is no such example any more.
        """
        for example in self.list_examples():
            if example.name == name:
                with self._opening:
                    return self._open(example)
        raise FilmError("That example is no longer there. Reload the page to see which are.")

    def _open(self, example: Example) -> OpenFilm:
        key, stamp = example_key(example.name), example.stamp
        film = self.films.peek(key)
        if film is not None and self._stamps.get(key) == stamp:
            return film
        self._stamps[key] = stamp
        return self.films.add(example.load(), example.title, example.source, key)

    def reopen(self, key: str) -> OpenFilm:
        """Open the example that an id of an open film stands for."""
        return self.open(key.removeprefix(example_key("")))

    def _own_films(self) -> list[Example]:
        if self.own_folder is None or not self.own_folder.is_dir():
            return []
        paths = sorted(path for path in self.own_folder.iterdir() if path.is_file() and not path.name.startswith("."))
        return [
            Example(f"own-{path.name}", path.stem[:60], "Your examples folder", _reader(path), path)
            for path in paths[:MAX_OWN_EXAMPLES]
        ]


def _packaged_films() -> list[Example]:
    """A chest radiograph with lung masses (MONOCHROME1, 15 bits), where the package `pydicom-data` is installed."""
    path = find_packaged_film()
    if path is None:
        return []
    source = "Real film from the package pydicom-data (MIT)"
    return [Example("rg1", "Lung masses, real film", source, _reader(path))]


def find_packaged_film() -> Path | None:
    """Where `RG1_UNCR.dcm` lies, or None where its package is not installed."""
    try:
        files = metadata.files(_PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    for each in files:
        if each.name == _PACKAGED_FILM:
            path = Path(str(each.locate()))
            return path if path.is_file() else None
    return None


def _phantoms() -> list[Example]:
    return [
        Example("phantom-effusion", "Phantom: left pleural effusion", _PHANTOM_SOURCE, _phantom(6, "Effusion", "left")),
        Example("phantom-mass", "Phantom: right lung mass", _PHANTOM_SOURCE, _phantom(18, "Mass", "right")),
        Example("phantom-clear", "Phantom: no finding", _PHANTOM_SOURCE, _phantom(13, None, None)),
    ]


def _phantom(seed: int, finding: str | None, side: str | None) -> Callable[[], Study]:
    def build() -> Study:
        return build_example_phantom(seed, finding, side).study

    return build


@lru_cache(maxsize=2)
def build_example_phantom(seed: int, finding: str | None, side: str | None) -> Phantom:
    """A phantom of the menu with the truth about it; the last two are kept, for film and recording want the same."""
    from egma.testing.phantoms import build_phantom

    return build_phantom(seed, finding=finding, side=side, size=_PHANTOM_SIZE_PX, severity=_SEVERITY)


def _reader(path: Path) -> Callable[[], Study]:
    def load() -> Study:
        from egma.imaging import load_study

        return load_study(path)

    return load
