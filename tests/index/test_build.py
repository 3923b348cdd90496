"""Libraries from tables, folders, DICOM structured reports and Open-i: whole, resumable, what was left out listed."""

from __future__ import annotations

import csv
import tarfile
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import BasicTextSRStorage, ExplicitVRLittleEndian, generate_uid

from egma.errors import EgmaError, LibraryError
from egma.index import ReportIndex
from egma.index.build import BATCH, build_library
from egma.index.sources import open_source
from egma.index.sources.openi import OpeniSource
from egma.index.sources.tables import TableSource
from egma.testing import write_dicom

HEADER = ["Study", "Report", "Gender", "Age"]


def write_table(
    path: Path, rows: list[list[str]], header: list[str] = HEADER, encoding: str = "utf-8", sign: str = ","
) -> Path:
    with path.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=sign).writerows([header, *rows])
    return path


def build(folder: Path, engine, source, **options):
    with ReportIndex.open(folder) as index:
        result = build_library(index, engine, source, **options)
        return result, index.get(list(index))


def left_out(folder: Path) -> list[list[str]]:
    (path,) = folder.glob("left-out-*.csv")
    return list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]


def test_a_table_becomes_a_library_with_its_columns_guessed(tmp_path: Path, engine) -> None:
    rows = [["s1", "FINDINGS: Left effusion.", "F", "061Y"], ["s2", "Clear lungs, no effusion.", "male", "40"]]
    source = open_source(write_table(tmp_path / "reports.csv", rows))
    result, records = build(tmp_path / "lib", engine, source)
    assert (result.added, result.total, result.is_complete, result.broken_file) == (2, 2, True, "")
    assert (records["s1"].sex, records["s1"].age, records["s1"].source) == ("F", 61.0, "reports")
    assert records["s2"].text == "Clear lungs, no effusion."
    with ReportIndex.open(tmp_path / "lib") as index:
        assert index.search_text(engine, "left effusion", 1)[0].id == "s1"
        assert index.stats().spaces["sentences"].kind == "flat"


def test_columns_are_taken_as_named_and_sections_are_joined(tmp_path: Path, engine) -> None:
    path = write_table(
        tmp_path / "t.tsv", [["7", "Effusion.", "Large effusion.", "x"]], ["nr", "F", "Conclusion", "text"], sign="\t"
    )
    source = open_source(path, columns={"id": "nr", "findings": "F", "source": "text"})
    assert source.preview()[0]["findings"] == "Effusion."
    _, records = build(tmp_path / "lib", engine, source)
    assert records["7"].text == "FINDINGS: Effusion.\nIMPRESSION: Large effusion." and records["7"].source == "x"


def test_broken_rows_are_listed_and_passed_over(tmp_path: Path, engine) -> None:
    rows = [
        ["s1", "Good report.", "F", "1"],
        ["s2", "", "F", "1"],
        ["s3"],
        ["s4", "x" * 5_000_000, "F", "1"],
        ["s\n5", "Words.", "F", "1"],
        ["=cmd|' /C calc'!A0", "Words of another.", "F", "1"],
        ["s1", "Good report, corrected.", "F", "1"],
        ["s6", "Good report, corrected.", "F", "1"],
    ]
    result, records = build(tmp_path / "lib", engine, open_source(write_table(tmp_path / "r.csv", rows)))
    assert (result.added, result.broken, result.duplicates) == (2, 5, 1)
    assert set(records) == {"s1", "=cmd|' /C calc'!A0"} and records["s1"].text == "Good report, corrected."
    listed = left_out(tmp_path / "lib")
    assert [row[0] for row in listed] == ["row 3", "row 4", "row 5", "row 6", "row 2", "row 9"]
    assert "5,000,000 characters" in listed[2][1] and listed[5][1] == "the same as s1"


def test_a_row_in_another_encoding_is_listed_and_read_when_it_is_named(tmp_path: Path, engine) -> None:
    path = write_table(
        tmp_path / "r.csv", [["s1", "Herzgröße normal.", "F", "1"], ["s2", "Clear.", "F", "1"]], encoding="cp1252"
    )
    result, _ = build(tmp_path / "lib", engine, open_source(path))
    assert (result.added, result.broken) == (1, 1) and "--encoding" in left_out(tmp_path / "lib")[0][1]
    _, records = build(tmp_path / "lib2", engine, open_source(path, encoding="cp1252"))
    assert records["s1"].text == "Herzgröße normal."


