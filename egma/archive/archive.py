"""An archive of films: the films most like a given one, or most like what words say, with thumbnails."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from egma.archive.files import INFO_NAME, read_root, thumbnail_path
from egma.errors import DataError
from egma.index import Hit, ReportIndex
from egma.inference.prompts import clean_phrases

if TYPE_CHECKING:
    from egma.inference.engine import Engine
    from egma.types import Study


@dataclass(frozen=True)
class FilmHit:
    """A film that was found.

    Attributes:
        id: the film's id in the archive.
        file: its path below the archive's folder.
        score: cosine similarity in [-1, 1] to the film or the words that asked.
        thumbnail: where its small picture lies, None where it is missing.
        is_same: whether it has the very pixels of the film that asked.
    """

    id: str
    file: str
    score: float
    thumbnail: Path | None
    is_same: bool = False


class FilmArchive:
    """A store that `embed_folder` made, opened for searching.

    Attributes:
        store: the store's folder.
        folder: the films' own folder, None where the store does not say.
    """

    def __init__(self, index: ReportIndex, store: Path) -> None:
        self._index = index
        self.store = store
        self.folder = read_root(store)

    @classmethod
    def open(cls, store: str | Path) -> FilmArchive:
        """Open a store.

        Raises:
            DataError: there is none in that folder.
        """
        path = Path(store).expanduser()
        if not (path / INFO_NAME).is_file():
            raise DataError(
                f"there is no archive of films in {path.name[:60]!r}; make one with: python -m egma embed FOLDER "
                f"--out {path.name[:60]}"
            )
        return cls(ReportIndex.open(path, create=False), path)

    def __len__(self) -> int:
        return len(self._index)

    def search_film(self, engine: Engine, study: Study, k: int = 12) -> list[FilmHit]:
        """The k films most like a film, best first."""
        self._index.check_model(engine.checkpoint)
        return [self._hit(hit, study.key) for hit in self._search(engine.embed_studies([study]).globals[0], k)]

    def search_words(self, engine: Engine, words: str, k: int = 12) -> list[FilmHit]:
        """The k films most like what the words say, best first."""
        self._index.check_model(engine.checkpoint)
        (phrase, *_) = clean_phrases([" ".join(words.split())])
        return [self._hit(hit) for hit in self._search(engine.embed_texts([phrase])[0], k)]

    def original(self, film_id: str) -> Path:
        """Where a film's own file lies.

        Raises:
            DataError: the archive has no such film, or its file is not there any more.
        """
        record = self._index.get([film_id]).get(film_id)
        if record is None:
            raise DataError("that film is no longer in the archive; search again")
        name = str(record.extra.get("film", {}).get("file", ""))
        if self.folder is None or not name:
            raise DataError("the archive does not say where its films lie; embed their folder again")
        path = (self.folder / name).resolve()
        if not path.is_relative_to(self.folder.resolve()) or not path.is_file():
            raise DataError("the film's file is no longer in its folder; put it back, or embed the folder again")
        return path

    def thumbnail(self, film_id: str) -> Path | None:
        """Where a film's small picture lies, None where it is missing."""
        path = thumbnail_path(self.store, film_id)
        return path if path.is_file() else None

    def close(self) -> None:
        """Let go of the store."""
        self._index.close()

    def _search(self, vector: object, k: int) -> list[Hit]:
        return [hit for hit in self._index.search(vector, k) if isinstance(hit, Hit)]  # type: ignore[arg-type]

    def _hit(self, hit: Hit, key: str = "") -> FilmHit:
        film = hit.record.extra.get("film", {})
        same = bool(key) and film.get("key") == key
        return FilmHit(hit.id, str(film.get("file", hit.id)), hit.score, self.thumbnail(hit.id), same)
