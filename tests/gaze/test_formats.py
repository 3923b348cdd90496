"""Everything else that holds gaze: JSON, tables of any lab, EyeLink, Tobii; and what is refused, in one sentence."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.errors import GazeError
from egma.gaze.formats import ColumnMapping, guess_mapping, read_head
from egma.gaze.simulate import simulate_samples
from egma.testing.gaze import build_track, write_csv, write_eyegaze, write_reflacx
from egma.testing.trackers import write_eyelink, write_scanpaths, write_tobii


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recording.bin"  # the name says nothing: content decides
    path.write_text(text)
    return path


def test_gazesearch_is_in_seconds_and_scales_with_the_film(tmp_path: Path) -> None:
    tracks = [build_track(1), build_track(2)]
    found = egma.load_gaze(write_scanpaths(tmp_path / "a.json", tracks))
    assert len(found) == 2 and found[0].frame_hw == (224, 224)
    assert np.allclose(found[1].duration_s, tracks[1].duration_s[:6])
    on_film = found[1].for_film((800, 700))
    assert np.allclose(on_film.xy_px, tracks[1].xy_px[:6])
    expected = tracks[1].select(slice(0, 6)).xy_px
    peak = np.array(np.unravel_index(found[1].density((800, 700)).argmax(), (800, 700)))[::-1]
    assert np.abs(expected - peak).max(axis=1).min() < 60


def test_coco_search_is_in_milliseconds(tmp_path: Path) -> None:
    path = write_scanpaths(tmp_path / "a.json", [build_track(1)], unit_s=0.001, side=1000)
    track = egma.load_gaze(path)
    assert np.allclose(track.duration_s, build_track(1).duration_s[:6])
    assert track.start_s[1] == pytest.approx(track.duration_s[0]) and track.frame_hw == (1050, 1680)


def test_cxrp_converted_to_json_counts_samples_of_60_hz(tmp_path: Path) -> None:
    path = table(tmp_path, json.dumps({"film": [[0.5, 0.25, 30], [0.1, 0.9, 6]]}))
    track = egma.load_gaze(path)
    assert track.duration_s.tolist() == pytest.approx([0.5, 0.1])
    assert track.in_frame((200, 100)).xy_px.tolist() == [[50, 50], [10, 180]]
    assert np.unravel_index(track.density((200, 100)).argmax(), (200, 100)) == (50, 50)


class Bomb:
    """Unpickling it would leave a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_is_refused_and_never_opened(tmp_path: Path, protocol: int) -> None:
    mark = tmp_path / "opened"
    path = tmp_path / "cxrp.csv"
    path.write_bytes(pickle.dumps({"film": Bomb(mark)}, protocol=protocol))
    with pytest.raises(GazeError, match=r"pickle.*json\.dump"):
        egma.load_gaze(path)
    assert not mark.exists()


def test_a_lab_s_table_is_read_by_its_header(tmp_path: Path) -> None:
    track = egma.load_gaze(table(tmp_path, "x;y;start_ms;duration_ms;pupil\n120;80;0;250;3.1\n130;90;300;200;3.2\n"))
    assert track.xy_px.tolist() == [[120, 80], [130, 90]]
    assert track.start_s.tolist() == [0, 0.3] and track.duration_s.tolist() == pytest.approx([0.25, 0.2])
    assert track.pupil.tolist() == [3.1, 3.2] and track.kind == "fixations"


def test_the_guess_can_be_shown_and_changed(tmp_path: Path) -> None:
    path = table(tmp_path, "t,px,py,FPOGX,FPOGY\n0,1,2,30,40\n1,1,2,31,41\n")
    assert guess_mapping(read_head(path)) is None
    track = egma.load_gaze(path, mapping=ColumnMapping(x="FPOGX", y="FPOGY", time="t", unit="s"))
    assert track.xy_px.tolist() == [[30, 40], [31, 41]] and track.kind == "samples"
    with pytest.raises(GazeError, match="mapping's x is the column 'gone'"):
        egma.load_gaze(path, mapping=ColumnMapping(x="gone", y="FPOGY", time="t"))


HEADERS = [
    ("x,y,start,end", "x", "y"),
    ("Gaze X [px],Gaze Y [px],Timestamp [ms]", "Gaze X [px]", "Gaze Y [px]"),
    ("CURRENT_FIX_X,CURRENT_FIX_Y,CURRENT_FIX_START,CURRENT_FIX_DURATION", "CURRENT_FIX_X", "CURRENT_FIX_Y"),
    ("y_position\tx_position\ttime_s", "x_position", "y_position"),
    ("FixationPointX,FixationPointY,Gaze event duration", "FixationPointX", "FixationPointY"),
]


