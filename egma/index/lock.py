"""One writer at a time: a lock on a file of the library's folder, which the system lets go when the process ends."""

from __future__ import annotations

import os
from pathlib import Path

from egma.errors import LibraryError

LOCK_NAME = "writer.lock"


class WriterLock:
    """Taken at the first write, let go by `release` or by the end of the process, however it ends."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOCK_NAME
        self._stream: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._stream is not None

    def acquire(self) -> None:
        """Take the lock, or say that another writer has it."""
        if not self.try_acquire():
            raise LibraryError(
                f"the library {self._path.parent.name!r} is being written by another process or window; wait until "
                "it is done, searching goes on meanwhile"
            )

    def try_acquire(self) -> bool:
        """Take the lock if nobody else holds it."""
        import fcntl

        if self._stream is not None:
            return True
        try:
            stream = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise LibraryError(
                f"the library {self._path.parent.name!r} cannot be written ({error.strerror}); nothing was changed"
            ) from None
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(stream)
            return False
        self._stream = stream
        return True

    def release(self) -> None:
        """Let go."""
        if self._stream is not None:
            os.close(self._stream)
            self._stream = None