BAD_TABLES = {
    "utf-16": ("id,text\n1,Words\n".encode("utf-16"), "UTF-16 text, wanted UTF-8"),
    "utf-16 without a mark": ("id,text\n1,Words\n".encode("utf-16-le"), "UTF-16 text, wanted UTF-8"),
    "empty": (b"", "is empty"),
    "blank": (b"\n\n", "is empty"),
    "no rows": (b"id,text\n", "0 rows"),
    "no text column": (b"id,name\n1,Words\n", "no column of report text .* id, name"),
    "only broken rows": (b"id,text\n1,\n2,\n", "none of the 2 items"),
    "a quotation mark left open": (b'id,text\n1,"Words\n' + b"x" * 33_000_000, "cannot be read from line"),
    "an unnamed column": (b"id,text\n1,Words\n", "no column 'Report'"),
}


@pytest.mark.parametrize("case", BAD_TABLES, ids=str)
def test_a_table_that_is_none_is_one_sentence_and_loses_nothing(tmp_path: Path, engine, case: str) -> None:
    data, sentence = BAD_TABLES[case]
    (tmp_path / "r.csv").write_bytes(data)
    with ReportIndex.open(tmp_path / "lib") as index:
        index.add_reports(engine, ["kept"], ["Kept words."])
        with pytest.raises(EgmaError, match=sentence) as caught:
            columns = {"text": "Report"} if case == "an unnamed column" else None
            build_library(index, engine, open_source(tmp_path / "r.csv", columns=columns))
        assert "\n" not in str(caught.value) and list(index) == ["kept"]


def test_an_unknown_column_kind_path_or_encoding_is_one_sentence(tmp_path: Path) -> None:
    path = write_table(tmp_path / "r.csv", [["1", "Words", "F", "1"]])
    with pytest.raises(LibraryError, match="'colour' is nothing a report has"):
        open_source(path, columns={"colour": "Study"})
    with pytest.raises(LibraryError, match="is no text encoding"):
        open_source(path, encoding="klingon")
    with pytest.raises(LibraryError, match="does not exist"):
        open_source(tmp_path / "none.csv")
    with pytest.raises(LibraryError, match="is no source of reports"):
        open_source(Path(__file__))
    (tmp_path / "empty").mkdir()
    with pytest.raises(LibraryError, match=r"holds no \.txt and no \.dcm"):
        open_source(tmp_path / "empty")


def test_an_interrupted_build_goes_on_where_it_stopped(tmp_path: Path, engine) -> None:
    rows = [[f"s{number}", f"Report number {number}. Effusion.", "F", "1"] for number in range(2 * BATCH + 50)]
    path = write_table(tmp_path / "r.csv", rows)
    seen: list[tuple[int, int]] = []
    result, records = build(
        tmp_path / "lib",
        engine,
        open_source(path),
        should_stop=lambda: True,
        on_progress=lambda *each: seen.append(each[:2]),
    )
    assert not result.is_complete and len(records) == BATCH and seen == [(BATCH, len(rows))]
    result, records = build(
        tmp_path / "lib", engine, open_source(path), on_progress=lambda *each: seen.append(each[:2])
    )
    assert result.is_complete and len(records) == len(rows) == result.added
    assert [done for done, _ in seen] == [BATCH, 2 * BATCH, len(rows)]
    result, records = build(tmp_path / "lib", engine, open_source(path))
    assert (result.added, result.unchanged, len(records)) == (0, len(rows), len(rows))


def test_a_folder_of_texts_is_read_with_its_places_as_ids(tmp_path: Path, engine) -> None:
    folder = tmp_path / "texts"
    (folder / "ward").mkdir(parents=True)
    (folder / "a.txt").write_text("Left effusion.", encoding="utf-8")
    (folder / "ward" / "b.txt").write_text("\ufeffClear lungs.", encoding="utf-8")
    (folder / "c.txt").write_bytes(b"\xff\xfe\x00")
    (folder / "d.txt").write_text("  \n")
    (folder / "e.txt").write_text("Left effusion.")
    (folder / "notes.md").write_text("no report")
    (folder / "out.txt").symlink_to("/etc/hostname")
    result, records = build(tmp_path / "lib", engine, open_source(folder))
    assert {name: record.text for name, record in records.items()} == {"a": "Left effusion.", "ward/b": "Clear lungs."}
    assert (result.broken, result.duplicates) == (2, 1)
    assert {row[0]: row[1] for row in left_out(tmp_path / "lib")}["e.txt"] == "the same as a"
    _, records = build(tmp_path / "all", engine, open_source(folder), keep_duplicates=True)
    assert set(records) == {"a", "e", "ward/b"}