@pytest.mark.parametrize(("header", "x", "y"), HEADERS)
def test_headers_in_use_are_known(tmp_path: Path, header: str, x: str, y: str) -> None:
    mapping = guess_mapping(read_head(table(tmp_path, header + "\n")))
    assert mapping is not None and (mapping.x, mapping.y) == (x, y)


def test_fractions_scale_with_the_film(tmp_path: Path) -> None:
    rows = "\n".join(f"{0.1 * at},{0.05 * at},{at * 0.3},{at * 0.3 + 0.2}" for at in range(1, 9))
    track = egma.load_gaze(table(tmp_path, f"x,y,start,end\n{rows}\n"))
    assert track.for_film((200, 100)).xy_px[0] == pytest.approx([10, 10])


def test_screen_pixels_follow_the_zoom_to_the_right_image_pixels(tmp_path: Path) -> None:
    """Worked: a 400 x 400 film drawn on screen (100, 0)-(900, 800), then its lower right quarter in the same place."""
    header = ["x", "y", "start", "end"]
    header += [f"{e}_shown_from_image" for e in ("xmin", "ymin", "xmax", "ymax")]
    header += [f"{e}_in_screen_coordinates" for e in ("xmin", "ymin", "xmax", "ymax")]
    screen = [100, 0, 900, 800]
    rows = [[300, 200, 0, 1, 0, 0, 400, 400, *screen], [300, 200, 1, 2, 200, 200, 400, 400, *screen]]
    path = write_csv(tmp_path / "a.csv", header, rows)
    mapping = ColumnMapping(x="x", y="y", start="start", end="end", frame="screen", unit="s")
    track = egma.load_gaze(path, mapping=mapping)
    assert track.xy_px.tolist() == [[100, 100], [250, 250]]


def test_several_recordings_in_one_table_are_told_apart(tmp_path: Path) -> None:
    text = "trial,x,y,start,end\nb,1,2,5,6\na,3,4,0,1\nb,5,6,7,8\n"
    found = egma.load_gaze(table(tmp_path, text))
    assert found.names == ("b", "a") and found[0].xy_px.tolist() == [[1, 2], [5, 6]]


def test_eyelink_s_own_fixations_are_read(tmp_path: Path) -> None:
    track = build_track(1)
    read = egma.load_gaze(write_eyelink(tmp_path / "a.asc", track))
    assert read.source == "eyelink" and read.kind == "fixations" and read.frame_hw == (1080, 1920)
    assert np.abs(read.xy_px - track.xy_px).max() < 0.06 and np.abs(read.start_s - track.start_s).max() < 1e-3


def test_eyelink_samples_are_read_where_there_are_no_events(tmp_path: Path) -> None:
    samples = simulate_samples(build_track(1), rate_hz=1000, seed=1)
    read = egma.load_gaze(write_eyelink(tmp_path / "a.asc", samples, events=False))
    assert read.kind == "samples" and len(read) == len(samples)
    assert np.array_equal(np.isnan(read.xy_px), np.isnan(samples.xy_px))
    assert np.nanmax(np.abs(read.xy_px - samples.xy_px)) < 0.06


def test_tobii_in_utf_16_leaves_other_sensors_out(tmp_path: Path) -> None:
    samples = simulate_samples(build_track(1), rate_hz=120, seed=1)
    read = egma.load_gaze(write_tobii(tmp_path / "a.tsv", samples))
    assert read.source == "tobii" and len(read) == len(samples)
    assert np.nanmax(np.abs(read.xy_px - samples.xy_px)) < 0.006 and read.pupil[0] == pytest.approx(3.2)
    assert np.abs(read.start_s - samples.start_s).max() < 1e-6


