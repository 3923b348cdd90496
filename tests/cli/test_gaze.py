"""`python -m egma gaze`: one JSON object, sentences for mistakes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from egma.__main__ import main
from egma.testing.gaze import TRUNCATED_ID, build_track, invented_dicom_id, write_eyegaze, write_reflacx


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    status = main(["gaze", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    write_reflacx(tmp_path, {"P300R000001": build_track(1)})
    return tmp_path / "main_data" / "P300R000001" / "fixations.csv"


def draw_film(path: Path, shape: tuple[int, int]) -> Path:
    ramp = np.tile(np.linspace(0, 255, shape[1]).astype(np.uint8), (shape[0], 1))
    Image.fromarray(ramp).save(path)
    return path


def test_a_recording_is_described_in_json(recording: Path, capsys) -> None:
    status, out, _ = run(capsys, recording, "--json")
    found = json.loads(out)
    track = build_track(1)
    assert status == 0 and found["fixations"] == len(track) and found["off_image"] == 0
    assert found["duration_s"] == pytest.approx(track.end_s[-1] - track.start_s[0], abs=2e-3)
    density = np.array(found["density"])
    assert density.shape == (64, 56) and density.sum() == pytest.approx(1, abs=1e-3)
    assert found["sentences"][0]["text"] == "Small left pleural effusion."


def test_the_film_is_checked_against_the_recording(recording: Path, tmp_path: Path, capsys) -> None:
    assert run(capsys, recording, "--image", draw_film(tmp_path / "a.png", (800, 700)), "--json")[0] == 0
    status, out, err = run(capsys, recording, "--image", draw_film(tmp_path / "b.png", (300, 200)))
    assert (status, out) == (2, "") and "film of 800 x 700" in err


def test_the_density_can_be_saved(recording: Path, tmp_path: Path, capsys) -> None:
    assert run(capsys, recording, "--out", tmp_path / "d.npy")[0] == 0
    assert np.load(tmp_path / "d.npy").shape == (800, 700)
    status, _, err = run(capsys, recording, "--out", tmp_path / "d.png")
    assert status == 2 and ".npy" in err


def test_many_recordings_are_listed_and_one_can_be_chosen(tmp_path: Path, capsys) -> None:
    a, b = invented_dicom_id(1), invented_dicom_id(2)
    write_eyegaze(tmp_path, {a: build_track(1), b: build_track(2)})
    status, out, err = run(capsys, tmp_path / "fixations.csv", "--json")
    found = json.loads(out)
    assert status == 0 and [each["name"] for each in found["recordings"]] == [a, b]
    assert TRUNCATED_ID in found["skipped"] and TRUNCATED_ID in err
    status, out, _ = run(capsys, tmp_path / "fixations.csv", "--recording", b, "--json")
    assert status == 0 and json.loads(out)["fixations"] == len(build_track(2))


def test_lines_for_people_end_with_the_caveat(recording: Path, capsys) -> None:
    _, out, err = run(capsys, recording)
    assert "fixations in" in out and "Research use only" in err


def test_a_mistake_is_one_sentence_and_exit_status_2(tmp_path: Path, capsys) -> None:
    (tmp_path / "a.csv").write_text("")
    status, out, err = run(capsys, tmp_path / "a.csv", "--json")
    assert (status, out) == (2, "") and err.startswith("egma: the file is empty")


@pytest.mark.parametrize("rows", [1, 3, 30])
def test_a_recording_in_another_frame_is_one_sentence_with_and_without_the_film(tmp_path, capsys, rows) -> None:
    lines = [f"99999,99999,{row},0.3" for row in range(rows)]
    (tmp_path / "wrongframe.csv").write_text("\n".join(["x,y,start,duration", *lines]))
    film = draw_film(tmp_path / "a.png", (800, 700))
    for more in (["--image", film], []):
        status, out, err = run(capsys, tmp_path / "wrongframe.csv", *more, "--json")
        said = err.splitlines()[-1]
        assert (status, out) == (2, "") and "100% of its looks lie off" in said
        assert "x 99999, y 99999" in said and "neither a film nor a screen reaches" in said and "convert" in said
    assert "800 x 700" not in said


def test_the_only_recording_that_is_left_needs_no_name(tmp_path, capsys) -> None:
    write_eyegaze(tmp_path, {invented_dicom_id(1): build_track(1)})
    film = draw_film(tmp_path / "a.png", (800, 700))
    status, out, err = run(capsys, tmp_path / "fixations.csv", "--image", film, "--json")
    assert status == 0 and json.loads(out)["fixations"] == len(build_track(1)) and TRUNCATED_ID in err


def test_a_reader_is_no_ceiling_for_themselves(recording: Path, tmp_path: Path, capsys) -> None:
    film = draw_film(tmp_path / "a.png", (800, 700))
    np.save(tmp_path / "map.npy", np.ones((800, 700)))
    asked = ["--image", film, "--measures", "--map", tmp_path / "map.npy", "--other", recording]
    status, _, err = run(capsys, recording, *asked)
    assert status == 2 and "the same as" in err


def test_regions_measures_and_files_without_the_page(recording: Path, tmp_path: Path, capsys) -> None:
    write_reflacx(tmp_path / "second", {"P300R000002": build_track(2)})
    other = tmp_path / "second" / "main_data" / "P300R000002" / "fixations.csv"
    film = draw_film(tmp_path / "a.png", (800, 700))
    np.save(tmp_path / "map.npy", np.tile(np.linspace(0, 1, 700, dtype=np.float32), (800, 1)))
    asked = ["--image", film, "--regions", "--measures", "--map", tmp_path / "map.npy", "--other", other]
    status, out, _ = run(capsys, recording, *asked, "--export", tmp_path / "out", "--json")
    found = json.loads(out)
    assert status == 0 and [row["region"] for row in found["regions"]] == ["chest"]
    whole, *sentences = found["measures"]
    assert whole["sentence"] == "the whole recording" and len(sentences) == len(found["sentences"])
    assert (
        set(whole["values"]["NSS"]) == {"model", "ceiling", "floor"} and whole["values"]["NSS"]["ceiling"] is not None
    )
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == [
        "measures.csv",
        "recorded-density.npy",
        "recorded-regions.csv",
        "recorded-replay.gif",
        "sentences.csv",
    ]


def test_samples_leave_only_when_asked(recording: Path, tmp_path: Path, capsys) -> None:
    film = draw_film(tmp_path / "a.png", (800, 700))
    status, out, _ = run(capsys, recording, "--image", film, "--export", tmp_path / "out", "--raw")
    assert status == 0 and (tmp_path / "out" / "recorded-samples.csv").is_file() and "fixations" in out


@pytest.fixture
def read_phantom(tmp_path: Path) -> Path:
    """A recording on the phantom film."""
    write_reflacx(tmp_path / "set", {"P300R000001": build_track(1, (256, 240))})
    return tmp_path / "set" / "main_data" / "P300R000001" / "fixations.csv"


@pytest.mark.parametrize("as_file", [True, False], ids=["the film as FILE", "the film as --image"])
def test_expected_gaze_of_a_film_that_nobody_recorded_is_labelled_predicted(
    tmp_path: Path, capsys, tiny_checkpoint, phantom_film, as_file: bool
) -> None:
    film = [phantom_film] if as_file else ["--image", phantom_film]
    asked = [*film, "--expected", "--checkpoint", tiny_checkpoint]
    status, out, _ = run(capsys, *asked, "--out", tmp_path / "expected.npy", "--json")
    found = json.loads(out)
    assert status == 0 and found["film"] == [256, 240] and "fixations" not in found
    expected = found["expected"]
    assert expected["label"].startswith("predicted") and expected["checkpoint"].startswith("tiny ")
    assert expected["agreement"] is None
    density, whole = np.array(expected["density"]), np.load(tmp_path / "expected.npy")
    assert density.shape == (64, 60) and density.sum() == pytest.approx(1, abs=1e-3)
    assert whole.shape == (256, 240) and whole.dtype == np.float32 and whole.sum() == pytest.approx(1, abs=1e-4)
    assert sum(row["share"] for row in expected["regions"]) == pytest.approx(1, abs=1e-3)
    _, lines, err = run(capsys, *asked)
    assert "predicted from the model's maps, not recorded" in lines and "Research use only" in err


def test_expected_gaze_is_measured_against_the_recording_and_the_centre_bias(
    read_phantom, tmp_path, capsys, tiny_checkpoint, phantom_film
) -> None:
    write_reflacx(tmp_path / "second", {"P300R000002": build_track(2, (256, 240))})
    other = tmp_path / "second" / "main_data" / "P300R000002" / "fixations.csv"
    asked = [read_phantom, "--image", phantom_film, "--expected", "--checkpoint", tiny_checkpoint]
    status, out, _ = run(capsys, *asked, "--other", other, "--export", tmp_path / "out", "--json")
    found = json.loads(out)
    assert status == 0 and found["fixations"] == len(build_track(1, (256, 240)))
    agreement = found["expected"]["agreement"]
    assert agreement["reader"] == "P300R000001" and agreement["simulated"] is False
    values = agreement["values"]
    assert values["Information gain"]["floor"] == pytest.approx(0, abs=1e-9)  # the floor is the centre bias itself
    assert all(values[name][each] is not None for name in ("NSS", "CC") for each in ("model", "floor", "ceiling"))
    assert np.load(tmp_path / "out" / "predicted-density.npy").shape == (256, 240)
    _, lines, _ = run(capsys, *asked)
    assert "against P300R000001 (recorded), with the floor of the centre bias alone" in lines


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "there is no recording"),
        (["--expected"], "there is no recording"),
        (["--image", "FILM"], "there is no recording"),
        (["FILM", "--expected", "--regions"], "--regions says something of a recording"),
        (["FILM", "--expected", "--export", "new"], "--export says something of a recording"),
        (["FILM", "--expected", "--out", "expected.png"], "ending in .npy"),
        (["none.png", "--expected"], "--expected and --export want the film"),
        (["FILM"], "no gaze recording but"),
    ],
    ids=lambda value: " ".join(value) or "nothing" if isinstance(value, list) else "",
)
def test_expected_gaze_without_what_it_needs_is_one_sentence(phantom_film, capsys, options, said) -> None:
    status, out, err = run(capsys, *(phantom_film if each == "FILM" else each for each in options))
    assert (status, out) == (2, "") and said in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--raw"], "add --export"),
        (["--measures"], "want the film"),
        (["--map", "m.npy"], "add --measures"),
        (["--export", "."], "there already"),
        (["--export", "none/there/out"], "does not exist"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_options_that_do_not_fit_are_one_sentence(recording: Path, capsys, options, said) -> None:
    status, out, err = run(capsys, recording, *options)
    assert (status, out) == (2, "") and said in err


def test_a_map_of_another_size_is_refused(recording: Path, tmp_path: Path, capsys) -> None:
    film = draw_film(tmp_path / "a.png", (800, 700))
    np.save(tmp_path / "map.npy", np.zeros((3, 3)))
    status, _, err = run(capsys, recording, "--image", film, "--measures", "--map", tmp_path / "map.npy")
    assert status == 2 and "800 x 700" in err
