"""Exports as they really come: each dirty file opens with the right numbers, or is one clear sentence."""

from __future__ import annotations

import codecs
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.__main__ import main
from egma.errors import GazeError
from egma.gaze.track import GazeTrack
from egma.testing.gaze import REFLACX_FIXATIONS, build_track, invented_dicom_id, write_eyegaze

HEADER = ",".join(REFLACX_FIXATIONS)
REST = "1.131,94,94,0.99829,0.49841,0,303,2521,2463,661,0,3180,2160"
LINES = [f"{7.08 + i * 0.3:.3f},{7.293 + i * 0.3:.3f},{405 + 30 * i},{500.5 + 50 * i},{REST}" for i in range(6)]
REFLACX = "\n".join([HEADER, *LINES]) + "\n"
ROWS = [f"{100 + 10 * i}.5,{200 + 20 * i},{i * 0.3:.3f},{i * 0.3 + 0.25:.3f}" for i in range(6)]
TABLE = "\n".join(["x,y,start,end", *ROWS]) + "\n"


def semicolons(text: str) -> str:
    return text.replace(",", ";").replace(".", ",")


def quoted(text: str) -> str:
    return "".join(",".join(f'"{cell}"' for cell in line.split(",")) + "\n" for line in text.splitlines())


WRITINGS: list[tuple[str, Callable[[str], bytes]]] = [
    ("carriage returns and line feeds", lambda text: text.replace("\n", "\r\n").encode()),
    ("carriage returns alone", lambda text: text.replace("\n", "\r").encode()),
    ("a byte order mark", lambda text: codecs.BOM_UTF8 + text.encode()),
    ("UTF-16", lambda text: text.encode("utf-16")),
    ("UTF-16, big end first", lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be")),
    ("UTF-16 without its mark", lambda text: text.encode("utf-16-le")),
    ("UTF-32", lambda text: text.encode("utf-32")),
    ("semicolons and decimal commas", lambda text: semicolons(text).encode()),
    ("semicolons and decimal commas in UTF-16", lambda text: semicolons(text).encode("utf-16")),
    ("semicolons and decimal points", lambda text: text.replace(",", ";").encode()),
    ("tabs and decimal commas", lambda text: semicolons(text).replace(";", "\t").encode()),
    ("bars", lambda text: text.replace(",", "|").encode()),
    ("everything quoted", lambda text: quoted(text).encode()),
    ("blanks around cells", lambda text: text.replace(",", " , ").encode()),
    ("blank lines above and between", lambda text: ("\n\n" + text.replace("\n", "\n\n")).encode()),
    ("a comment and a title above", lambda text: f"# by the lab\nReading of a film\n{text}".encode()),
    ("Excel's separator line", lambda text: f"sep=,\n{text}".encode()),
    ("an empty last column", lambda text: text.replace("\n", ",\n").encode()),
    ("an empty last cell in the lines alone", lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1).encode()),
    ("no line feed at the end", lambda text: text.rstrip("\n").encode()),
]


@pytest.mark.parametrize("text", [pytest.param(REFLACX, id="reflacx"), pytest.param(TABLE, id="table")])
@pytest.mark.parametrize("write", [pytest.param(write, id=name) for name, write in WRITINGS])
def test_a_recording_reads_alike_however_it_is_written(
    tmp_path: Path, text: str, write: Callable[[str], bytes]
) -> None:
    (tmp_path / "plain.csv").write_text(text)
    (tmp_path / "dirty.csv").write_bytes(write(text))
    plain, dirty = egma.load_gaze(tmp_path / "plain.csv"), egma.load_gaze(tmp_path / "dirty.csv")
    assert dirty.source == plain.source and len(dirty) == 6
    assert np.array_equal(dirty.xy_px, plain.xy_px) and np.array_equal(dirty.start_s, plain.start_s)
    assert np.array_equal(dirty.duration_s, plain.duration_s)


UNITS = [("s", 1.0, 4), ("ms", 1e3, 1), ("us", 1e6, 0), ("ns", 1e9, 0)]


@pytest.mark.parametrize(("unit", "scale", "digits"), UNITS)
def test_times_are_seconds_whatever_unit_the_file_has(tmp_path: Path, unit: str, scale: float, digits: int) -> None:
    lines = [
        f"{100 + i},{200 + i},{i * 0.3 * scale:.{digits}f},{(i * 0.3 + 0.25) * scale:.{digits}f}" for i in range(6)
    ]
    (tmp_path / "a.csv").write_text("\n".join(["x,y,start,end", *lines]))
    track = egma.load_gaze(tmp_path / "a.csv")
    assert np.allclose(track.start_s, np.arange(6) * 0.3) and np.allclose(track.duration_s, 0.25)
    assert any("times are taken to be in" in note for note in track.notes)