def code(meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "1", "99TEST", meaning
    return item


def content(kind: str, name: str, value: str = "", inside: list[Dataset] | None = None) -> Dataset:
    item = Dataset()
    item.ValueType, item.ConceptNameCodeSequence = kind, [code(name)]
    if kind == "TEXT":
        item.TextValue = value
    if kind == "CODE":
        item.ConceptCodeSequence = [code(value)]
    if inside:
        item.ContentSequence = inside
    return item


def write_structured_report(path: Path, items: list[Dataset]) -> Path:
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID = BasicTextSRStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID = generate_uid()
    dataset.Modality, dataset.PatientName, dataset.PatientSex, dataset.PatientAge = "SR", "Secret^Name", "F", "070Y"
    dataset.StudyDate, dataset.StudyInstanceUID = "20200131", generate_uid()
    dataset.ContentSequence = items
    dataset.save_as(path, enforce_file_format=True)
    return path


def test_a_dicom_structured_report_is_read_with_its_headings_and_without_the_name(tmp_path: Path, engine) -> None:
    folder = tmp_path / "sr"
    folder.mkdir()
    seen = [content("TEXT", "Finding", "Left pleural effusion."), content("CODE", "Finding", "Cardiomegaly")]
    concluded = [content("TEXT", "Impression", "Heart failure.")]
    items = [content("CONTAINER", "Findings", inside=seen), content("CONTAINER", "Impressions", inside=concluded)]
    write_structured_report(folder / "report.dcm", items)
    write_dicom(folder / "film.dcm", np.zeros((16, 16), np.uint16))
    (folder / "noise.dcm").write_bytes(b"no dicom at all")
    write_structured_report(folder / "without.dcm", [content("CONTAINER", "Findings")])
    result, records = build(tmp_path / "lib", engine, open_source(folder))
    record = records["report"]
    assert record.text == "FINDINGS:\nLeft pleural effusion.\nCardiomegaly\nIMPRESSIONS:\nHeart failure."
    assert (record.sex, record.age, record.date) == ("F", 70.0, "2020-01-31")
    assert "Secret" not in str(record) and set(records) == {"report"} and result.broken == 3
    with ReportIndex.open(tmp_path / "lib") as index:
        (hit,) = index.search_text(engine, "pleural effusion", 1)
        assert hit.findings == ("Cardiomegaly", "Edema", "Effusion")


def test_open_i_keeps_every_report_under_its_own_id(tmp_path: Path, engine) -> None:
    report = """<eCitation><uId id="CXR{n}"/><MedlineCitation><Article><Abstract>
    <AbstractText Label="INDICATION">Cough</AbstractText><AbstractText Label="FINDINGS">Lungs are clear.</AbstractText>
    <AbstractText Label="IMPRESSION">No acute disease.</AbstractText></Abstract></Article></MedlineCitation>
    <MeSH><major>normal</major></MeSH></eCitation>"""
    with tarfile.open(tmp_path / "reports.tgz", "w:gz") as archive:
        for number in (7, 12):
            path = tmp_path / f"{number}.xml"
            path.write_text(report.format(n=number), encoding="utf-8")
            archive.add(path, f"ecgen/{number}.xml")
    result, records = build(tmp_path / "lib", engine, OpeniSource(tmp_path / "reports.tgz"))
    assert result.added == 2 and list(records) == ["CXR7", "CXR12"]
    assert records["CXR7"].text == "INDICATION: Cough\nFINDINGS: Lungs are clear.\nIMPRESSION: No acute disease."
    assert records["CXR7"].extra == {"mesh": ["normal"]} and records["CXR7"].source == "Open-i"


def test_a_table_can_be_mapped_and_previewed_before_it_is_built(tmp_path: Path) -> None:
    path = write_table(tmp_path / "r.csv", [[str(number), "Words.", "F", "1"] for number in range(9)], sign=";")
    source = TableSource(path)
    assert source.header == HEADER and source.columns == {"id": 0, "text": 1, "sex": 2, "age": 3}
    assert len(source.preview(5)) == 5 and source.count() == 9
