"""classify, ground and doctor as a script calls them: JSON on standard output, sentences on standard error."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from egma.__main__ import main
from egma.findings import FINDINGS
from egma.testing.dicom import PATIENT_NAME, write_dicom


def test_classify_prints_one_probability_for_each_finding(
    phantom_film: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", str(phantom_film), "--checkpoint", str(tiny_checkpoint), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == [str(phantom_film)]
    assert list(printed[str(phantom_film)]) == list(FINDINGS)
    assert all(0 <= value <= 1 for value in printed[str(phantom_film)].values())


def test_classify_without_json_says_what_a_probability_is(
    phantom_film: Path, tiny_checkpoint: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["classify", str(phantom_film), "--checkpoint", str(tiny_checkpoint)]) == 0
    captured = capsys.readouterr()
    assert "Effusion" in captured.out
    assert "Research use only" in captured.err


def test_a_film_that_cannot_be_read_costs_its_sentence_and_not_the_others(
    phantom_film: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "report.dcm"
    broken.write_text("this is a letter, not a film", encoding="utf-8")
    arguments = ["classify", str(broken), str(phantom_film), "--checkpoint", str(tiny_checkpoint), "--json"]
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert list(json.loads(captured.out)) == [str(phantom_film)]
    assert "report.dcm" in captured.err
    assert "Traceback" not in captured.err


def test_ground_gives_the_grid_the_maximum_and_a_picture(
    phantom_film: Path, tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "overlay.png"
    phrases = ["--text", "left pleural effusion", "--text", "cardiomegaly"]
    assert (
        main(["ground", str(phantom_film), *phrases, "--checkpoint", str(tiny_checkpoint), "--out", str(out), "--json"])
        == 0
    )
    printed = json.loads(capsys.readouterr().out)
    assert list(printed) == ["left pleural effusion", "cardiomegaly"]
    grid = np.array(printed["cardiomegaly"]["grid"])
    assert grid.shape == (16, 16)
    assert printed["cardiomegaly"]["max"] == pytest.approx(grid.max(), abs=1e-6)
    with Image.open(out) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--text", "   "], "nothing to ask"),
        (["--text", "x" * 100_000], "300"),
        (["--text", "effusion", "--out", "overlay.jpg"], ".png"),
        (["--text", "effusion", "--out", "nowhere/overlay.png"], "does not exist"),
        (["--text", "effusion", "--checkpoint", "no-such-model"], "no-such-model"),
        (["--text", "effusion", "--checkpoint", "../../etc"], ".."),
    ],
    ids=["empty phrase", "100 kB phrase", "not a png", "no folder", "unknown model", "climbing name"],
)
def test_a_mistake_is_one_sentence_and_exit_status_two(
    arguments: list[str],
    sentence: str,
    phantom_film: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["ground", str(phantom_film), *arguments]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    message = captured.err.strip().splitlines()[-1]
    assert sentence in message
    assert len(message) < 400
    assert list(tmp_path.iterdir()) == []


def test_nothing_printed_names_the_patient(
    tiny_checkpoint: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = write_dicom(tmp_path / "film.dcm", np.arange(64 * 64, dtype=np.uint16).reshape(64, 64))
    assert main(["classify", str(film), "--checkpoint", str(tiny_checkpoint)]) == 0
    captured = capsys.readouterr()
    assert PATIENT_NAME not in captured.out + captured.err


def test_doctor_says_what_is_installed_and_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["packages"]["torch"].startswith("2.13.0")
    assert set(printed) == {"egma", "python", "platform", "packages", "device", "checkpoints", "missing"}
    assert main(["doctor"]) == 0
    assert "torch" in capsys.readouterr().out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    printed = capsys.readouterr().out
    assert all(command in printed for command in ("classify", "ground", "gaze", "doctor"))


def test_an_unknown_command_is_the_callers_mistake() -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["diagnose"])
