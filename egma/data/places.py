"""Finds the file that a table names, below the folder that the user chose and nowhere else."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

_DRIVE = re.compile(r"[A-Za-z]:[\\/]|\\\\")
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
MAX_NAME_CHARS = 1024


@dataclass(frozen=True)
class Place:
    """A file below the root; or no path, and the kind of problem (a key of `egma.data.problems.WORDINGS`)."""

    path: Path | None
    problem: str = ""


class Root:
    """The folder that all of a data set's images must lie in; links inside it may not lead out."""

    def __init__(self, folder: Path, below: tuple[str, ...] = ("", "images")) -> None:
        self.folder = folder
        self._real = Path(os.path.realpath(folder))
        self._below = below

    def find(self, name: str) -> Place:
        """The ordinary file called `name`, below the folder or its `images`."""
        problem = self._refuse(name)
        if problem:
            return Place(None, problem)
        places = [self._look(self.folder / below / name) for below in self._below]
        return next((place for place in places if place.problem != "missing image"), places[0])

    def _refuse(self, name: str) -> str:
        if not name.strip():
            return "no image named"
        if "\0" in name or len(name) > MAX_NAME_CHARS or _DRIVE.match(name) or _ADDRESS.match(name):
            return "outside"
        if ".." in re.split(r"[\\/]", name):
            return "outside"
        if Path(name).is_absolute() and not self._holds(Path(os.path.normpath(name))):
            return "outside"
        return ""

    def _look(self, path: Path) -> Place:
        try:
            status = path.stat()
        except OSError:
            # A link whose end is missing still says where it leads.
            leads_out = path.is_symlink() and not self._holds(Path(os.path.realpath(path)))
            return Place(None, "link out" if leads_out else "missing image")
        if not self._holds(Path(os.path.realpath(path))):
            return Place(None, "link out")
        return Place(path) if stat.S_ISREG(status.st_mode) else Place(None, "no file")

    def _holds(self, path: Path) -> bool:
        return path.is_relative_to(self._real) or path.is_relative_to(self.folder)
