"""Files dropped together without their names: content says what each is, and nothing is joined by guess."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from egma.errors import GazeError
from egma.gaze import GazeTrack, Recordings
from egma.gaze.bundle import load_bundle, sort_files
from egma.testing.dicom import write_dicom
from egma.testing.gaze import build_track, invented_dicom_id, write_eyegaze, write_reflacx, write_reflacx_gaze


@pytest.fixture
def reading(tmp_path: Path) -> Path:
    write_reflacx(tmp_path / "set", {"P300R000001": build_track(1)})
    return tmp_path / "set" / "main_data" / "P300R000001"


def nameless(paths: list[Path], folder: Path) -> list[Path]:
    """Copies as an upload leaves them: numbers for names."""
    folder.mkdir()
    copies = [folder / f"film-{number}" for number in range(len(paths))]
    for path, copy in zip(paths, copies):
        copy.write_bytes(path.read_bytes())
    return copies


def load(paths: list[Path], folder: Path) -> list[GazeTrack | Recordings]:
    (folder / "laid").mkdir()
    return load_bundle(sort_files(nameless(paths, folder / "up")), folder / "laid")


def test_a_reading_is_put_together_from_its_files(reading: Path, tmp_path: Path) -> None:
    (track,) = load(sorted(reading.glob("*.csv")), tmp_path)
    assert isinstance(track, GazeTrack)
    assert [word.text for word in track.words] == [word.text for word in build_track(1).words]
    assert "chest" in [region.name for region in track.regions]
    assert track.name == "reading 1"  # its id was the name of a folder, which an upload does not have


def test_films_are_told_from_recordings(reading: Path, tmp_path: Path) -> None:
    Image.new("L", (8, 8)).save(tmp_path / "film.png")
    write_dicom(tmp_path / "film.dcm", np.zeros((8, 8), np.uint16))
    files = nameless([tmp_path / "film.png", reading / "fixations.csv", tmp_path / "film.dcm"], tmp_path / "up")
    found = sort_files(files)
    assert (found.films, found.recordings) == ((files[0], files[2]), (files[1],))


def test_fixations_stand_for_the_raw_samples_of_the_same_reading(reading: Path, tmp_path: Path) -> None:
    from egma.gaze.simulate import simulate_samples

    write_reflacx_gaze(tmp_path / "gaze", simulate_samples(build_track(1), seed=1))
    (track,) = load([tmp_path / "gaze" / "gaze.csv", reading / "fixations.csv"], tmp_path)
    assert isinstance(track, GazeTrack) and track.kind == "fixations"


def test_two_recordings_with_one_transcription_are_not_guessed_together(reading: Path, tmp_path: Path) -> None:
    files = [reading / "fixations.csv", reading / "fixations.csv", reading / "timestamps_transcription.csv"]
    with pytest.raises(GazeError, match="which of them it belongs to is not known; add readers one at a time"):
        load(files, tmp_path)


def test_two_transcriptions_are_refused(reading: Path, tmp_path: Path) -> None:
    with pytest.raises(GazeError, match=r"two files are a timestamps_transcription\.csv"):
        load([reading / "timestamps_transcription.csv"] * 2, tmp_path)


def test_a_dictation_alone_says_what_is_missing(reading: Path, tmp_path: Path) -> None:
    with pytest.raises(GazeError, match=r"there is a timestamps_transcription\.csv and no recording"):
        load([reading / "timestamps_transcription.csv"], tmp_path)


def test_a_transcript_of_eyegaze_goes_with_a_single_recording_only(tmp_path: Path) -> None:
    one, two = invented_dicom_id(1), invented_dicom_id(2)
    write_eyegaze(tmp_path / "set", {one: build_track(1), two: build_track(2)})
    spoken = tmp_path / "transcript.json"
    spoken.write_text(json.dumps({"time_stamped_text": [{"phrase": "clear.", "begin_time": 1, "end_time": 2}]}))
    with pytest.raises(GazeError, match="whose it is is not known"):
        load([tmp_path / "set" / "fixations.csv", spoken], tmp_path)


def test_a_table_waits_until_its_columns_are_confirmed(tmp_path: Path) -> None:
    table = tmp_path / "lab.csv"
    table.write_text("gx,gy,t\n1,2,0\n3,4,16\n")
    assert sort_files([table]).tables == (table,)
    with pytest.raises(GazeError, match="the file is empty"):
        (tmp_path / "none.csv").write_bytes(b"")
        sort_files([tmp_path / "none.csv"])
    with pytest.raises(GazeError, match="no gaze recording"):
        (tmp_path / "letter").write_bytes(b"\0\1\2 Dear colleague")
        sort_files([tmp_path / "letter"])
