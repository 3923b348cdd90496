"""The parts of the recipe: changes of films, phrases, places, phantoms, calibration."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from egma.data.labels import label_sentence
from egma.findings import FINDINGS
from egma.finetune.mini.augment import PLAIN, Augmentation, augment, warp
from egma.finetune.mini.calibrate import fit_calibration, fit_display_range, fit_threshold
from egma.finetune.mini.heads_losses import best_patches
from egma.finetune.mini.phantoms import build_phantom_set
from egma.finetune.mini.phrases import label_phrases, write_phrases
from egma.finetune.mini.places import side_and_zone_mask


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_an_unchanged_film_stays_as_it_is() -> None:
    films = torch.randint(0, 256, (2, 16, 16), dtype=torch.uint8, generator=generator())
    same = augment(films, 16, PLAIN, generator())
    assert torch.allclose(same.pixels, films.float() / 255, atol=2e-4)
    assert not same.mirrored.any()


def test_a_mirrored_film_is_said_to_be_mirrored() -> None:
    films = torch.randint(0, 256, (3, 16, 16), dtype=torch.uint8, generator=generator())
    turned = augment(films, 16, Augmentation(0, 1, 0, 0, 0, 0, 0, mirror=1.0), generator())
    assert turned.mirrored.all()
    assert torch.allclose(turned.pixels, films.float().flip(2) / 255, atol=2e-4)


def test_masks_follow_their_film() -> None:
    films = torch.zeros(4, 64, 64, dtype=torch.uint8)
    films[:, 20:40, 30:50] = 255
    changed = augment(films, 64, Augmentation(10, 0.8, 0.05, 0, 0, 0, 0, 0.5), generator())
    followed = warp(films[:, None].float() / 255, changed.to_source, 64)[:, 0]
    assert torch.allclose(followed, changed.pixels, atol=2e-3)


def test_phrases_say_what_they_are_labelled() -> None:
    phrases = write_phrases(np.random.default_rng(0))
    labels = label_phrases(phrases)
    assert {FINDINGS[column] for column in np.flatnonzero((labels == 1).any(axis=0))} == set(FINDINGS)
    assert {FINDINGS[column] for column in np.flatnonzero((labels == -1).any(axis=0))} == set(FINDINGS)
    assert all(phrase.side in phrase.text.lower() for phrase in phrases)
    denied = [phrase.text for phrase in phrases if phrase.said == (("Effusion", -1),)]
    assert "No pleural effusion." in denied and "no pleural effusion" in denied


@pytest.mark.parametrize("finding", ["Effusion", "Pneumothorax", "Cardiomegaly", "Hernia", "Nodule"])
def test_the_labeller_and_the_phrases_never_contradict_each_other(finding: str) -> None:
    column = FINDINGS.index(finding)
    for phrase in write_phrases(np.random.default_rng(0)):
        wanted = dict(phrase.said).get(finding)
        if wanted is not None:
            assert label_sentence(phrase.text)[column] in (0, wanted), phrase.text


def test_the_patients_left_is_on_the_images_right() -> None:
    left, right = side_and_zone_mask("left", "", 20), side_and_zone_mask("right", "", 20)
    assert left[:, -1].all() and not left[:, 0].any()
    assert (left == right[:, ::-1]).all()
    upper = side_and_zone_mask("left", "upper", 20)
    assert upper[0, -1] and not upper[-1].any()


def test_simulated_gaze_lies_where_the_lesion_is() -> None:
    phantoms = build_phantom_set(8, 96, seed=3)
    inside, outside = [], []
    for place, findings in enumerate(phantoms.findings):
        for row in range(len(findings)):
            heat, mask = phantoms.gaze[place, row].astype(float), phantoms.masks[place, row] > 0
            inside.append(heat[mask].mean())
            outside.append(heat[~mask].mean())
    assert np.mean(inside) > 3 * np.mean(outside)


def test_a_normal_phantom_has_no_lesion_no_gaze_and_three_sentences() -> None:
    phantoms = build_phantom_set(6, 64, seed=1)
    normal = next(place for place, findings in enumerate(phantoms.findings) if not findings)
    assert not phantoms.masks[normal].any() and not phantoms.gaze[normal].any()
    assert len(phantoms.sentences[normal]) == 3
    assert phantoms.present[normal].tolist() == [name == "No Finding" for name in FINDINGS]


def test_calibration_learns_rates_and_keeps_the_order() -> None:
    rng = np.random.default_rng(0)
    present = rng.random((400, 15)) < 0.2
    differences = (present * 0.2 + rng.normal(0, 0.1, present.shape)).astype(np.float32)
    fitted = fit_calibration(differences, present, np.ones_like(present), np.full(15, 0.2))
    assert (fitted.scale > 0).all()
    assert fitted.probabilities(differences).mean() == pytest.approx(0.2, abs=0.03)


def test_a_finding_without_a_positive_is_calibrated_to_its_rate() -> None:
    differences = np.random.default_rng(0).normal(0, 0.1, (100, 15)).astype(np.float32)
    present = np.zeros((100, 15), bool)
    fitted = fit_calibration(differences, present, np.ones_like(present), np.full(15, 0.05))
    assert np.isfinite(fitted.scale).all() and (fitted.probabilities(differences).mean(axis=0) < 0.06).all()


def test_a_threshold_parts_what_can_be_parted() -> None:
    present = np.arange(40) >= 30
    threshold, unsure = fit_threshold(np.linspace(0, 1, 40), present, 0.25)
    assert 0.7 <= threshold <= 0.85
    assert unsure is not None and unsure[0] <= threshold <= unsure[1]
    assert fit_threshold(np.linspace(0, 1, 40), np.zeros(40, bool), 0.05) == (0.05, None)


def test_a_display_range_is_never_empty() -> None:
    low, high = fit_display_range(np.zeros(10, np.float32))
    assert low < high


def test_the_best_patches_of_a_flat_map_are_the_map() -> None:
    assert torch.allclose(best_patches(torch.full((2, 400, 3), 0.3)), torch.full((2, 3), 0.3))
