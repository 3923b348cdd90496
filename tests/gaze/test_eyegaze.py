"""EyeGaze (EGD) and MIMIC-EYE in their exact layouts, dirt included, indexed without being kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.errors import GazeError
from egma.gaze.formats.eyegaze import load_transcript
from egma.gaze.simulate import simulate_samples
from egma.testing.gaze import (
    CALIBRATION_ID,
    EYEGAZE,
    TRUNCATED_ID,
    build_track,
    eyegaze_rows,
    invented_dicom_id,
    write_csv,
    write_eyegaze,
    write_mimic_eye,
)

REAL_ROW = (
    "1,0,1a3f39ce-ebe90275-9a66145a-af03360e-ee3b163b,45,0.72363,696216388878.0,0.45224,0.33879,0.01794,0.70569,2,1,"
    "0.46134,0.26619,1,0.37859,0.5943,18.33718,1.05276,1,0.6379,0.59798,18.19434,1.06068,1,0,0.0,20,3.50648,1,3.56681,"
    "1,0.0,0.0,0.0,998,1035"
)
A, B = invented_dicom_id(1), invented_dicom_id(2)


def test_the_published_row_is_read_as_documented(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "fixations.csv", EYEGAZE, [REAL_ROW.split(",")])
    track = egma.load_gaze(path)
    assert track.xy_px.tolist() == [[998, 1035]]
    assert track.start_s[0] == pytest.approx(0.01794) and track.duration_s[0] == pytest.approx(0.70569)
    assert track.pupil[0] == pytest.approx((3.50648 + 3.56681) / 2) and track.pupil_unit == "mm"
    assert track.ids["dicom_id"] == "1a3f39ce-ebe90275-9a66145a-af03360e-ee3b163b"


def test_many_recordings_in_one_file_are_a_lazy_sequence_and_broken_ids_are_named(tmp_path: Path) -> None:
    tracks = {A: build_track(1), B: build_track(2)}
    found = egma.load_gaze(write_eyegaze(tmp_path, tracks) / "fixations.csv")
    assert len(found) == 2 and found.names == (A, B)
    for read, track in zip(found, tracks.values()):
        assert np.abs(read.xy_px - track.xy_px).max() <= 1
        assert np.abs(read.start_s - track.start_s).max() < 1e-4
    reasons = {each.name: each.reason for each in found.skipped}
    assert "cut off" in reasons[TRUNCATED_ID] and "no film" in reasons[CALIBRATION_ID]
    with pytest.raises(GazeError, match="was left out: its DICOM_ID is cut off"):
        found.find(TRUNCATED_ID)


def test_a_recording_brings_its_boxes_and_its_dictation(tmp_path: Path) -> None:
    track = build_track(1)
    read = egma.load_gaze(write_eyegaze(tmp_path, {A: track}))[0]
    assert [region.name for region in read.regions] == ["left lung"]
    assert read.regions[0].box_px == (10, 20, 60, 90)  # the file says x1, x2, y1, y2 = 10, 60, 20, 90
    assert " ".join(word.text for word in read.words).startswith("small left pleural effusion. the heart")


def test_a_look_beside_the_film_is_put_back_where_it_was(tmp_path: Path) -> None:
    track = build_track(4)
    xy = track.xy_px.copy()
    xy[2] = [-60.0, 300.0]
    xy[3] = [740.0, -25.0]
    read = egma.load_gaze(write_eyegaze(tmp_path, {A: replace(track, xy_px=xy)}, dirty=False) / "fixations.csv")
    assert np.abs(read.xy_px[2:4] - xy[2:4]).max() < 2
    assert not read.on_image((800, 700))[2:4].any()
    assert any("2 looks beside the film" in note for note in read.notes)


def test_invalid_points_are_blinks(tmp_path: Path) -> None:
    track = build_track(4)
    xy = track.xy_px.copy()
    xy[1] = np.nan
    read = egma.load_gaze(write_eyegaze(tmp_path, {A: replace(track, xy_px=xy)}, dirty=False) / "fixations.csv")
    assert np.isnan(read.xy_px[1]).all() and np.isfinite(read.xy_px[2]).all()


def test_raw_samples_are_told_from_fixations_by_their_pace(tmp_path: Path) -> None:
    samples = simulate_samples(build_track(5), rate_hz=60, noise_degrees=0.05, seed=2)
    root = write_eyegaze(tmp_path, {A: samples, B: samples}, samples=True)
    read = egma.load_gaze(root / "eye_gaze.csv")[1]
    assert read.kind == "samples" and len(read) == len(samples)
    assert np.isnan(read.xy_px).any()
    assert 0.5 < len(read.fixations()) / len(build_track(5)) < 1.5


def test_a_recording_missing_from_the_master_sheet_joins_no_film(tmp_path: Path) -> None:
    root = write_eyegaze(tmp_path, {A: build_track(1)}, dirty=False)
    rows = [row for name in (A, B) for row in eyegaze_rows(build_track(1), name, 1)]
    found = egma.load_gaze(write_csv(root / "fixations.csv", EYEGAZE, rows))
    assert found.names == (A,)
    assert [each.name for each in found.skipped] == [B] and "master sheet" in found.skipped[0].reason


def test_two_sessions_on_one_film_stay_apart(tmp_path: Path) -> None:
    rows = [row for session in (1, 2) for row in eyegaze_rows(build_track(session), A, session)]
    found = egma.load_gaze(write_csv(tmp_path / "fixations.csv", EYEGAZE, rows))
    assert found.names == (f"{A} session 1", f"{A} session 2")
    assert [len(track) for track in found] == [len(build_track(1)), len(build_track(2))]


def test_a_recording_in_pieces_is_put_together(tmp_path: Path) -> None:
    first, second = (eyegaze_rows(build_track(1), name, 1) for name in (A, B))
    path = write_csv(tmp_path / "fixations.csv", EYEGAZE, [*first[:4], *second, *first[4:]])
    assert [len(track) for track in egma.load_gaze(path)] == [len(first), len(second)]


def test_mimic_eye_s_index_column_changes_nothing(tmp_path: Path) -> None:
    plain = egma.load_gaze(write_eyegaze(tmp_path / "a", {A: build_track(1), B: build_track(2)}) / "fixations.csv")
    indexed = write_eyegaze(tmp_path / "b", {A: build_track(1), B: build_track(2)}, index_column=True)
    found = egma.load_gaze(indexed / "fixations.csv")
    assert found.names == plain.names and np.array_equal(found[1].xy_px, plain[1].xy_px)


def test_a_mimic_eye_root_holds_both_data_sets_by_patient(tmp_path: Path) -> None:
    root = write_mimic_eye(tmp_path, [build_track(1), build_track(2)])
    seen = []
    found = egma.load_gaze(root, on_progress=lambda done, total: seen.append((done, total)))
    assert [track.source for track in found] == ["reflacx", "eyegaze"] * 2
    assert seen == [(1, 2), (2, 2)]
    assert found.entries[0].ids["patient"] == "patient_18000000"
    assert found[0].frame_hw == (800, 700)
    assert len(egma.load_gaze(root / "patient_18000001")) == 2


def test_film_columns_exchanged_are_noticed_by_the_screen(tmp_path: Path) -> None:
    rows = [[*row[:-2], row[-1], row[-2]] for row in eyegaze_rows(build_track(6, (690, 700)), A, 1)]
    with pytest.raises(GazeError, match="X_ORIGINAL follows FPOGY"):
        egma.load_gaze(write_csv(tmp_path / "fixations.csv", EYEGAZE, rows))


def test_a_file_that_changed_since_it_was_opened_says_so(tmp_path: Path) -> None:
    root = write_eyegaze(tmp_path, {A: build_track(1), B: build_track(2)})
    found = egma.load_gaze(root / "fixations.csv")
    (root / "fixations.csv").write_text("SESSION_ID\n")
    with pytest.raises(GazeError, match="open it again"):
        found[1]


def test_a_header_alone_is_an_empty_recording(tmp_path: Path) -> None:
    with pytest.raises(GazeError, match="the recording is empty"):
        egma.load_gaze(write_csv(tmp_path / "fixations.csv", EYEGAZE, []))


def test_a_phrase_shares_its_time_among_its_words(tmp_path: Path) -> None:
    path = tmp_path / "transcript.json"
    path.write_text(
        '{"full_text": "", "time_stamped_text": [{"phrase": "no effusion.", "begin_time": 1, "end_time": 2.1}]}'
    )
    words = load_transcript(path)
    assert [word.text for word in words] == ["no", "effusion."]
    assert words[0].end_s == words[1].start_s == pytest.approx(1 + 1.1 * 2 / 11)


def test_a_damaged_transcript_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "transcript.json"
    path.write_text("[]")
    with pytest.raises(GazeError, match="time_stamped_text"):
        load_transcript(path)
