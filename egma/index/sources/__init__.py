"""Where reports come from: a table, a folder of texts or DICOM structured reports, the Open-i collection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from egma.errors import LibraryError
from egma.index.records import ReportRecord

__all__ = ["BrokenItem", "Source", "SourceItem", "open_source"]


@dataclass(frozen=True)
class SourceItem:
    """A report as a source gives it; `place` says where it stood ("row 12", a file's name)."""

    place: str
    id: str
    record: ReportRecord


@dataclass(frozen=True)
class BrokenItem:
    """Something in a source that is no report, and why, in words without patient data."""

    place: str
    reason: str


class Source(Protocol):
    """A stream of reports that can be continued from any place.

    Attributes:
        name: for people and for the name of the list of what was broken.
        digest: names the source's content, so that an interrupted build knows it again.
        keeps_duplicates: whether reports with the same words and facts are all wanted.
    """

    name: str
    digest: str
    keeps_duplicates: bool

    def count(self) -> int:
        """How many items there are, broken ones included."""
        ...

    def items(self, skip: int) -> Iterator[SourceItem | BrokenItem]:
        """The items after the first `skip`."""
        ...


def open_source(path: Path, *, columns: dict[str, str] | None = None, encoding: str = "", source: str = "") -> Source:
    """The source at a path: a table (.csv, .tsv), or a folder or file of .txt and DICOM structured reports.

    Args:
        columns: of a table, which column is what: {"text": "Report", "id": "Study"}; guessed where not given.
        encoding: of a table or text, UTF-8 where not given.
        source: what `record.source` shall say; the path's name where not given.
    """
    from egma.index.sources.files import FolderSource
    from egma.index.sources.tables import TableSource

    if not path.exists():
        raise LibraryError(
            f"{path.name!r} does not exist; wanted a .csv or .tsv table, or a folder of .txt or DICOM SR"
        )
    if path.is_dir():
        return FolderSource(path, encoding=encoding, source=source)
    if path.suffix.lower() in (".csv", ".tsv"):
        return TableSource(path, columns=columns, encoding=encoding, source=source)
    if path.suffix.lower() in (".txt", ".dcm"):
        return FolderSource(path, encoding=encoding, source=source)
    raise LibraryError(f"{path.name!r} is no source of reports; wanted a .csv or .tsv table, .txt, .dcm or a folder")
