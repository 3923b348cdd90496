"""Pictures of a checkpoint's card, drawn anew before a browser gets them: whatever else the file holds stays behind."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path

MAX_SIDE_PX = 1600
_MAX_FILE_BYTES = 20 * 1024 * 1024
_MAX_PIXELS = 25_000_000
_FORMATS = ("PNG", "JPEG")


@dataclass(eq=False)
class CardPictures:
    """Copies of card pictures in the page's own folder, one a file, made again when the file changes.

    Attributes:
        folder: where they are written, under random names.
    """

    folder: Path
    _drawn: dict[tuple[Path, int, int], Path | None] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def draw(self, path: Path) -> Path | None:
        """A clean PNG of the picture; None where the file is no picture, or too large to be one of a card."""
        try:
            found = path.stat()
        except OSError:
            return None
        key = (path, found.st_mtime_ns, found.st_size)
        with self._lock:
            if key not in self._drawn:
                self._drawn[key] = self._copy(path) if found.st_size <= _MAX_FILE_BYTES else None
            return self._drawn[key]

    def _copy(self, path: Path) -> Path | None:
        from PIL import Image, UnidentifiedImageError

        target = self.folder / f"{secrets.token_hex(16)}.png"
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                if picture.width * picture.height > _MAX_PIXELS:
                    return None
                picture.draft("RGB", (MAX_SIDE_PX, MAX_SIDE_PX))
                clean = picture.convert("RGB")
            clean.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX))
            clean.info.clear()
            clean.save(target, "PNG", optimize=False)
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
            target.unlink(missing_ok=True)
            return None
        return target