def test_the_times_of_a_clock_are_counted_from_the_first_row(tmp_path: Path) -> None:
    lines = [f"{100 + i},{200 + i},{1_700_000_000_000 + 4 * i}" for i in range(6)]
    (tmp_path / "a.csv").write_text("\n".join(["x,y,timestamp", *lines]))
    track = egma.load_gaze(tmp_path / "a.csv")
    assert np.allclose(track.start_s, np.arange(6) * 0.004, atol=1e-6) and "of a clock" in track.notes[-1]


@pytest.mark.parametrize("text", [pytest.param(REFLACX, id="reflacx"), pytest.param(TABLE, id="table")])
def test_a_last_line_that_was_cut_off_is_left_out_and_said(tmp_path: Path, text: str) -> None:
    cut = text.rstrip("\n").rsplit(",", 2)[0]
    (tmp_path / "a.csv").write_text(cut)
    track = egma.load_gaze(tmp_path / "a.csv")
    assert len(track) == 5 and "the last line is cut off and left out" in track.notes[0]


def test_a_cut_off_line_of_an_eyegaze_file_is_left_out_and_said(tmp_path: Path) -> None:
    track = build_track(1)
    path = write_eyegaze(tmp_path, {invented_dicom_id(1): track}, dirty=False) / "fixations.csv"
    path.write_text(path.read_text()[:-60])
    read = egma.load_gaze(path)
    assert len(read) == len(track) - 1 and "cut off" in read.notes[0]


def test_an_eyegaze_file_with_semicolons_reads_alike(tmp_path: Path) -> None:
    path = write_eyegaze(tmp_path, {invented_dicom_id(1): build_track(1)}, dirty=False) / "fixations.csv"
    plain = egma.load_gaze(path)
    path.write_text(path.read_text().replace(",", ";"))
    assert np.array_equal(egma.load_gaze(path).xy_px, plain.xy_px)


def changed(text: str, row: int, column: int, cell: str) -> str:
    lines = [line.split(",") for line in text.splitlines()]
    lines[row][column] = cell
    return "\n".join(",".join(line) for line in lines)


