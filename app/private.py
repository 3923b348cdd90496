"""The one folder this page writes in: fresh, for this user's eyes only, gone at exit and swept by age."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

_PREFIX = "egma-workbench-"
_LOCK = "in-use"
MAX_AGE_S = 3600.0
"""Uploads and drawn overlays older than this are deleted: an hour covers a reading session."""
_SWEEP_EVERY_S = 300.0


@dataclass(frozen=True, eq=False)
class PrivateFolder:
    """A folder with mode 0700 under the system's temporary folder.

    Attributes:
        root: the folder itself.
        lock: an open file whose lock says that this process is alive; a later start removes folders nobody holds.
    """

    root: Path
    lock: IO[bytes]

    @property
    def uploads(self) -> Path:
        """Where the web framework puts uploads and returned files (GRADIO_TEMP_DIR)."""
        return self.root / "transfer"

    @property
    def views(self) -> Path:
        """Film pictures that the viewer fetches, under random names; nothing else is ever written here."""
        return self.root / "views"

    @property
    def home(self) -> Path:
        """Stands in for caches of libraries, so that they write nowhere else on a hosted machine."""
        return self.root / "home"

    def sweep(self, max_age_s: float = MAX_AGE_S) -> None:
        """Delete uploads and returned files that nobody has touched for `max_age_s`. Open films have their own."""
        limit_s = time.time() - max_age_s
        for path in sorted(self.uploads.rglob("*"), key=lambda each: len(each.parts), reverse=True):
            try:
                if path.lstat().st_mtime < limit_s:
                    path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
            except OSError:  # in use, not empty, or deleted by somebody else in the meantime
                continue

    def keep_swept(self, also: Callable[[], None] = lambda: None) -> None:
        """Sweep every few minutes for as long as the process lives, and do `also` what else is due."""

        def loop() -> None:
            while self.root.exists():
                time.sleep(_SWEEP_EVERY_S)
                self.sweep()
                also()

        threading.Thread(target=loop, name="sweep", daemon=True).start()

    def remove(self) -> None:
        """Delete the folder and all in it."""
        self.lock.close()
        shutil.rmtree(self.root, ignore_errors=True)


def build_private_folder(parent: Path | None = None) -> PrivateFolder:
    """Make a fresh folder, and remove those left behind by runs that were killed."""
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    _remove_abandoned(parent)
    root = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).resolve()
    lock = (root / _LOCK).open("wb")
    _try_lock(lock)
    folder = PrivateFolder(root, lock)
    for each in (folder.uploads, folder.views, folder.home):
        each.mkdir(mode=0o700)
    return folder


def _remove_abandoned(parent: Path) -> None:
    for root in parent.glob(f"{_PREFIX}*"):
        try:
            if root.is_symlink() or root.stat().st_uid != os.getuid():
                continue
            with (root / _LOCK).open("r+b") as lock:
                abandoned = _try_lock(lock)
        except (OSError, AttributeError):  # somebody else's, half made, or a system without user ids
            continue
        if abandoned:
            shutil.rmtree(root, ignore_errors=True)


def _try_lock(file: IO[bytes]) -> bool:
    """Take the lock without waiting. False where another process holds it, or the system has no such locks."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True
