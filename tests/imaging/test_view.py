"""The warning for films that are not frontal chest X-rays: silent on chests, clear on everything else."""

from __future__ import annotations

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from egma.imaging import load_study, study_from_array
from egma.imaging.view import CLASSES, VIEW_WARNING, check_view, classify_view, load_view_model
from egma.testing.oddities import ODDITIES
from egma.testing.phantoms import build_phantom
from egma.types import Study


def film(pixels: np.ndarray) -> Study:
    return study_from_array(np.clip(pixels, 0, 1).astype(np.float32))


@pytest.fixture(scope="module")
def chest() -> np.ndarray:
    return build_phantom(13, size=(384, 320)).study.pixels


def frontals(shared_dir: Path, split: str, count: int) -> list[Study]:
    folder = shared_dir / "data" / "cxr"
    with (folder / "manifest.csv").open(encoding="utf-8", newline="") as table:
        rows = [row for row in csv.DictReader(table) if row["split"] == split]
    return [load_study(folder / "images" / row["image"]) for row in rows[:: max(1, len(rows) // count)]]


def test_a_chest_passes_in_silence(chest: np.ndarray) -> None:
    assert check_view(film(chest)) == []


def test_a_larger_or_padded_copy_of_a_chest_still_passes(chest: np.ndarray) -> None:
    assert check_view(film(chest.repeat(3, axis=0).repeat(3, axis=1))) == []
    assert check_view(film(np.pad(chest, ((0, 0), (60, 60))))) == []


def test_window_and_gamma_do_not_change_the_answer(chest: np.ndarray) -> None:
    for other in (chest**1.6, 0.2 + 0.5 * chest, np.sqrt(chest)):
        assert check_view(film(other)) == []


def test_an_inverted_chest_is_said_to_be_inverted(chest: np.ndarray) -> None:
    (said,) = check_view(film(1 - chest))
    assert "inverted" in said and "frontal chest films" in said


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_turned_chest_is_warned_about(chest: np.ndarray, quarters: int) -> None:
    assert len(check_view(film(np.rot90(chest, quarters)))) == 1


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_blank_frame_is_called_blank_even_with_noise(value: float) -> None:
    rng = np.random.default_rng(0)
    for pixels in (np.full((300, 260), value), value + rng.normal(0, 0.004, (300, 260))):
        (said,) = check_view(film(pixels))
        assert "nearly blank" in said


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (31, 400), (400, 1200), (2, 2)])
def test_sizes_that_show_no_chest_are_named(shape: tuple[int, int]) -> None:
    (said,) = check_view(film(np.random.default_rng(0).random(shape)))
    assert f"{shape[1]} x {shape[0]} pixels" in said


@pytest.mark.parametrize("kind", sorted(ODDITIES))
def test_drawn_oddities_are_warned_about(kind: str) -> None:
    rng = np.random.default_rng(99)
    warned = [bool(check_view(film(ODDITIES[kind](rng)))) for _ in range(25)]
    assert np.mean(warned) >= 0.9


def test_noise_is_warned_about() -> None:
    rng = np.random.default_rng(1)
    assert all(check_view(film(rng.random((400, 400)))) for _ in range(5))


def test_a_cat_is_not_a_chest() -> None:
    found = find_spec("skimage")
    if found is None or found.origin is None:
        pytest.skip("scikit-image, which carries the photographs, is not installed")
    for name in ("chelsea.png", "astronaut.png", "camera.png"):
        (said,) = check_view(load_study(Path(found.origin).parent / "data" / name))
        assert "frontal chest films" in said


def test_a_ct_slice_is_not_a_chest_film() -> None:
    found = find_spec("pydicom")
    path = Path(found.origin).parent / "data" / "test_files" / "CT_small.dcm" if found and found.origin else Path()
    if not path.is_file():
        pytest.skip("pydicom's CT_small.dcm is not installed")
    assert check_view(load_study(path))


def test_probabilities_sum_to_one(chest: np.ndarray) -> None:
    chances = classify_view(chest)
    assert tuple(chances) == CLASSES
    assert sum(chances.values()) == pytest.approx(1, abs=1e-5)


def test_the_parameters_are_small_and_whole() -> None:
    model = load_view_model()
    assert model.components.shape == (48, 1024)
    np.testing.assert_allclose(model.components @ model.components.T, np.eye(48), atol=5e-3)
    assert 0 < model.least_frontal < 1


def test_real_frontal_films_pass(shared_dir: Path) -> None:
    warned = [bool(check_view(study)) for study in frontals(shared_dir, "test", 75)]
    assert np.mean(warned) <= 0.04


def test_the_real_dicom_film_passes_when_it_is_loaded(shared_dir: Path) -> None:
    study = load_study(shared_dir / "data" / "dicom" / "siim_pneumothorax_1.dcm")
    assert not [said for said in study.warnings if VIEW_WARNING in said]


def test_most_real_laterals_and_nearly_all_inverted_films_are_warned_about(shared_dir: Path) -> None:
    laterals = sorted((shared_dir / "data" / "cxr" / "lateral").iterdir())
    warned = [bool(check_view(load_study(path))) for path in laterals]
    assert np.mean(warned) >= 0.7
    inverted = [bool(check_view(film(1 - study.pixels))) for study in frontals(shared_dir, "test", 40)]
    assert np.mean(inverted) >= 0.95