BAD = [
    pytest.param("", "the file is empty", id="empty"),
    pytest.param(" \n\n ", "the file is empty", id="blank"),
    pytest.param(HEADER, "its header is there but no fixation follows", id="REFLACX's header only"),
    pytest.param("x,y,start,end\n", "its header is there but no line follows", id="a header only"),
    pytest.param("\n".join([HEADER, *LINES[:3], HEADER, *LINES[3:]]), "row 4 is the header again", id="joined"),
    pytest.param(TABLE + TABLE, "row 7 is the header again", id="joined tables"),
    pytest.param("\n".join([*TABLE.splitlines()[:3], "1,2", *ROWS[3:]]), "row 3 is cut off", id="cut off inside"),
    pytest.param("\n".join([*TABLE.splitlines()[:3], "1,2,3,4,5", *ROWS]), "row 3 does not fit", id="too many cells"),
    pytest.param(changed(TABLE, 2, 0, "abc"), "column x, row 2: wanted a number, got 'abc'", id="a word"),
    pytest.param(changed(TABLE, 2, 0, "=1+1"), "wanted a number, got '=1.1'", id="a formula"),
    pytest.param(changed(TABLE, 2, 2, "inf"), "start times must be finite numbers: row 2", id="an infinite start"),
    pytest.param(changed(TABLE, 2, 2, ""), "start times must be finite numbers: row 2", id="no start"),
    pytest.param(changed(TABLE, 2, 3, "0.1"), "cannot end before it starts: row 2", id="an end before its start"),
    pytest.param(changed(TABLE, 2, 2, "1e300"), "start at|no time in a recording", id="a start that is no time"),
    pytest.param(changed(TABLE, 2, 0, "1e300"), "row 2 lies 1e.300 pixels away", id="a look at nowhere"),
    pytest.param(changed(TABLE, 2, 0, "-inf"), "positions must be finite numbers", id="an infinite look"),
    pytest.param(changed(TABLE, 2, 0, '"'), "wanted a number|does not fit|its header is there", id="a lone quote"),
    pytest.param(changed(TABLE, 1, 2, "0.9"), "gaze times must increase: row 2", id="unsorted"),
    pytest.param("x,y,start,end\nnan,nan,0,1\n,,1,2\n", "no position at all", id="blinks only"),
    pytest.param("x,x,start,end\n1,2,3,4\n", "no gaze is found|there twice", id="a column twice"),
    pytest.param("a,b,c\n1,2,3\n", "no gaze is found in the columns a, b, c", id="strange columns"),
    pytest.param("100,200,0.0,0.25\n", "no gaze is found in the columns 100", id="no header"),
    pytest.param("<html><script>alert(1)</script>,x</html>", "a web page or XML", id="a web page"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD)
def test_what_is_wrong_is_one_clear_sentence(tmp_path: Path, capsys, text: str, sentence: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(GazeError, match=sentence) as caught:
        egma.load_gaze(path)
    assert main(["gaze", str(path), "--json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and printed.err == f"egma: {caught.value}\n" and "\n" not in str(caught.value)


STRANGERS = [
    (b"PK\x03\x04[Content_Types].xml,", "an Excel workbook or a zip archive"),
    (b"SR_RESEARCH_COMBINED_FILE\0", "convert it with edf2asc"),
    (b"\x1f\x8b\x08\0", "compressed"),
    (b"%PDF-1.4\n1,2", "a PDF document"),
    (b"\x89PNG\r\n\x1a\n\0", "a picture"),
    (b"\xff\xd8\xff\xe0\0", "a picture"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
    (b"\0" * 128 + b"DICM" + b"\x02\0", "a DICOM film"),
    (b"x,y,start,end\n1,2\x00,3,4\n", "no gaze recording"),
    (b"\x80\x04\x95\x10\0\0\0\0\0\0\0}\x94.", "a Python pickle"),
    (b"(dp0\nS'a'\n", "a Python pickle"),
]


@pytest.mark.parametrize(("data", "name"), STRANGERS)
def test_a_file_that_is_no_recording_is_called_what_it_is(tmp_path: Path, data: bytes, name: str) -> None:
    (tmp_path / "fixations.csv").write_bytes(data)
    with pytest.raises(GazeError, match=name):
        egma.load_gaze(tmp_path / "fixations.csv")


def test_milliseconds_in_reflacx_s_columns_are_noticed(tmp_path: Path) -> None:
    lines = [",".join([f"{7080 + i * 300}", f"{7293 + i * 300}", *line.split(",")[2:]]) for i, line in enumerate(LINES)]
    (tmp_path / "fixations.csv").write_text("\n".join([HEADER, *lines]))
    with pytest.raises(GazeError, match="the times are not in seconds: a typical row would last 213 s"):
        egma.load_gaze(tmp_path / "fixations.csv")


def test_a_header_of_twenty_thousand_columns_is_read(tmp_path: Path) -> None:
    names = ",".join(["x", "y", "start", "end", *(f"c{number}" for number in range(20_000))])
    (tmp_path / "a.csv").write_text(f"{names}\n1,2,0,1{',0' * 20_000}\n")
    track = egma.load_gaze(tmp_path / "a.csv")
    assert isinstance(track, GazeTrack) and track.xy_px.tolist() == [[1, 2]]


def test_an_infinite_time_in_an_eyegaze_file_is_one_sentence(tmp_path: Path) -> None:
    path = write_eyegaze(tmp_path, {invented_dicom_id(1): build_track(1)}, dirty=False) / "fixations.csv"
    lines = path.read_text().splitlines()
    cells = lines[3].split(",")
    cells[4] = cells[8] = "inf"
    path.write_text("\n".join([*lines[:3], ",".join(cells), *lines[4:]]))
    with pytest.raises(GazeError, match="start times must be finite numbers: row 3"):
        egma.load_gaze(path)


@pytest.mark.parametrize("seed", range(12))
def test_a_recording_that_is_damaged_anywhere_is_read_or_refused(tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = bytearray((REFLACX if seed % 2 else TABLE).encode())
    for _ in range(4):
        at = int(random.integers(len(data)))
        data[at : at + int(random.integers(1, 30))] = random.bytes(int(random.integers(0, 12)))
    (tmp_path / "a.csv").write_bytes(bytes(data))
    try:
        track = egma.load_gaze(tmp_path / "a.csv")
    except GazeError as error:
        assert "\n" not in str(error)
    else:
        assert np.isfinite(track.start_s).all() and (track.duration_s >= 0).all()
