"""`evaluate expected_gaze`: floor and ceiling, paired gains, the user's own data set, and labels that stay honest."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from egma.__main__ import main
from egma.data.build import Source
from egma.errors import DataError
from egma.evaluation.expected_gaze import (
    CEILING,
    FINDINGS,
    FLOOR,
    SENTENCES,
    measure_expected,
    phantom_cases,
    recorded_cases,
)
from egma.testing import gaze_roots as roots
from egma.testing import mimic_files as mimic
from egma.testing import tiny_engine
from egma.testing.gaze import build_track

SHAPE = (160, 140)


@pytest.fixture(scope="module")
def engine():
    return tiny_engine()


def test_phantoms_are_measured_between_floor_and_ceiling(engine) -> None:
    found = measure_expected(engine, phantom_cases(4, 3, 96))
    assert found.films == 4 and found.simulated
    assert set(found.figures) == {FINDINGS, SENTENCES, FLOOR, CEILING} and set(found.gains) == {
        FINDINGS,
        SENTENCES,
        CEILING,
    }
    assert found.figures[FLOOR]["information_gain"].value == pytest.approx(0, abs=1e-9)
    gain = found.gains[CEILING]["nss"].value
    assert gain == pytest.approx(found.figures[CEILING]["nss"].value - found.figures[FLOOR]["nss"].value)


def test_equal_seeds_give_equal_figures(engine) -> None:
    first, second = (measure_expected(engine, phantom_cases(3, 5, 96)).figures for _ in range(2))
    assert first == second


def test_a_user_s_data_set_is_measured_with_its_other_readers_as_the_ceiling(engine, tmp_path: Path) -> None:
    film, other = mimic.invented_film(1), mimic.invented_film(2)
    readings = {
        "P101R000001": roots.Reading(film, build_track(1, SHAPE)),
        "P101R000002": roots.Reading(film, build_track(2, SHAPE)),
        "P300R000001": roots.Reading(other, build_track(3, SHAPE)),
        "P300R000002": roots.Reading(mimic.invented_film(3), build_track(4, SHAPE)),
    }
    root = roots.write_reflacx_root(tmp_path / "r", readings)
    images = mimic.write_mimic_cxr(tmp_path / "i", [(film, SHAPE), (other, SHAPE)])
    cases = list(recorded_cases(Source(root, images), 10, 0))
    assert {case.name: len(case.others) for case in cases} == {film.dicom_id: 1, other.dicom_id: 0}
    found = measure_expected(engine, cases)
    assert found.films == 2 and not found.simulated
    assert found.figures[FINDINGS]["nss"].n == 2 and np.isfinite(found.figures[CEILING]["nss"].value)


def test_films_without_a_look_on_them_are_left_out(engine) -> None:
    (case,) = phantom_cases(1, 3, 96)
    beside = replace(case, track=replace(case.track, xy_px=case.track.xy_px - 500.0))
    assert measure_expected(engine, [case, beside]).films == 1
    with pytest.raises(DataError, match="no film with gaze"):
        measure_expected(engine, [beside])


def test_the_command_says_that_its_gaze_is_simulated(engine, capsys, monkeypatch) -> None:
    monkeypatch.setattr("egma.inference.engine.load_engine", lambda *_, **__: engine)
    assert main(["evaluate", "expected_gaze", "--films", "2", "--seed", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["simulated"] and found["films"] == 2 and found["data"] == "phantoms, gaze simulated"
    assert main(["evaluate", "expected_gaze", "--films", "2", "--seed", "3"]) == 0
    assert "SIMULATED gaze on phantoms" in capsys.readouterr().out
    assert main(["evaluate", "expected_gaze", "--films", "0"]) == 2
    assert "--films wants at least 1" in capsys.readouterr().err


def test_a_folder_that_is_no_gaze_data_set_is_one_sentence(engine, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr("egma.inference.engine.load_engine", lambda *_, **__: engine)
    assert main(["evaluate", "expected_gaze", "--data", str(tmp_path)]) == 2
    assert "no gaze data set" in capsys.readouterr().err
