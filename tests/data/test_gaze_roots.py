"""REFLACX, EyeGaze and MIMIC-EYE roots as training data: what a recording becomes, and what is left out by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.data import GazeChoice, Grid, Reading, Sample, open_data
from egma.data.finding_labels import labels_from_certainty
from egma.data.opening import examine_data
from egma.data.problems import explain_dropped
from egma.data.sample import Dropped
from egma.errors import DataError
from egma.findings import FINDINGS
from egma.gaze.grid import reduce_to_grid
from egma.gaze.transcript import sentence_gaze, split_words
from egma.imaging.geometry import Geometry
from egma.testing import gaze_roots as roots
from egma.testing import mimic_files as mimic
from egma.testing.gaze import CALIBRATION_ID, TRUNCATED_ID, build_track, write_csv

SHAPE = (800, 700)
TRACK = build_track(1, SHAPE)


def labels_of(sample: Sample) -> dict[str, int | None]:
    return {finding: value for finding, value in zip(FINDINGS, sample.labels) if value is not None}


def reason(data, name: str) -> str:
    (found,) = [each.reason for each in data.dropped if each.name == name]
    return found


def two_readings() -> dict[str, roots.Reading]:
    return {
        "P102R108387": roots.Reading(
            mimic.invented_film(1), TRACK, "validate", {"Pleural effusion": 4, "Nodule": 2}, other="scoliosis"
        ),
        "P300R000001": roots.Reading(mimic.invented_film(2), build_track(2, SHAPE)),
        "P300R000002": roots.Reading(mimic.invented_film(3), None),
    }


def test_reflacx_becomes_sentences_with_gaze_and_official_splits(tmp_path: Path) -> None:
    data = open_data(roots.write_reflacx_root(tmp_path, two_readings()))
    first, second = data
    assert [sample.id for sample in data] == ["reflacx-P102R108387", "reflacx-P300R000001"]
    assert (first.patient, first.study, first.split, second.split) == ("18000001", "50000001", "val", "train")
    assert first.sentences == ("Small left pleural effusion.", "The heart is not enlarged.")
    assert [each is not None for each in first.gaze] == [True, True]
    assert first.shape_hw == SHAPE and not first.simulated and data.grid_hw == (20, 20)
    assert labels_of(first)["Effusion"] == 1 and labels_of(first)["Nodule"] == -1 and labels_of(first)["Mass"] == 0
    assert labels_of(first)["No Finding"] == 0 and labels_of(second)["No Finding"] == 1
    assert "discarded" in reason(data, "reflacx-P300R000002")


def test_films_without_images_are_still_indexed_with_a_reason(tmp_path: Path) -> None:
    root = roots.write_reflacx_root(tmp_path / "r", two_readings())
    data = open_data(root)
    assert [sample.image_note for sample in data] == ["no folder of images was named"] * 2
    (problem,) = data.problems
    assert problem.count == 2 and problem.blocking and "2 of 2 films have no image" in problem.sentence
    images = mimic.write_mimic_cxr(tmp_path / "jpg", [(mimic.invented_film(1), SHAPE)])
    data = open_data(root, Reading(images=images))
    assert data[0].image_path is not None and data[0].image_path.name.endswith(".jpg") and data[0].image_note == ""
    assert data[1].image_path is None and "not below the folder" in data[1].image_note
    assert not data.problems[0].blocking


def test_the_maps_are_the_density_s_reduction_on_the_padded_square(tmp_path: Path) -> None:
    root = roots.write_reflacx_root(tmp_path, two_readings())
    data = open_data(root, Reading(grid=Grid(14, 14)))
    track = egma.load_gaze(root / "main_data" / "P102R108387" / "fixations.csv")
    box = Geometry(SHAPE, (320, 320), "pad").grid_box_px()
    for row, sentence in enumerate(split_words(track.words)):
        whole = reduce_to_grid(sentence_gaze(track, sentence).density(SHAPE), (14, 14), box)
        heat = data[0].gaze[row]
        assert heat is not None and heat.dtype == np.uint8 and heat.max() == 255
        assert np.abs(heat / 255 - whole / whole.max()).max() < 0.01


def test_a_sentence_without_fixations_has_no_gaze(tmp_path: Path) -> None:
    second = split_words(TRACK.words)[1]
    early = TRACK.select(TRACK.start_s < second.gaze_from_s)
    reading = roots.Reading(mimic.invented_film(1), early)
    (sample,) = open_data(roots.write_reflacx_root(tmp_path, {"P300R000001": reading}))
    assert sample.gaze[0] is not None and sample.gaze[1] is None


def test_a_reading_without_dictation_keeps_its_film_without_gaze(tmp_path: Path) -> None:
    silent = roots.Reading(mimic.invented_film(1), replace(TRACK, words=()))
    root = roots.write_reflacx_root(tmp_path / "r", {"P300R000001": silent})
    data = open_data(root, Reading(images=mimic.write_mimic_cxr(tmp_path / "i", [(mimic.invented_film(1), SHAPE)])))
    assert "nothing was dictated" in reason(data, "reflacx-P300R000001")
    assert data[0].sentences == data[0].report and not data[0].has_gaze
    assert data[0].sentences[0] == "There is a small left pleural effusion." and len(data[0].sentences) == 4


def test_a_damaged_recording_is_named_and_the_others_stay(tmp_path: Path) -> None:
    root = roots.write_reflacx_root(tmp_path, two_readings())
    (root / "main_data" / "P300R000001" / "fixations.csv").write_text("timestamp")
    data = open_data(root)
    assert [sample.id for sample in data] == ["reflacx-P102R108387"]
    assert reason(data, "reflacx-P300R000001")


def test_a_root_of_nothing_but_damage_is_one_sentence(tmp_path: Path) -> None:
    root = roots.write_reflacx_root(tmp_path, {"P300R000002": roots.Reading(mimic.invented_film(3), None)})
    with pytest.raises(
        DataError, match="none of the 1 recordings can be used; the first: reflacx-P300R000002: its eye"
    ):
        open_data(root)


def test_eyegaze_takes_films_and_labels_from_the_master_sheet(tmp_path: Path) -> None:
    films = [mimic.invented_film(1), mimic.invented_film(2)]
    root = roots.write_eyegaze_root(
        tmp_path / "egd", [(film, build_track(3, SHAPE)) for film in films], {"Pleural Effusion": 1.0, "Edema": -1.0}
    )
    images = mimic.write_mimic_cxr(tmp_path / "jpg", [(film, SHAPE) for film in films], tables=False)
    data = open_data(root, Reading(images=images))
    assert [sample.id for sample in data] == [f"eyegaze-{film.dicom_id}" for film in films]
    assert data[0].reader == "egd-1" and data[0].sex == "F" and data[0].patient == "18000001"
    assert labels_of(data[0])["Effusion"] == 1 and labels_of(data[0])["Edema"] == -1
    assert data[0].has_gaze and data[0].shape_hw == SHAPE
    assert "cut off" in reason(data, f"eyegaze-{TRUNCATED_ID}")
    assert "no film" in reason(data, f"eyegaze-{CALIBRATION_ID}")


def test_mimic_cxr_s_tables_give_official_splits_labels_and_sizes(tmp_path: Path) -> None:
    film = mimic.invented_film(1)
    root = roots.write_eyegaze_root(tmp_path / "egd", [(film, TRACK)], dirty=False)
    images = mimic.write_mimic_cxr(tmp_path / "jpg", [(film, SHAPE)], official="test")
    for folder in (images, images / "files"):
        (sample,) = open_data(root, Reading(images=folder))
        assert sample.split == "test" and sample.view == "PA" and sample.image_path is not None
        assert labels_of(sample)["Effusion"] == 1


def test_mimic_eye_joins_both_data_sets_images_and_reports_of_a_patient(tmp_path: Path) -> None:
    data = open_data(roots.write_mimic_eye_root(tmp_path, two_readings(), official="test"))
    assert {sample.source for sample in data} == {"reflacx", "eyegaze"} and len(data) == 4
    by_name = {sample.id: sample for sample in data}
    assert by_name["reflacx-P102R108387"].film == mimic.invented_film(1).dicom_id
    assert all(sample.image_path is not None and sample.report for sample in data)
    splits = {(sample.patient, sample.split) for sample in data}
    assert len(splits) == 2, "a patient's films are in one split"
    assert "official split" in [each.name for each in data.dropped], "REFLACX said val, MIMIC-CXR test"


def test_an_image_of_another_shape_is_another_film(tmp_path: Path) -> None:
    root = roots.write_reflacx_root(tmp_path / "r", two_readings())
    films = [(mimic.invented_film(1), (700, 800)), (mimic.invented_film(2), (400, 350))]
    data = open_data(root, Reading(images=mimic.write_mimic_cxr(tmp_path / "i", films)))
    assert [sample.id for sample in data] == ["reflacx-P300R000001"], (
        "a smaller copy is the same film, a turned one not"
    )
    assert "another film, or turned" in reason(data, "reflacx-P102R108387")


@pytest.mark.parametrize("bad", ["../../etc", "1" * 300, "x/y"])
def test_ids_that_are_none_never_reach_a_path(tmp_path: Path, bad: str) -> None:
    film = replace(mimic.invented_film(1), patient=bad)
    root = roots.write_reflacx_root(tmp_path / "r", {"P300R000001": roots.Reading(film, TRACK)})
    (tmp_path / "i").mkdir()
    (sample,) = open_data(root, Reading(images=tmp_path / "i"))
    assert sample.image_path is None and sample.patient.startswith("film ")


def test_an_image_that_is_a_link_out_of_its_folder_is_not_followed(tmp_path: Path) -> None:
    film = mimic.invented_film(1)
    root = roots.write_reflacx_root(tmp_path / "r", {"P300R000001": roots.Reading(film, TRACK)})
    real = mimic.draw_film(tmp_path / "elsewhere.jpg", SHAPE)
    (tmp_path / "i").mkdir()
    (tmp_path / "i" / f"{film.dicom_id}.jpg").symlink_to(real)
    (sample,) = open_data(root, Reading(images=tmp_path / "i"))
    assert sample.image_path is None and "leads out" in sample.image_note


def test_a_gaze_share_is_applied_when_a_root_is_opened(tmp_path: Path) -> None:
    readings = {f"P300R{number:06d}": roots.Reading(mimic.invented_film(number), TRACK) for number in range(4)}
    data = open_data(roots.write_reflacx_root(tmp_path, readings), Reading(GazeChoice(0.5, seed=2)))
    assert sum(sample.has_gaze for sample in data) == 2 and data.choice == GazeChoice(0.5, seed=2)


@pytest.mark.parametrize(
    ("values", "other", "expected"),
    [
        ({"Consolidation": 3}, False, {"Consolidation": 1, "No Finding": 0}),
        ({"Consolidation": 2}, False, {"Consolidation": -1, "No Finding": -1}),
        ({"Consolidation": 0}, False, {"Consolidation": 0, "No Finding": 1}),
        ({"Consolidation": 0}, True, {"Consolidation": 0, "No Finding": 0}),
        ({"Lung nodule or mass": 5}, False, {"No Finding": 0}),
        ({"Lung nodule or mass": 0}, False, {"Mass": 0, "Nodule": 0, "No Finding": 1}),
        ({"Acute fracture": 4, "Pneumothorax": None}, False, {"No Finding": 0}),
    ],
)
def test_certainties_become_labels(values: dict, other: bool, expected: dict) -> None:
    labels = labels_from_certainty(values, other)
    assert {finding: label for finding, label in zip(FINDINGS, labels) if label is not None} == expected


def test_readings_that_no_metadata_names_are_left_out_by_name(tmp_path: Path) -> None:
    root = roots.write_reflacx_root(tmp_path, two_readings())
    write_csv(
        root / "main_data" / "metadata_phase_3.csv", ["id", "eye_tracking_data_discarded", "dicom_id", "subject_id"], []
    )
    data = open_data(root)
    assert "no metadata file names it" in reason(data, "reflacx-P300R000001")


def test_gaze_of_the_wrong_film_is_left_out_with_the_reason(tmp_path: Path) -> None:
    beside = replace(TRACK, xy_px=TRACK.xy_px + np.array([9000.0, 0.0]), shown_px=None)
    readings = {"P300R000001": roots.Reading(mimic.invented_film(1), TRACK)}
    readings["P300R000002"] = roots.Reading(mimic.invented_film(2), beside)
    data = open_data(roots.write_reflacx_root(tmp_path, readings))
    assert "another film or in another frame" in reason(data, "reflacx-P300R000002")


def test_an_examination_of_a_root_counts_and_names_what_is_left_out(tmp_path: Path) -> None:
    silent = roots.Reading(mimic.invented_film(4), replace(build_track(4, SHAPE), words=()))
    films = {**two_readings(), "P300R000004": silent, "P300R000005": roots.Reading(mimic.invented_film(5), None)}
    root = roots.write_reflacx_root(tmp_path / "r", films)
    images = mimic.write_mimic_cxr(tmp_path / "jpg", [(mimic.invented_film(number), SHAPE) for number in (1, 2, 4)])
    found = examine_data(root, Reading(images=images))
    assert found.ready and len(found.opened) == 3 and sum(found.counts.values()) == 3
    assert (found.counts["train"], found.counts["val"], found.with_gaze["val"]) == (2, 1, 1)
    said = {problem.sentence.partition(":")[0]: problem.count for problem in found.problems}
    assert said["2 recordings are left out or used in part ('reflacx-P300R000002', 'reflacx-P300R000005')"] == 2
    assert said["one recording is left out or used in part ('reflacx-P300R000004')"] == 1


def test_a_thousand_recordings_left_out_for_many_reasons_are_a_few_sentences() -> None:
    dropped = [Dropped(f"r{number}", f"row {number} is cut off") for number in range(1000)]
    dropped += [Dropped(f"x{letter}\n", f"reason {letter}\x1b") for letter in "abcdefghijkl"]
    problems = explain_dropped(dropped)
    assert len(problems) == 9 and problems[0].count == 1000 and problems[-1].count == 5
    assert not any("\x1b" in problem.sentence or "\n" in problem.sentence for problem in problems)
