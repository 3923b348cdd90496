"""EyeLink, Tobii, event tables and scan-path JSON: one recording a trial and picture, every eye and unit told apart."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.errors import GazeError
from egma.gaze.simulate import simulate_samples
from egma.testing.gaze import build_track
from egma.testing.trackers import write_eyelink, write_scanpaths, write_tobii

TRACK = build_track(1)
SAMPLES = simulate_samples(TRACK.select(slice(0, 6)), rate_hz=250, seed=1)


def eyelink(tmp_path: Path, text: str):
    (tmp_path / "a.asc").write_text(text)
    return egma.load_gaze(tmp_path / "a.asc")


def test_each_trial_of_an_eyelink_file_is_a_recording_of_its_own(tmp_path: Path) -> None:
    """Two films in one session: their gaze must never be joined."""
    first = write_eyelink(tmp_path / "1.asc", TRACK.select(slice(0, 5))).read_text()
    second = write_eyelink(tmp_path / "2.asc", TRACK.select(slice(5, 9))).read_text()
    whole = eyelink(tmp_path, first.replace("START", "MSG 900 TRIALID film_a\nSTART") + second)
    assert len(whole) == 9, "without another TRIALID a second block continues the trial"
    blocks = [text.replace("START", f"MSG\t900\tTRIALID {name}\nSTART") for text, name in ((first, "a"), (second, "b"))]
    found = eyelink(tmp_path, "".join(blocks))
    assert found.names == ("trial a", "trial b") and [len(track) for track in found] == [5, 4]
    found = eyelink(tmp_path, first + second)
    assert found.names == ("trial 1", "trial 2") and [len(track) for track in found] == [5, 4]


def test_the_better_tracked_eye_of_binocular_samples_is_read(tmp_path: Path) -> None:
    mono = write_eyelink(tmp_path / "1.asc", SAMPLES, events=False).read_text()
    # The right eye is at (300, 301) throughout, the left one blinks.
    both = mono.replace("\t 1024.0\t...", "\t 1024.0\t  300.0\t  301.0\t 1000.0\t.....").replace(
        "GAZE\tLEFT", "GAZE\tLEFT\tRIGHT"
    )
    gappy = both.replace(
        both.splitlines()[-3],
        both.splitlines()[-3].split("\t")[0] + "\t   .\t   .\t    0.0\t 300.0\t 301.0\t 9.0\t.....",
    )
    track = eyelink(tmp_path, gappy)
    assert track.kind == "samples" and np.all(track.xy_px == [300, 301])


def test_a_missing_position_is_a_blink_however_edf2asc_wrote_it(tmp_path: Path) -> None:
    text = write_eyelink(tmp_path / "1.asc", TRACK).read_text()
    added = "EFIX L   90000\t90100\t100\t   1e+08\t   1e+08\t   0\nEFIX L   91000\t91100\t100\t   .\t   .\t   0\n"
    track = eyelink(tmp_path, text + added)
    assert len(track) == len(TRACK) + 2 and np.isnan(track.xy_px[-2:]).all()


def test_positions_that_are_no_pixels_are_refused(tmp_path: Path) -> None:
    text = (
        write_eyelink(tmp_path / "1.asc", SAMPLES, events=False).read_text().replace("SAMPLES\tGAZE", "SAMPLES\tHREF")
    )
    with pytest.raises(GazeError, match="HREF positions, wanted GAZE"):
        eyelink(tmp_path, text)


def test_an_eyelink_file_without_gaze_is_empty(tmp_path: Path) -> None:
    text = "\n".join(
        line for line in write_eyelink(tmp_path / "1.asc", TRACK).read_text().splitlines() if "FIX" not in line
    )
    with pytest.raises(GazeError, match=r"no fixation \(EFIX\) or sample follows"):
        eyelink(tmp_path, text)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("events", [True, False])
def test_eyelink_files_read_alike_in_every_encoding(tmp_path: Path, encoding: str, events: bool) -> None:
    source = TRACK if events else SAMPLES
    text = write_eyelink(tmp_path / "1.asc", source, events=events).read_text().replace("demo", "démo")
    (tmp_path / "b.asc").write_bytes(text.replace("\n", "\r\n").encode(encoding))
    assert len(egma.load_gaze(tmp_path / "b.asc")) == len(source)


def test_each_picture_of_a_tobii_export_is_a_recording_of_its_own(tmp_path: Path) -> None:
    header, _, *lines = write_tobii(tmp_path / "1.tsv", SAMPLES).read_text("utf-16").splitlines()
    third = len(lines) // 3
    media = ["film_a.png"] * third + [""] * third + ["film_b.png"] * (len(lines) - 2 * third)
    text = "\n".join([f"{header}\tPresented Media name", *(f"{line}\t{name}" for line, name in zip(lines, media))])
    (tmp_path / "a.tsv").write_text(text, "utf-8")
    found = egma.load_gaze(tmp_path / "a.tsv")
    assert found.names == ("film_a.png", "film_b.png")
    assert [len(track) for track in found] == [third, len(lines) - 2 * third]
    assert found[1].start_s[0] == 0, "a picture's recording begins when it is shown"
    assert [(each.name, each.reason) for each in found.skipped] == [
        (f"{third} samples", "no picture was shown: they belong to no film")
    ]


def test_tobii_s_microseconds_and_milliseconds_are_told_apart(tmp_path: Path) -> None:
    header = "Recording timestamp [μs]\tEye movement type\tGaze event duration [ms]\tFixation point X\tFixation point Y"
    kinds = ["Fixation", "Saccade", "Fixation", "EyesNotFound", "Fixation"]
    lines = [f"{at * 250_000}\t{kind}\t240\t{100 + at}\t{200 + at}" for at, kind in enumerate(kinds)]
    (tmp_path / "a.tsv").write_text("\n".join([header, *lines]))
    track = egma.load_gaze(tmp_path / "a.tsv")
    assert track.start_s.tolist() == [0, 0.5, 1.0] and np.allclose(track.duration_s, 0.24)
    assert "2 rows are saccades, blinks or other events and are left out" in track.notes


def test_starts_and_durations_in_two_unnamed_units_are_told_apart(tmp_path: Path) -> None:
    lines = [f"{100 + at},{200 + at},{at * 300},0.25" for at in range(6)]
    (tmp_path / "a.csv").write_text("\n".join(["x,y,start,duration", *lines]))
    track = egma.load_gaze(tmp_path / "a.csv")
    assert np.allclose(track.start_s, np.arange(6) * 0.3) and np.allclose(track.duration_s, 0.25)
    assert "starts are taken to be in milliseconds" in track.notes


def test_a_look_beside_the_picture_does_not_change_the_scan_paths_frame(tmp_path: Path) -> None:
    path = write_scanpaths(tmp_path / "a.json", [TRACK, build_track(2)])
    found = json.loads(path.read_text())
    found[0]["X"][2] = 239.5
    path.write_text(json.dumps(found))
    track = egma.load_gaze(path)[0]
    assert track.frame_hw == (224, 224) and track.xy_px[2, 0] == 239.5


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"T": [-0.2] * 6}, "lasts less than no time"),
        ({"X": [float("nan")] * 6}, "no position at all"),
        ({"X": [float("inf")] * 6}, "positions must be finite"),
        ({"X": [1e9] * 6}, "no known frame"),
        ({"X": "abcdef"}, "a list of numbers"),
        ({"X": [1, 2]}, "must be equally long"),
    ],
)
def test_a_damaged_scan_path_is_one_sentence(tmp_path: Path, change: dict, sentence: str) -> None:
    path = write_scanpaths(tmp_path / "a.json", [TRACK])
    path.write_text(json.dumps([{**json.loads(path.read_text())[0], **change}]))
    with pytest.raises(GazeError, match=sentence):
        egma.load_gaze(path)


def test_cxrp_in_pixels_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"film": [[0.2, 0.3, 4], [500, 200, 3]]}))
    with pytest.raises(GazeError, match="in fractions of the film"):
        egma.load_gaze(tmp_path / "a.json")


def test_the_way_to_convert_a_pickle_works_as_it_is_printed(tmp_path: Path) -> None:
    """CXR-P: {image: [(x, y, count of 60 Hz samples), ...]}; the sentence's own command makes it readable."""
    (tmp_path / "in.pkl").write_bytes(pickle.dumps({7: [(np.float64(0.25), 0.5, 6), (0.5, 0.75, 12)]}))
    with pytest.raises(GazeError, match="convert it yourself") as caught:
        egma.load_gaze(tmp_path / "in.pkl")
    command = str(caught.value).split("open the result: ")[1].replace("python -c", f'"{sys.executable}" -c')
    subprocess.run(command, shell=True, check=True, cwd=tmp_path)
    track = egma.load_gaze(tmp_path / "out.json")
    assert track.xy_px.tolist() == [[0.25, 0.5], [0.5, 0.75]] and np.allclose(track.duration_s, [0.1, 0.2])


def test_samples_of_every_kind_keep_their_blinks(tmp_path: Path) -> None:
    blinking = replace(SAMPLES, xy_px=np.where(np.arange(len(SAMPLES))[:, None] % 7 == 3, np.nan, SAMPLES.xy_px))
    asc = egma.load_gaze(write_eyelink(tmp_path / "a.asc", blinking, events=False))
    tsv = egma.load_gaze(write_tobii(tmp_path / "a.tsv", blinking))
    for read in (asc, tsv):
        assert np.array_equal(np.isnan(read.xy_px), np.isnan(blinking.xy_px))
