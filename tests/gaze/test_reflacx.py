"""REFLACX in its exact layout: units, zero, regions, words, metadata, and what is wrong with a file in one sentence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.errors import GazeError
from egma.gaze.regions import BoxRegion
from egma.gaze.simulate import simulate_samples
from egma.testing.gaze import (
    REFLACX_FIXATIONS,
    build_track,
    invented_dicom_id,
    reflacx_rows,
    write_csv,
    write_reflacx,
    write_reflacx_gaze,
    write_reflacx_reading,
)

REAL_ROW = [7.08, 7.293, 405, 420, 1.131, 94, 94, 0.99829, 0.49841, 0, 303, 2521, 2463, 661, 0, 3180, 2160]


def write_rows(folder: Path, rows: list) -> Path:
    return write_csv(folder / "P300R000001" / "fixations.csv", REFLACX_FIXATIONS, rows)


def changed(row: int, column: str, value: object) -> list:
    rows = [[cell + at if place < 2 else cell for place, cell in enumerate(REAL_ROW)] for at in range(6)]
    rows[row][REFLACX_FIXATIONS.index(column)] = value
    return rows


def test_the_published_row_is_read_as_documented(tmp_path: Path) -> None:
    track = egma.load_gaze(write_rows(tmp_path, [REAL_ROW]))
    assert track.xy_px.tolist() == [[405, 420]] and track.xy_px.shape == (1, 2)
    assert track.start_s[0] == 7.08 and track.duration_s[0] == pytest.approx(0.213)
    assert track.pupil[0] == 1.131 and track.pixels_per_degree.tolist() == [[94, 94]]
    assert track.window.tolist() == [[0.99829, 0.49841]]
    assert track.shown_px.tolist() == [[0, 303, 2521, 2463]]
    assert track.screen_px.tolist() == [[661, 0, 3180, 2160]]
    assert (track.source, track.kind, track.name) == ("reflacx", "fixations", "P300R000001")


def test_a_reading_is_joined_with_its_words_regions_and_metadata(tmp_path: Path) -> None:
    ellipse = BoxRegion("Pneumothorax", (10.0, 20.0, 60.0, 90.0), "ellipse", 4)
    track = replace(build_track(), regions=(ellipse,))
    write_reflacx(tmp_path, {"P300R000001": track})
    read = egma.load_gaze(tmp_path / "main_data" / "P300R000001" / "fixations.csv")
    assert read.ids["dicom_id"] == invented_dicom_id(0) and read.frame_hw == (800, 700)
    assert [word.text for word in read.words] == [word.text for word in track.words]
    assert read.words[4].text == "."
    assert [(region.name, region.outline) for region in read.regions] == [("chest", "box"), ("Pneumothorax", "ellipse")]
    assert read.regions[0].box_px == (-3, 5, 695, 804) and read.regions[1].certainty == 4
    assert np.abs(read.xy_px - track.xy_px).max() < 1e-3 and np.abs(read.start_s - track.start_s).max() < 1e-3


def test_times_before_the_recording_s_zero_are_normal(tmp_path: Path) -> None:
    early = [[cell - 8 if place < 2 else cell for place, cell in enumerate(REAL_ROW)], REAL_ROW]
    track = egma.load_gaze(write_rows(tmp_path, early))
    assert track.start_s[0] == pytest.approx(-0.92) and track.span_s[0] == pytest.approx(-0.92)


def test_a_look_beside_the_film_keeps_its_coordinates(tmp_path: Path) -> None:
    track = egma.load_gaze(write_rows(tmp_path, changed(1, "x_position", -37.0)))
    assert track.xy_px[1].tolist() == [-37, 420]
    assert track.on_image((3000, 2600)).tolist() == [True, False, True, True, True, True]


def test_raw_samples_are_read_with_blinks_as_nan(tmp_path: Path) -> None:
    track = build_track()
    samples = simulate_samples(track, rate_hz=250, seed=1)
    write_reflacx(tmp_path, {"P300R000001": track})
    read = egma.load_gaze(write_reflacx_gaze(tmp_path / "gaze_data" / "P300R000001", samples))
    assert read.kind == "samples" and len(read) == len(samples) and read.frame_hw == (800, 700)
    assert np.array_equal(np.isnan(read.xy_px), np.isnan(samples.xy_px)) and np.isnan(read.xy_px).any()
    assert len(read.words) == len(track.words)
    assert read.density((800, 700)).sum() == pytest.approx(1, abs=1e-4)
    assert abs(len(read.fixations()) - len(track)) <= 3


def test_a_root_is_a_lazy_sequence_and_names_what_it_left_out(tmp_path: Path) -> None:
    write_reflacx(tmp_path, {"P300R000001": build_track(1), "P300R000002": build_track(2)}, discarded=["P300R000003"])
    found = egma.load_gaze(tmp_path)
    assert len(found) == 2 and found.names == ("P300R000001", "P300R000002")
    assert [track.name for track in found] == list(found.names) and found[-1].name == "P300R000002"
    assert found[:1].names == ("P300R000001",)
    assert [(each.name, "discarded" in each.reason) for each in found.skipped] == [("P300R000003", True)]
    assert found.find(invented_dicom_id(1)).name == "P300R000002"
    with pytest.raises(GazeError, match="P300R000003 was left out: its eye tracking was discarded"):
        found.find("P300R000003")


def test_a_discarded_reading_is_refused_by_name(tmp_path: Path) -> None:
    write_reflacx(tmp_path, {}, discarded=["P300R000003"])
    write_reflacx_reading(tmp_path / "main_data" / "P300R000003", build_track())
    with pytest.raises(GazeError, match="P300R000003 was discarded"):
        egma.load_gaze(tmp_path / "main_data" / "P300R000003" / "fixations.csv")


def test_a_header_alone_is_an_empty_recording(tmp_path: Path) -> None:
    with pytest.raises(GazeError, match="the recording is empty"):
        egma.load_gaze(write_rows(tmp_path, []))


BAD = [
    pytest.param("timestamp_end_fixation", 1.0, "cannot end before it starts: row 3", id="an end before its start"),
    pytest.param(
        "timestamp_start_fixation", "", "start times must be finite numbers: row 3", id="a start that is missing"
    ),
    pytest.param("timestamp_end_fixation", "inf", "end times must be finite numbers: row 3", id="an endless fixation"),
    pytest.param("x_position", "abc", "column x_position, row 3: wanted a number, got 'abc'", id="no number"),
    pytest.param("y_position", "inf", "positions must be finite numbers.*row 3", id="an infinite position"),
    pytest.param("xmin_shown_from_image", 9999, "shown rectangle are mixed up: row 3", id="an inside out rectangle"),
]


@pytest.mark.parametrize(("column", "value", "sentence"), BAD)
def test_what_is_wrong_is_one_sentence_with_its_row(tmp_path: Path, column: str, value: object, sentence: str) -> None:
    with pytest.raises(GazeError, match=sentence):
        egma.load_gaze(write_rows(tmp_path, changed(2, column, value)))


def test_times_that_run_backwards_are_refused(tmp_path: Path) -> None:
    rows = changed(0, "x_position", 405)
    with pytest.raises(GazeError, match="gaze times must increase: row 2 is at"):
        egma.load_gaze(write_rows(tmp_path, rows[::-1]))


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    header = [name if name != "pupil_area_normalized" else "pupil" for name in REFLACX_FIXATIONS]
    path = write_csv(tmp_path / "a" / "fixations.csv", header, [REAL_ROW])
    with pytest.raises(GazeError, match="the column pupil_area_normalized is missing"):
        egma.load_gaze(path)


def test_x_and_y_exchanged_are_noticed_by_what_was_shown(tmp_path: Path) -> None:
    shape = (400, 1200)
    track = build_track(3, shape)
    header = [{"x_position": "y_position", "y_position": "x_position"}.get(name, name) for name in REFLACX_FIXATIONS]
    beyond = track.select(track.xy_px[:, 0] > 420)
    path = write_csv(tmp_path / "a" / "fixations.csv", header, reflacx_rows(beyond, with_end=True))
    with pytest.raises(GazeError, match="columns of x and y are mixed up"):
        egma.load_gaze(path)


def test_fractions_where_pixels_are_wanted_are_the_wrong_frame(tmp_path: Path) -> None:
    track = build_track()
    shrunk = replace(track, xy_px=track.xy_px / [700, 800])
    with pytest.raises(GazeError, match="wrong frame"):
        egma.load_gaze(write_reflacx_reading(tmp_path / "a", shrunk))


def test_columns_in_another_order_than_their_header_are_noticed(tmp_path: Path) -> None:
    rows = [[*row[:7], *row[9:11], row[7], row[8], *row[11:]] for row in changed(0, "x_position", 405)]
    with pytest.raises(GazeError, match="mixed up"):
        egma.load_gaze(write_rows(tmp_path, rows))


def test_a_line_with_too_many_cells_is_refused(tmp_path: Path) -> None:
    path = write_rows(tmp_path, [REAL_ROW, [*REAL_ROW, 1]])
    with pytest.raises(GazeError, match="more or fewer cells"):
        egma.load_gaze(path)
