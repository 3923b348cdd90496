"""The losses against the equations worked through study by study in plain NumPy, and against figures done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from egma.model import losses
from tests.model import loss_reference as reference
from tests.model.loss_batches import LossBatch, build_batch

SHAPES = {
    "ragged": {"counts": (3, 1, 4, 2), "gazed": (True, False, True, False), "patches": 6},
    "one sentence each": {"counts": (1, 1, 1), "gazed": (True, False, True), "patches": 5},
    "one patch": {"counts": (2, 1, 3), "gazed": (True, True, False), "patches": 1},
    "one study": {"counts": (3,), "gazed": (True,), "patches": 4},
    "no gaze": {"counts": (2, 3), "gazed": (False, False), "patches": 4},
    "a study without a sentence": {"counts": (2, 0, 3), "gazed": (True, True, False), "patches": 4},
}
shapes = pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES.keys())


def unit(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


# Against the reference


@shapes
def test_instance_similarity_follows_its_equations(shape: dict) -> None:
    batch = build_batch(**shape)
    i2t, t2i = losses.instance_similarity(batch.patches, batch.sentences, batch.mask, 7.0)
    wanted_i2t, wanted_t2i = reference.instance_similarity(batch.studies(), 7.0)
    np.testing.assert_allclose(i2t.detach(), wanted_i2t, atol=1e-12)
    np.testing.assert_allclose(t2i.detach(), wanted_t2i, atol=1e-12)


@shapes
def test_the_contrastive_loss_follows_its_equation(shape: dict) -> None:
    batch = build_batch(**shape)
    found = losses.contrastive_loss(*losses.instance_similarity(batch.patches, batch.sentences, batch.mask, 7.0))
    assert found.item() == pytest.approx(reference.contrastive(batch.studies(), 7.0), abs=1e-12)


@shapes
def test_gaze_alignment_follows_its_equation(shape: dict) -> None:
    batch = build_batch(**shape)
    found = losses.gaze_alignment_loss(
        batch.patches, batch.sentences, batch.mask, batch.labels, batch.has_gaze, 7.0, text_weight=0.6
    )
    assert found.item() == pytest.approx(reference.alignment(batch.studies(), 7.0, 0.6), abs=1e-12)


@shapes
def test_gaze_mapping_follows_its_equations_study_by_study(shape: dict) -> None:
    batch = build_batch(**shape)
    for study in (study for study in batch.studies() if len(study.sentences)):
        gaze = torch.tensor(study.gaze) if study.gazed else None
        found = losses.gaze_mapping(torch.tensor(study.patches), torch.tensor(study.sentences), gaze)
        for mine, wanted in zip(found, reference.mapping(study)):
            np.testing.assert_allclose(mine, wanted, atol=1e-12)


@shapes
def test_the_gaze_mapping_loss_follows_its_equation(shape: dict) -> None:
    batch = build_batch(**shape)
    found = losses.gaze_mapping_loss(
        batch.patches, batch.sentences, batch.mask, batch.gaze, batch.has_gaze, 7.0, text_weight=0.4
    )
    assert found.item() == pytest.approx(reference.mapping_loss(batch.studies(), 7.0, 0.4), abs=1e-12)


@shapes
def test_the_total_is_the_weighted_sum_of_the_three_losses(shape: dict) -> None:
    batch = build_batch(**shape)
    weights = losses.LossWeights(contrastive=0.5, gaze_alignment=2.0, gaze_mapping=3.0)
    terms = losses.egma_loss(batch.patches, batch.sentences, batch.mask, batch.gaze, batch.has_gaze, 7.0, weights, 0.4)
    labels = losses.binarise_gaze(batch.gaze, 0.4)
    shared = (batch.patches, batch.sentences, batch.mask)
    alone = (
        losses.contrastive_loss(*losses.instance_similarity(*shared, 7.0)),
        losses.gaze_alignment_loss(*shared, labels, batch.has_gaze, 7.0),
        losses.gaze_mapping_loss(*shared, batch.gaze, batch.has_gaze, 7.0),
    )
    torch.testing.assert_close((terms.contrastive, terms.gaze_alignment, terms.gaze_mapping), alone)
    torch.testing.assert_close(terms.total, 0.5 * alone[0] + 2.0 * alone[1] + 3.0 * alone[2])


def test_label_alignment_follows_medclips_released_code() -> None:
    generator = np.random.default_rng(3)
    images, sentences = generator.normal(size=(4, 5)), generator.normal(size=(6, 5))
    image_labels, sentence_labels = generator.integers(-1, 2, (4, 3)), generator.integers(-1, 2, (6, 3))
    found = losses.label_alignment_loss(*map(torch.tensor, (images, sentences, image_labels, sentence_labels)), 7.0)
    wanted = reference.label_alignment(images, sentences, image_labels, sentence_labels, 7.0)
    assert found.item() == pytest.approx(wanted, abs=1e-12)


# By hand


def test_a_worked_pair_of_studies_has_the_similarities_done_by_hand() -> None:
    patches = torch.stack([unit((1, 0), (0, 1)), unit((0.6, 0.8), (0.8, 0.6))])
    sentences = torch.stack([unit((1, 0), (0, 0)), unit((0, 1), (1, 0))])
    mask = torch.tensor([[True, False], [True, True]])
    i2t, t2i = losses.instance_similarity(patches, sentences, mask, 10.0)
    # Film 0 sees its only sentence in patch 0 (1) and not in patch 1 (0): mean 0.5. Film 1: 0.6 and 0.8. Report 1 has
    # a best sentence for each patch: 1, 1 on film 0 and 0.8, 0.8 on film 1.
    torch.testing.assert_close(i2t, unit((5, 10), (7, 8)))
    torch.testing.assert_close(t2i, unit((10, 10), (8, 8)))
    rows = math.log1p(math.exp(10 - 5)) + math.log1p(math.exp(7 - 8))
    columns = math.log1p(math.exp(8 - 10)) + math.log1p(math.exp(10 - 8))
    assert losses.contrastive_loss(i2t, t2i).item() == pytest.approx((rows + columns) / 4)


def test_a_worked_row_of_gaze_alignment_has_the_loss_done_by_hand() -> None:
    patches, sentences = unit((1, 0), (0, 1))[None], unit((1, 0))[None]
    labels = torch.tensor([[[True, False]]])
    found = losses.gaze_alignment_loss(
        patches, sentences, torch.ones(1, 1, dtype=torch.bool), labels, torch.tensor([True]), 2.0
    )
    near, far = math.log1p(math.exp(-2)), math.log(2)
    assert found.item() == pytest.approx(0.8 * (far + near) + 0.2 * (near + far) / 2)


def test_worked_weights_of_the_mapping_are_those_done_by_hand() -> None:
    patches, sentences = unit((1, 0), (0.8, 0.6), (0, 1)), unit((1, 0), (0, 1))
    text, image = losses.gaze_mapping(patches, sentences)
    # Rows over patches: (1, 0.8, 0) and (0, 0.6, 1), all at least 2/7 or 0. Over sentences: (1, 0), (1, 0), (0, 1).
    torch.testing.assert_close(text[0], (1.01 * patches[0] + 0.81 * patches[1] + 0.01 * patches[2]) / 1.83)
    torch.testing.assert_close(text[1], (0.01 * patches[0] + 0.61 * patches[1] + 1.01 * patches[2]) / 1.63)
    torch.testing.assert_close(image, unit((1.01, 0.01), (1.01, 0.01), (0.01, 1.01)) / 1.02)


def test_gaze_is_averaged_in_on_both_sides_with_its_own_threshold() -> None:
    patches, sentences = unit((1, 0), (0.8, 0.6), (0, 1)), unit((1, 0), (0, 1))
    gaze = unit((0.0, 0.0, 1.0), (0.0, 0.0, 0.2))
    text, image = losses.gaze_mapping(patches, sentences, gaze)
    # Halves: (0.5, 0.4, 0.5) and (0, 0.3, 0.6); below 3/7 goes. Over sentences: (0.5, 0), (0.5, 0), (0.5, 0.6).
    torch.testing.assert_close(text[0], (0.51 * patches[0] + 0.01 * patches[1] + 0.51 * patches[2]) / 1.03)
    torch.testing.assert_close(text[1], (0.01 * patches[0] + 0.01 * patches[1] + 0.61 * patches[2]) / 0.63)
    torch.testing.assert_close(image[0], unit((0.51, 0.01))[0] / 0.52)
    torch.testing.assert_close(image[2], unit((0.51, 0.61))[0] / 1.12)


def test_a_weight_equal_to_the_threshold_stays() -> None:
    patches, sentences = unit((1, 0), (0.5, 0.75**0.5), (0, 1)), unit((1, 0), (0, 1))
    kept, _ = losses.gaze_mapping(patches, sentences, threshold=0.5)
    dropped, _ = losses.gaze_mapping(patches, sentences, threshold=math.nextafter(0.5, 1))
    torch.testing.assert_close(kept[0], (1.01 * patches[0] + 0.51 * patches[1] + 0.01 * patches[2]) / 1.53)
    torch.testing.assert_close(dropped[0], (1.01 * patches[0] + 0.01 * patches[1] + 0.01 * patches[2]) / 1.03)


def test_with_one_sentence_the_patches_stand_for_themselves() -> None:
    patches = unit((1, 0), (0, 1))
    text, image = losses.gaze_mapping(patches, unit((1, 0)))
    torch.testing.assert_close(image, patches)
    torch.testing.assert_close(text, unit((1.01, 0.01)) / 1.02)
    one = torch.ones(1, 1, dtype=torch.bool)
    found = losses.gaze_mapping_loss(
        patches[None], unit((1, 0))[None], one, torch.zeros(1, 1, 2), torch.tensor([False]), 10.0
    )
    assert found.item() == pytest.approx(0.3 * 2 * (0.01 / 1.02) ** 2)


def test_constant_rows_scale_to_zero_and_weigh_all_patches_alike() -> None:
    patches = torch.tensor([[0.6, 0.8]] * 3, dtype=torch.float64)
    text, image = losses.gaze_mapping(patches, unit((1, 0), (0, 1)))
    torch.testing.assert_close(text, patches[:2])
    torch.testing.assert_close(image, unit((0.01, 1.01)).expand(3, 2) / 1.02)


def test_rounding_is_no_structure() -> None:
    patches = torch.nn.functional.normalize(torch.randn(1, 384, generator=torch.Generator().manual_seed(0)), dim=-1)
    almost = patches.repeat(9, 1) * (1 + 1e-7 * torch.arange(9)[:, None])
    text, _ = losses.gaze_mapping(almost, patches)
    torch.testing.assert_close(text, almost.mean(dim=0, keepdim=True), rtol=1e-6, atol=1e-7)


# Gaze labels and who has them


def test_labels_are_a_share_of_each_sentences_own_peak() -> None:
    heat = torch.tensor([[[0.0, 1.0, 2.0, 4.0], [0.0, 0.1, 0.05, 0.0], [0.0, 0.0, 0.0, 0.0]]])
    wanted = torch.tensor([[[0, 0, 1, 1], [0, 1, 1, 0], [0, 0, 0, 0]]], dtype=torch.bool)
    assert torch.equal(losses.binarise_gaze(heat, 0.5), wanted)
    assert torch.equal(losses.binarise_gaze(heat, 0.0), heat > 0)
    assert torch.equal(losses.binarise_gaze(heat, 1.0)[0, 0], torch.tensor([False, False, False, True]))


@pytest.mark.parametrize("threshold", [-0.1, 1.1, float("nan")])
def test_a_threshold_that_is_no_share_is_refused(threshold: float) -> None:
    with pytest.raises(ValueError, match="share of the peak"):
        losses.binarise_gaze(torch.ones(1, 1, 2), threshold)


def test_who_was_recorded_may_be_said_per_study_or_per_sentence() -> None:
    batch = build_batch(counts=(3, 2), gazed=(True, False), patches=4)
    per_sentence = batch.has_gaze[:, None].expand_as(batch.mask)
    shared = (batch.patches, batch.sentences, batch.mask)
    for loss, gaze in ((losses.gaze_alignment_loss, batch.labels), (losses.gaze_mapping_loss, batch.gaze)):
        torch.testing.assert_close(
            loss(*shared, gaze, batch.has_gaze, 7.0), loss(*shared, gaze, per_sentence, 7.0), rtol=0, atol=0
        )


def test_a_sentence_without_gaze_has_none_whatever_its_row_holds() -> None:
    batch = build_batch(counts=(3,), gazed=(True,), patches=4)
    recorded = torch.tensor([[True, False, True]])
    found = losses.gaze_alignment_loss(batch.patches, batch.sentences, batch.mask, batch.labels, recorded, 7.0)
    pair = [0, 2]
    alone = losses.gaze_alignment_loss(
        batch.patches, batch.sentences[:, pair], batch.mask[:, pair], batch.labels[:, pair], batch.has_gaze, 7.0
    )
    torch.testing.assert_close(found, alone)
    garbage = batch.gaze.clone()
    garbage[0, 1] = torch.nan
    shared = (batch.patches, batch.sentences, batch.mask)
    torch.testing.assert_close(
        losses.gaze_mapping_loss(*shared, garbage, recorded, 7.0),
        losses.gaze_mapping_loss(*shared, batch.gaze, recorded, 7.0),
    )


# Shapes that do not belong together


def refused(batch: LossBatch, **changed: Tensor) -> pytest.RaisesExc:
    given = {
        "patches": batch.patches,
        "sentences": batch.sentences,
        "sentence_mask": batch.mask,
        "gaze": batch.gaze,
        "has_gaze": batch.has_gaze,
    }
    with pytest.raises(ValueError) as caught:
        losses.gaze_mapping_loss(**(given | changed), scale=7.0)
    return caught


def test_shapes_that_would_broadcast_into_a_wrong_loss_are_refused() -> None:
    batch = build_batch(counts=(3, 2), gazed=(True, False), patches=4)
    assert "(B, N, D), (B, M, D) and (B, M)" in str(refused(batch, sentence_mask=batch.mask[:, :1]).value)
    assert "(B, N, D), (B, M, D) and (B, M)" in str(refused(batch, patches=batch.patches[:1]).value)
    assert "one row of patches a sentence" in str(refused(batch, gaze=batch.gaze[:, :, :1]).value)
    assert "has_gaze must be (2,) or (2, 3)" in str(refused(batch, has_gaze=torch.ones(2, 1)).value)
    with pytest.raises(ValueError, match="must both be"):
        losses.contrastive_loss(torch.ones(2, 2), torch.ones(2, 3))
    with pytest.raises(ValueError, match="M at least 1"):
        losses.gaze_mapping(torch.ones(4, 2), torch.ones(0, 2))
    with pytest.raises(ValueError, match=r"\(I, D\), \(T, D\), \(I, F\), \(T, F\)"):
        losses.label_alignment_loss(torch.ones(2, 4), torch.ones(3, 4), torch.ones(3, 5), torch.ones(3, 5), 1.0)
    with pytest.raises(ValueError, match="at least one image"):
        losses.label_alignment_loss(torch.ones(0, 4), torch.ones(3, 4), torch.ones(0, 5), torch.ones(3, 5), 1.0)
