"""The Open-i collection as a source: 3,955 reports that the package torchxrayvision carries. Nothing is copied."""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from egma.data.openi import OpeniReport, find_openi, load_openi
from egma.index.records import ReportRecord, read_record
from egma.index.sources import BrokenItem, SourceItem

OPENI = "Open-i"
_SECTIONS = ("indication", "comparison", "findings", "impression")


class OpeniSource:
    """Every report under its own id ("CXR1021"); reports of the same words are different patients' and all kept."""

    keeps_duplicates = True
    name = OPENI

    def __init__(self, archive: Path | None = None) -> None:
        self._archive = archive or find_openi()
        self._reports: list[OpeniReport] = []
        self.digest = sha256(f"{OPENI} {self._archive.stat().st_size}".encode()).hexdigest()[:32]

    def count(self) -> int:
        """How many reports there are."""
        self._reports = self._reports or load_openi(self._archive)
        return len(self._reports)

    def items(self, skip: int) -> Iterator[SourceItem | BrokenItem]:
        """The reports in the order of their ids."""
        self.count()
        for report in self._reports[skip:]:
            yield SourceItem(report.uid, report.uid, read_openi_record(report))


def read_openi_record(report: OpeniReport) -> ReportRecord:
    """A report with its headings, and its MeSH terms beside it."""
    sections = {name: getattr(report, name) for name in _SECTIONS}
    text = "\n".join(f"{name.upper()}: {words}" for name, words in sections.items() if words)
    return read_record({"text": text, "source": OPENI, "mesh": list(report.mesh)}, report.uid)