REFUSED = [
    pytest.param(b"", "the file is empty", id="nothing"),
    pytest.param(b" \n\n", "the file is empty", id="blank lines"),
    pytest.param(b"\x89PNG\r\n\x1a\n\0\0\0", "no gaze recording", id="a picture"),
    pytest.param(b"name,age\nx,3\n", "no gaze is found in the columns name, age", id="another table"),
    pytest.param(b"[{\"X\": [1, 2", "cut off or damaged", id="half a list"),
    pytest.param(b"[]", "the recording is empty", id="an empty list"),
    pytest.param(b'[{"X": [1, 2], "Y": [1], "T": [1, 1]}]', "equally long", id="unequal lists"),
    pytest.param(b'[{"X": [9000], "Y": [1], "T": [1]}]', "no known frame", id="an unknown frame"),
    pytest.param(b'[{"X": ["a"], "Y": [1], "T": [1]}]', "a list of numbers", id="words for numbers"),
    pytest.param(b'{"full_text": "", "time_stamped_text": []}', "transcript, not gaze", id="a transcript"),
    pytest.param(b"[" * 100_000, "cut off or damaged", id="deep nesting"),
    pytest.param(b"word,timestamp_start_word,timestamp_end_word\n", "REFLACX transcription", id="words"),
    pytest.param(b"dicom_id,bbox_name,x1,x2,y1,y2\n", "EyeGaze's boxes", id="boxes"),
    pytest.param(b"x,y,start,end\n", "the recording is empty", id="a header alone"),
    pytest.param(b"x,y,start,end\n1,2,3,2\n", "cannot end before it starts: row 1", id="an end before its start"),
    pytest.param(b"x,y,start,end\n1,2,nan,2\n", "start times must be finite numbers: row 1", id="no start"),
    pytest.param(b"x,y,time\n1,2,0\n,,1\n3,4,0.5\n", "gaze times must increase: row 3", id="backwards"),
    pytest.param(b"x,y,time\n,,0\n,,1\n", "no position at all", id="blinks alone"),
    pytest.param(b"x,x,y,start,end\n1,1,2,3,4\n", "there twice", id="a column twice"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "sentence"), REFUSED)
def test_what_is_no_recording_is_refused_in_one_sentence(tmp_path: Path, data: bytes, sentence: str) -> None:
    path = tmp_path / "fixations.csv"
    path.write_bytes(data)
    with pytest.raises(GazeError, match=sentence) as caught:
        found = egma.load_gaze(path)
        found[0]
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value)


def test_a_file_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(GazeError, match="no such file"):
        egma.load_gaze(tmp_path / "gone.csv")


def test_a_folder_of_something_else_says_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(GazeError, match="no data set that is known"):
        egma.load_gaze(tmp_path)


FILM_MISMATCH = [
    pytest.param({"frame_hw": (800, 700)}, (900, 700), "film of 800 x 700", id="another size"),
    pytest.param({"frame_hw": None}, (400, 350), "was shown up to column 700", id="shown beyond the film"),
    pytest.param({"frame_hw": None, "shown_px": None}, (90, 80), "another film or in another frame", id="off the film"),
]


@pytest.mark.parametrize(("changes", "shape", "sentence"), FILM_MISMATCH)
def test_a_recording_for_another_film_is_refused(changes: dict, shape: tuple[int, int], sentence: str) -> None:
    with pytest.raises(GazeError, match=sentence):
        replace(build_track(), **changes).for_film(shape)


def test_a_recording_for_another_id_is_refused() -> None:
    track = replace(build_track(), ids={"dicom_id": "a" * 8})
    with pytest.raises(GazeError, match="belongs to another film: it names aaaaaaaa"):
        track.for_film((800, 700), dicom_id="b" * 8)
    assert track.for_film((800, 700), dicom_id="a" * 8) is not None


def test_exchanged_columns_and_fractions_are_told_by_the_film() -> None:
    track = replace(build_track(shape=(300, 900)), frame_hw=None, shown_px=None)
    right = track.select(track.xy_px[:, 0] > 310)
    with pytest.raises(GazeError, match="columns of x and y are mixed up"):
        replace(right, xy_px=right.xy_px[:, ::-1]).for_film((300, 900))
    with pytest.raises(GazeError, match="wrong frame"):
        replace(track, xy_px=track.xy_px / [900, 300]).for_film((300, 900))


def test_a_density_for_a_film_of_another_size_is_refused() -> None:
    with pytest.raises(GazeError, match="800 x 700"):
        build_track().density((100, 100))


def test_data_sets_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    assert egma.load_gaze(write_reflacx(tmp_path / "r", {"P300R000001": build_track()}))[0].source == "reflacx"
    one = {"0" * 8 + "-00000000" * 4: build_track()}
    assert egma.load_gaze(write_eyegaze(tmp_path / "e", one))[0].source == "eyegaze"


def test_lines_may_end_in_any_way_and_a_mark_may_come_first(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfx,y,start,end\r\n1,2,0,1\r\n\r\n3,4,1,2")
    assert egma.load_gaze(path).xy_px.tolist() == [[1, 2], [3, 4]]
    path.write_bytes(b"x,y,start,end")
    with pytest.raises(GazeError, match="the recording is empty"):
        egma.load_gaze(path)


def test_a_recording_that_cannot_be_read_is_named_and_can_be_passed_over(tmp_path: Path) -> None:
    found = egma.load_gaze(table(tmp_path, "trial,x,y,start,end\nbad,1,2,5,4\ngood,3,4,0,1\n"))
    with pytest.raises(GazeError, match=r"^bad: gaze cannot end"):
        list(found)
    skipped = []
    assert [track.name for track in found.readable(skipped.append)] == ["good"]
    assert [each.name for each in skipped] == ["bad"]
