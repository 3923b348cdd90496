"""The Open-i reports inside an installed package."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from egma.data.openi import find_openi, load_openi
from egma.errors import DataError

REPORT = """<eCitation><uId id="CXR7"/><MedlineCitation><Article><Abstract>
<AbstractText Label="INDICATION">Cough</AbstractText>
<AbstractText Label="FINDINGS">The heart is normal. Lungs are clear.</AbstractText>
<AbstractText Label="IMPRESSION">No acute disease.</AbstractText></Abstract></Article></MedlineCitation>
<MeSH><major>normal</major></MeSH></eCitation>"""


def test_a_report_is_read_with_its_sections_and_headings(tmp_path: Path) -> None:
    (tmp_path / "7.xml").write_text(REPORT, encoding="utf-8")
    with tarfile.open(tmp_path / "reports.tgz", "w:gz") as archive:
        archive.add(tmp_path / "7.xml", "ecgen/7.xml")
    (report,) = load_openi(tmp_path / "reports.tgz")
    assert (report.uid, report.indication, report.mesh) == ("CXR7", "Cough", ("normal",))
    assert report.sentences == ("The heart is normal.", "Lungs are clear.", "No acute disease.")


def test_a_damaged_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "reports.tgz").write_bytes(b"\x1f\x8b not an archive")
    with pytest.raises(DataError, match="is damaged"):
        load_openi(tmp_path / "reports.tgz")


def test_the_installed_package_carries_every_report() -> None:
    try:
        archive = find_openi()
    except DataError as error:
        pytest.skip(str(error))
    reports = load_openi(archive)
    assert len(reports) == 3955
    assert reports[0].uid == "CXR1"
    assert sum(bool(report.sentences) for report in reports) > 3900
