"""evaluate as a script calls it: tasks, the doctor, mistakes in one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from egma.__main__ import main
from egma.evaluation.tasks import list_tasks


def test_every_task_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "--help"])
    assert left.value.code == 0
    printed = capsys.readouterr().out
    assert all(task.NAME in printed for task in list_tasks())


def test_the_doctor_names_what_lies_there_and_where_to_apply_for_the_rest(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "labels.csv").write_text("image,patient\n", encoding="utf-8")
    assert main(["evaluate", "doctor", "--data", str(tmp_path), "--json"]) == 0
    sets = {each["name"]: each for each in json.loads(capsys.readouterr().out)["sets"]}
    assert sets["labels"]["found"] and sets["labels"]["folder"] == "mine"
    assert not sets["ms-cxr"]["found"]
    assert "PhysioNet" in sets["ms-cxr"]["access"]
    assert any("MS_CXR_Local_Alignment" in wanted for wanted in sets["ms-cxr"]["missing"])


def test_a_task_that_does_not_exist_is_refused_with_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["evaluate", "astrology"])
    assert left.value.code == 2
    assert "doctor" in capsys.readouterr().err
