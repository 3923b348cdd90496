"""The files of a folder that may be films, and what of an archive lies where."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from egma.errors import DataError

SUFFIXES = frozenset({"", ".dcm", ".dicom", ".ima", ".png", ".jpg", ".jpeg", ".tif", ".tiff"})
"""Names that films go by; DICOM files from a picture archive often have none."""
INFO_NAME = "archive.json"
UNREADABLE_NAME = "unreadable.csv"
_THUMBNAILS = "thumbnails"
_MAX_ID_CHARS = 200
_NOT_FILMS = frozenset({"DICOMDIR"})


@dataclass(frozen=True)
class FilmFile:
    """A file that may be a film.

    Attributes:
        id: its path below the folder, with "/"; a hash where that is too long or not printable.
        name: its path below the folder, as the system has it.
        path: where it lies.
        stamp: size and time of change: equal stamps are taken for equal files.
    """

    id: str
    name: str
    path: Path
    stamp: str


def find_films(folder: Path, store: Path) -> Iterator[FilmFile]:
    """Files of the folder and all below it, in the order of their names; links are not followed, the store is left out.

    Raises:
        DataError: there is no such folder, or it may not be read.
    """
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder.name[:60]!r}; give the folder that holds the films")
    if not os.access(folder, os.R_OK | os.X_OK):
        raise DataError(f"the folder {folder.name[:60]!r} may not be read by this user; change its permissions")
    avoided = store.resolve()
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (here / name).resolve() != avoided)
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or name in _NOT_FILMS or path.suffix.lower() not in SUFFIXES:
                continue
            if path.is_file() and not path.is_symlink():
                yield _film_file(path, folder)


def thumbnail_path(store: Path, film_id: str) -> Path:
    """Where a film's thumbnail lies in a store: named by a hash, so that no film's name can lead elsewhere."""
    name = sha256(film_id.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return store / _THUMBNAILS / name[:2] / f"{name}.jpg"


def read_root(store: Path) -> Path | None:
    """The folder that a store was made of; None where it does not say."""
    try:
        root = json.loads((store / INFO_NAME).read_text(encoding="utf-8"))["folder"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return Path(root) if isinstance(root, str) and root and "\0" not in root else None


def write_root(store: Path, folder: Path) -> None:
    """Keep the folder that a store is made of.

    Raises:
        DataError: the store was made of another folder, or cannot be written.
    """
    root = read_root(store)
    if root is not None and root != folder.resolve():
        raise DataError(
            f"the store {store.name[:60]!r} holds films of another folder ({root.name[:60]!r}); choose another --out"
        )
    try:
        (store / INFO_NAME).write_text(json.dumps({"folder": str(folder.resolve())}) + "\n", encoding="utf-8")
    except OSError as error:
        raise DataError(
            f"the store {store.name[:60]!r} cannot be written ({error.strerror}); choose another --out"
        ) from None


def _film_file(path: Path, folder: Path) -> FilmFile:
    name = path.relative_to(folder).as_posix()
    status = path.stat()
    readable = len(name) <= _MAX_ID_CHARS and name.isprintable() and name == name.strip()
    hashed = "film-" + sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return FilmFile(name if readable else hashed, name, path, f"{status.st_size}-{status.st_mtime_ns}")
