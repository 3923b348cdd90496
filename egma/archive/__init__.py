"""A folder of films made searchable: by another film, or by words. `python -m egma embed FOLDER --out STORE`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from egma.lazy import lazy_names

_HOMES = {
    "ArchiveRun": "egma.archive.build",
    "FilmArchive": "egma.archive.archive",
    "FilmHit": "egma.archive.archive",
    "embed_folder": "egma.archive.build",
}

__all__ = ["ArchiveRun", "FilmArchive", "FilmHit", "embed_folder"]

if TYPE_CHECKING:
    from egma.archive.archive import FilmArchive, FilmHit
    from egma.archive.build import ArchiveRun, embed_folder

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
