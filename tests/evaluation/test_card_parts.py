"""What a card is made of: shares with intervals, the view check's figures, guesses by lungs, calibration, pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from egma.errors import SettingsError
from egma.evaluation.cases import failed_phantoms, write_gallery
from egma.evaluation.films import ScoredFilms
from egma.evaluation.gate import gate_figures, is_flagged
from egma.evaluation.grounding import BoxedFinding, box_mask, point_at_phantoms, pointing_figures
from egma.evaluation.intervals import share_figure
from egma.evaluation.lungs import guess_hits, guess_lung_centers, lung_centers
from egma.evaluation.pictures import draw_cases, draw_reliability
from egma.evaluation.reliability import calibration_figure, reliability_bins
from egma.testing.models import tiny_engine
from egma.testing.phantoms import build_phantom, build_phantoms


def test_a_share_has_wilsons_interval_and_stays_honest_at_its_ends() -> None:
    half = share_figure(50, 100)
    assert (half.value, half.n) == (0.5, 100)
    assert (half.low, half.high) == pytest.approx((0.4038, 0.5962), abs=1e-3)
    sure = share_figure(29, 29)
    assert sure.high == 1.0 and 0.85 < sure.low < 0.9
    assert np.isnan(share_figure(0, 0).value)


def test_the_view_check_flags_what_is_no_chest_film_and_what_is_inverted() -> None:
    figures = gate_figures([], None)
    assert set(figures) <= {"not_chest_flagged"}
    if figures:
        assert figures["not_chest_flagged"].value >= 0.9
    pixels = build_phantom(4).study.pixels
    assert is_flagged(1 - pixels)


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_lungs_are_guessed_where_a_phantom_has_them(seed: int) -> None:
    phantom = build_phantom(seed, size=(256, 232))
    for side, (x, y) in guess_lung_centers(phantom.study.pixels).items():
        true_x, true_y = lung_centers(phantom.lungs)[side]
        assert abs(x - true_x) < 0.12 * 232 and abs(y - true_y) < 0.15 * 256


def test_a_guess_follows_the_side_named_and_halves_without_one() -> None:
    mask = np.zeros((10, 10), bool)
    mask[:, 5:] = True
    centers = {"left": (7.5, 5.0), "right": (2.5, 5.0)}
    assert guess_hits(mask, centers, "left") == 1.0
    assert guess_hits(mask, centers, "right") == 0.0
    assert guess_hits(mask, centers, "") == 0.5


def test_a_box_covers_its_share_of_any_film() -> None:
    mask = box_mask(BoxedFinding("film.jpg", "Mass", ((0.25, 0.5, 0.5, 0.25),)), (8, 4))
    assert mask.sum() == 4 and mask[4:6, 1:3].all()


def test_pointing_on_phantoms_has_every_guess_and_both_means() -> None:
    engine, phantoms = tiny_engine(), list(build_phantoms(6, 5, (128, 128)))
    points = point_at_phantoms(engine, phantoms)
    figures = pointing_figures(points)
    assert {"hit", "centre", "lungs", "usual", "inside", "outside", "gap"} <= set(figures)
    assert figures["gap"].value == pytest.approx(figures["inside"].value - figures["outside"].value)
    missed = failed_phantoms(engine, phantoms, points)
    assert len({case.title for case in missed}) == len(missed) <= 6
    assert all(case.pixels is not None for case in missed)


def films(probability: float) -> ScoredFilms:
    rng = np.random.default_rng(0)
    present = rng.random((400, 2)) < 0.3
    return ScoredFilms(present, np.full(present.shape, probability), np.arange(400).astype(str))


def test_reliability_says_how_often_what_was_said_is_so() -> None:
    (only,) = reliability_bins(films(0.3))
    assert only.mean == pytest.approx(0.3)
    assert only.share.low < 0.3 < only.share.high
    assert calibration_figure(films(0.3)).value < 0.04 < 0.5 < calibration_figure(films(0.9)).value


def test_equal_figures_give_equal_pictures() -> None:
    bins = [{"probability": 0.1, "value": 0.2, "low": 0.1, "high": 0.3, "n": 12}]
    assert draw_reliability(bins) == draw_reliability(bins)
    assert draw_reliability(bins) != draw_reliability([{**bins[0], "value": 0.25}])
    assert draw_cases([]).startswith(b"\x89PNG")


def test_a_gallery_of_patients_films_is_refused_inside_the_project(tmp_path: Path) -> None:
    engine, study = tiny_engine(), build_phantom(3, size=(128, 128)).study
    scored = ScoredFilms(np.ones((1, 15), bool), np.full((1, 15), 0.2), np.array(["a"]))
    inside = Path(__file__).resolve().parents[2] / "checkpoints" / "gallery"
    with pytest.raises(SettingsError, match="outside the project"):
        write_gallery(engine, [study], scored, [], inside)
    assert not inside.exists()
    assert write_gallery(engine, [study], scored, [], tmp_path / "gallery") == 15
    assert len(list((tmp_path / "gallery").glob("*.png"))) == 15
