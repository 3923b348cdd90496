"""The parts of the recipe: changes of films, phrases, places, phantoms, calibration."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from egma.data.labels import label_sentence
from egma.findings import FINDINGS
from egma.finetune.mini.augment import PLAIN, Augmentation, augment, warp
from egma.finetune.mini.calibrate import fit_calibration, fit_spread, fit_threshold
from egma.finetune.mini.features import embed_films
from egma.finetune.mini.heads_losses import best_patches
from egma.finetune.mini.phantoms import build_phantom_set
from egma.finetune.mini.phrases import label_phrases, write_phrases
from egma.finetune.mini.places import side_and_zone_mask
from egma.finetune.mini.teacher import soft_answers, start_film_vector
from egma.finetune.mini.trunk import renew_statistics, trained_tensors
from egma.finetune.mini.trunks import join_trunks, split_trunks
from egma.model.egma import EgmaModel
from egma.testing.models import build_tiny_config, build_tiny_model


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


def test_a_calibration_on_few_positives_wanders_farther_than_one_on_many() -> None:
    rng = np.random.default_rng(0)
    spreads = {}
    for films in (60, 600):
        present = rng.random((films, 15)) < 0.2
        differences = (present * 0.2 + rng.normal(0, 0.1, present.shape)).astype(np.float32)
        spread = fit_spread(differences, present, np.ones_like(present), np.full(15, 0.2), np.arange(films))
        assert spread.shape == (15, 3) and (spread[:, 0] * spread[:, 2] >= spread[:, 1] ** 2).all()
        spreads[films] = spread[:, 2].mean()
    assert spreads[60] > 2 * spreads[600]


def test_a_threshold_parts_what_can_be_parted() -> None:
    present = np.arange(40) >= 30
    threshold, unsure = fit_threshold(np.linspace(0, 1, 40), present, 0.25)
    assert 0.7 <= threshold <= 0.85
    assert unsure is not None and unsure[0] <= threshold <= unsure[1]
    assert fit_threshold(np.linspace(0, 1, 40), np.zeros(40, bool), 0.05) == (0.05, None)


def test_the_best_patches_of_a_flat_map_are_the_map() -> None:
    assert torch.allclose(best_patches(torch.full((2, 400, 3), 0.3)), torch.full((2, 3), 0.3))


def tiny_side_by_side() -> EgmaModel:
    """A model of two tiny trunks that look at a film together."""
    config = build_tiny_config()
    config = replace(config, image=replace(config.image, name="tiny+tiny"), heads=replace(config.heads, groups=2))
    return build_tiny_model(3, config)


def test_trunks_side_by_side_see_what_each_sees_alone() -> None:
    model = tiny_side_by_side()
    parts = split_trunks(model)
    alone = [build_tiny_model(0) for _ in parts]
    for each, tensors in zip(alone, parts):
        each.load_state_dict(tensors, strict=False)
    film = torch.rand(1, 3, 128, 128, generator=generator())
    together, apart = model.image(film), [each.image(film) for each in alone]
    for stage, pair in zip(together.stages, zip(*(each.stages for each in apart))):
        torch.testing.assert_close(stage, torch.cat(pair, dim=1))
    wide = model.heads.widen(together.stages[-1])
    expected = [each.heads.widen(found.stages[-1]) for each, found in zip(alone, apart)]
    torch.testing.assert_close(wide, torch.cat(expected, dim=1))
    joined = join_trunks(parts)
    assert all(torch.equal(joined[name], tensor) for name, tensor in trained_tensors(model).items())


def test_a_films_vector_starts_as_the_mean_answer_of_the_trunks_layers() -> None:
    model = tiny_side_by_side()
    films = np.random.default_rng(0).integers(0, 256, (24, 128, 128), dtype=np.uint8)
    features = embed_films(model, films, 1, exact=True)
    width = model.heads.global_out.in_features // 4
    layers = [(torch.randn(15, 2 * width, generator=generator()), torch.zeros(15)) for _ in range(2)]
    answers = soft_answers(model, features, layers)
    assert answers is not None and answers.shape == (1, 24, 15)
    assert start_film_vector(model, features, layers, seed=0)
    with torch.inference_mode():
        globals_ = model.heads(features.pick(0, np.arange(24), torch.device("cpu"))).globals
    axes = torch.linalg.qr(torch.randn(32, 16, generator=generator()))[0]
    along = (globals_ @ axes[:, :15]).numpy()
    for column in range(15):
        assert np.corrcoef(along[:, column], answers[0][:, column])[0, 1] > 0.8
    assert not start_film_vector(model, features, [None, None], seed=0)


def test_statistics_taken_anew_fit_the_films_that_the_engine_sees() -> None:
    films = np.random.default_rng(1).integers(100, 200, (70, 32, 32), dtype=np.uint8)

    class Net(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = torch.nn.BatchNorm2d(1)

        def forward(self, pixels: torch.Tensor) -> torch.Tensor:
            return self.norm(pixels[:, None])

    net = Net().eval()
    renew_statistics(net, films, 32)
    assert net.norm.running_mean.item() == pytest.approx(films.mean() / 255, abs=2e-3)
    assert not net.norm.training and net.norm.momentum == 0.1
