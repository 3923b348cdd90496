"""Reports in files: plain text, and DICOM structured reports, in a folder and the folders in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from egma.errors import EgmaError, LibraryError
from egma.index.records import ReportRecord, read_id, read_record
from egma.index.sources import BrokenItem, SourceItem

_TEXT, _DICOM = (".txt",), (".dcm", ".dicom", ".sr")
_MAX_TEXT_BYTES = 4_000_000
_MAX_DICOM_BYTES = 64_000_000


class FolderSource:
    """Every .txt and .dcm file below a folder, in the order of their names; links are not followed."""

    keeps_duplicates = False

    def __init__(self, path: Path, *, encoding: str = "", source: str = "") -> None:
        self.name = path.resolve().name or "folder"
        self._root = path if path.is_dir() else path.parent
        self._encoding = encoding or "utf-8-sig"
        self._source = source or self.name
        self._files = sorted(_find_files(path)) if path.is_dir() else [path.name]
        if not self._files:
            raise LibraryError(f"the folder {self.name!r} holds no .txt and no .dcm file; wanted one report a file")
        self.digest = sha256("\0".join([str(path.resolve()), *self._files]).encode("utf-8", "replace")).hexdigest()[:32]

    def count(self) -> int:
        """How many files there are."""
        return len(self._files)

    def items(self, skip: int) -> Iterator[SourceItem | BrokenItem]:
        """File by file; the id is the file's place in the folder without its ending."""
        for name in self._files[skip:]:
            try:
                record = self._read(self._root / name)
                yield SourceItem(name, read_id(str(Path(name).with_suffix(""))), record)
            except EgmaError as error:
                yield BrokenItem(name, str(error))
            except OSError as error:
                yield BrokenItem(name, f"cannot be read ({error.strerror})")

    def _read(self, path: Path) -> ReportRecord:
        dicom = path.suffix.lower() in _DICOM
        most = _MAX_DICOM_BYTES if dicom else _MAX_TEXT_BYTES
        size = path.stat().st_size
        if size > most:
            raise LibraryError(f"{size:,} bytes, at most {most:,} are read")
        if dicom:
            from egma.index.sources.structured import read_structured_report

            return read_structured_report(path, self._source)
        try:
            text = path.read_text(encoding=self._encoding)
        except UnicodeError:
            raise LibraryError("not UTF-8 text; give --encoding, such as utf-16 or cp1252") from None
        if not text.strip():
            raise LibraryError("no text")
        return read_record({"text": text, "source": self._source}, path.name)


def _find_files(folder: Path) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place, name)
            if path.suffix.lower() in (*_TEXT, *_DICOM) and not path.is_symlink():
                yield str(path.relative_to(folder))
