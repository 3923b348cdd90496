"""Embeds the films of a folder into a store, a few at a time: what is done stays done, however the run ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.archive.files import UNREADABLE_NAME, FilmFile, find_films, thumbnail_path, write_root
from egma.archive.reading import ReadFilm, read_ahead
from egma.cells import csv_text
from egma.errors import DataError
from egma.index import ReportIndex

if TYPE_CHECKING:
    from egma.inference.engine import Engine

FILMS_A_BATCH = 8
AHEAD = 8
"""Films decoded before the model asks for them: a batch more than it works on."""


@dataclass(frozen=True)
class ArchiveRun:
    """What a run did.

    Attributes:
        found: files that may be films.
        added: films embedded now; kept: those of an earlier run that have not changed.
        gone: films in the store whose file is no longer in the folder; they stay until deleted.
        unreadable: (name, sentence) of files that could not be read.
        seconds: that embedding took.
        stopped: whether it was asked to stop before the end.
    """

    found: int
    added: int
    kept: int
    gone: int
    unreadable: tuple[tuple[str, str], ...]
    seconds: float
    stopped: bool = False

    @property
    def films_a_second(self) -> float:
        """Throughput of this run, films that could not be read included."""
        return (self.added + len(self.unreadable)) / self.seconds if self.seconds > 0 else 0.0


Progress = Callable[[int, int, int], None]
"""Told (done, total, unreadable) after every few films."""


def embed_folder(
    engine: Engine,
    folder: str | Path,
    store: str | Path,
    *,
    progress: Progress = lambda done, total, unreadable: None,
    should_stop: Callable[[], bool] = lambda: False,
    ahead: int = AHEAD,
) -> ArchiveRun:
    """Embed every film of a folder that the store does not have yet.

    Args:
        engine: the checkpoint that embeds; a store keeps to the one that began it.
        folder: searched with all below it.
        store: an index folder; made where it is absent.
        progress: told how far it is.
        should_stop: asked between batches.
        ahead: films decoded while the model works; 0 to do one after the other.

    Raises:
        EgmaError: no such folder, a store of another folder or checkpoint, or one that cannot be written.
    """
    folder, store = Path(folder).expanduser(), Path(store).expanduser()
    files = list(find_films(folder, store))
    with ReportIndex.open(store) as index:
        index.check_model(engine.checkpoint)
        write_root(store, folder)
        known = _known_stamps(index)
        todo = [file for file in files if known.get(file.id) != file.stamp]
        gone = len(known.keys() - {file.id for file in files})
        work = _Work(engine, index, store, len(todo), progress, should_stop)
        started = time.monotonic()
        work.run(read_ahead(todo, ahead))
        seconds = time.monotonic() - started
    _list_unreadable(store, work.unreadable)
    kept = len(files) - len(todo)
    return ArchiveRun(len(files), work.added, kept, gone, tuple(work.unreadable), seconds, work.stopped)


@dataclass(eq=False)
class _Work:
    engine: Engine
    index: ReportIndex
    store: Path
    total: int
    progress: Progress
    should_stop: Callable[[], bool]
    added: int = 0
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    stopped: bool = False

    def run(self, films: Iterator[ReadFilm]) -> None:
        """Embed films batch by batch; each batch is on the disk before the next begins."""
        for batch in _batches(films, FILMS_A_BATCH):
            self.unreadable += [(film.file.name, film.problem) for film in batch if film.study is None]
            self._embed([film for film in batch if film.study is not None])
            self.progress(self.added + len(self.unreadable), self.total, len(self.unreadable))
            if self.should_stop():
                self.stopped = True
                break

    def _embed(self, films: Sequence[ReadFilm]) -> None:
        studies = [film.study for film in films if film.study is not None]
        if not studies:
            return
        vectors = self.engine.embed_studies(studies).globals
        for film in films:  # before the record: a film that can be found has its picture
            _write_thumbnail(thumbnail_path(self.store, film.file.id), film.thumbnail)
        records = [{"film": _facts(film)} for film in films]
        self.index.add([film.file.id for film in films], vectors, records, model=self.engine.checkpoint)
        self.added += len(films)


def _facts(film: ReadFilm) -> dict[str, Any]:
    study = film.study
    height, width = study.shape if study is not None else (0, 0)
    return {
        "file": film.file.name,
        "stamp": film.file.stamp,
        "size_px": [width, height],
        "kind": study.source if study is not None else "",
        "warnings": list(study.warnings) if study is not None else [],
        "key": study.key if study is not None else "",
    }


def _known_stamps(index: ReportIndex) -> dict[str, str]:
    """The stamp of every film in the store, read a thousand at a time."""
    stamps: dict[str, str] = {}
    ids = iter(index)
    while some := list(islice(ids, 1000)):
        for name, record in index.get(some).items():
            stamps[name] = str(record.extra.get("film", {}).get("stamp", ""))
    return stamps


def _batches(films: Iterable[ReadFilm], size: int) -> Iterator[list[ReadFilm]]:
    iterator = iter(films)
    while batch := list(islice(iterator, size)):
        yield batch


def _write_thumbnail(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise DataError(f"a thumbnail could not be written ({error.strerror}); make room and run it again") from None


def _list_unreadable(store: Path, unreadable: Sequence[tuple[str, str]]) -> None:
    path = store / UNREADABLE_NAME
    if not unreadable:
        path.unlink(missing_ok=True)
        return
    printable = [(name.encode("utf-8", "replace").decode(), problem) for name, problem in unreadable]
    path.write_text(csv_text(("file", "problem"), printable), encoding="utf-8", newline="")


__all__ = ["AHEAD", "ArchiveRun", "FilmFile", "embed_folder"]
