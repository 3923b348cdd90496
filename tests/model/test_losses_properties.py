"""What must hold of the losses for every batch: padding, order, missing gaze, precision, gradients at the edges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from egma.model import losses
from tests.model.loss_batches import LossBatch, build_batch

GARBAGE = (0.0, 1e30, float("inf"), float("nan"))
few = settings(max_examples=25, deadline=None)


@st.composite
def batches(draw: Callable, recorded: st.SearchStrategy[bool] = st.booleans()) -> LossBatch:  # noqa: B008
    studies = draw(st.integers(1, 4))
    counts = draw(st.lists(st.integers(0, 4), min_size=studies, max_size=studies).filter(any))
    gazed = draw(st.lists(recorded, min_size=studies, max_size=studies))
    return build_batch(tuple(counts), tuple(gazed), draw(st.integers(1, 6)), seed=draw(st.integers(0, 999)))


def gradients(batch: LossBatch) -> tuple[Tensor, Tensor]:
    patches, sentences = torch.autograd.grad(sum(batch.losses()), (batch.patches, batch.sentences), allow_unused=True)
    return patches, sentences


@few
@given(batches(), st.integers(1, 3), st.sampled_from(GARBAGE))
def test_padding_is_invisible_in_values_and_gradients(batch: LossBatch, extra: int, garbage: float) -> None:
    def pad(values: Tensor, fill: float) -> Tensor:
        return torch.cat([values, values.new_full((len(values), extra, *values.shape[2:]), fill)], dim=1)

    wider = replace(
        batch,
        sentences=pad(batch.sentences.detach(), garbage).requires_grad_(),
        mask=pad(batch.mask, False),
        gaze=pad(batch.gaze, garbage),
        labels=pad(batch.labels, True),
    )
    torch.testing.assert_close(wider.losses(), batch.losses())
    before, after = gradients(batch), gradients(wider)
    torch.testing.assert_close(after[0], before[0])
    torch.testing.assert_close(after[1][:, :-extra], before[1])
    assert not after[1][~wider.mask].any()


@few
@given(batches(), st.randoms(use_true_random=False))
def test_a_permutation_of_the_batch_permutes_the_matrices_and_keeps_the_losses(batch: LossBatch, random) -> None:
    order = list(range(len(batch.mask)))
    random.shuffle(order)
    moved = LossBatch(**{name: value[order] for name, value in vars(batch).items()})
    before = losses.instance_similarity(batch.patches, batch.sentences, batch.mask, 7.0)
    after = losses.instance_similarity(moved.patches, moved.sentences, moved.mask, 7.0)
    torch.testing.assert_close(after, tuple(matrix[order][:, order] for matrix in before))
    torch.testing.assert_close(moved.losses(), batch.losses())


@few
@given(batches(), st.randoms(use_true_random=False))
def test_the_order_of_sentences_does_not_matter(batch: LossBatch, random) -> None:
    order = list(range(batch.mask.shape[1]))
    random.shuffle(order)
    by_sentence = ("sentences", "mask", "gaze", "labels")
    moved = replace(batch, **{name: getattr(batch, name)[:, order] for name in by_sentence})
    torch.testing.assert_close(moved.losses(), batch.losses())


@few
@given(batches(recorded=st.just(False)))
def test_without_gaze_alignment_is_exactly_zero_with_a_graph_and_mapping_ignores_the_heat(batch: LossBatch) -> None:
    _, alignment, mapping = batch.losses()
    assert alignment.item() == 0.0
    found = torch.autograd.grad(alignment, (batch.patches, batch.sentences))
    assert not any(gradient.any() for gradient in found)
    torch.testing.assert_close(replace(batch, gaze=batch.gaze * torch.nan).losses()[2], mapping, rtol=0, atol=0)


@few
@given(batches())
def test_the_gaze_losses_are_means_over_the_studies_that_count(batch: LossBatch) -> None:
    alone = [
        LossBatch(**{name: value[i : i + 1] for name, value in vars(batch).items()}) for i in range(len(batch.mask))
    ]
    told = [one for one in alone if one.mask.any()]
    seen = [one.losses()[1] for one in told if one.has_gaze.any()]
    torch.testing.assert_close(batch.losses()[1], torch.stack(seen).mean() if seen else batch.losses()[1] * 0)
    torch.testing.assert_close(batch.losses()[2], torch.stack([one.losses()[2] for one in told]).mean())


def alike(batch: LossBatch, name: str) -> LossBatch:
    values = getattr(batch, name).detach()
    return replace(batch, **{name: values[:, :1].nan_to_num(0.3).expand_as(values).clone().requires_grad_()})


def edge(**changed) -> LossBatch:
    given = {"counts": (3, 1, 2), "gazed": (True, True, False), "patches": 4, "dtype": torch.float32}
    return build_batch(**(given | changed))


EDGES = {
    "a study without a sentence": edge(counts=(0, 2, 1)),
    "no sentence at all": replace(edge(), mask=torch.zeros(3, 3, dtype=torch.bool)),
    "no gaze": edge(gazed=(False, False, False)),
    "gaze that is empty": replace(edge(), gaze=torch.zeros(3, 3, 4), labels=torch.zeros(3, 3, 4, dtype=torch.bool)),
    "gaze everywhere": replace(edge(), gaze=torch.ones(3, 3, 4), labels=torch.ones(3, 3, 4, dtype=torch.bool)),
    "one sentence": edge(counts=(1, 1, 1)),
    "one patch": edge(patches=1),
    "one patch and one sentence": edge(counts=(1,), gazed=(True,), patches=1),
    "one study": edge(counts=(2,), gazed=(True,)),
    "patches all alike": alike(edge(), "patches"),
    "sentences all alike": alike(edge(), "sentences"),
    "vectors of zeros": replace(edge(), patches=torch.zeros(3, 4, 5, requires_grad=True)),
}


@pytest.mark.parametrize("scale", [1.0, 100.0])
@pytest.mark.parametrize("batch", EDGES.values(), ids=EDGES.keys())
def test_values_and_gradients_are_finite_at_the_edges(batch: LossBatch, scale: float) -> None:
    t = torch.tensor(scale, requires_grad=True)
    for value in batch.losses(t):
        assert value.isfinite()
        found = torch.autograd.grad(value, (batch.patches, batch.sentences, t), retain_graph=True, allow_unused=True)
        assert all(gradient is None or gradient.isfinite().all() for gradient in found)


def test_a_batch_without_a_sentence_costs_nothing_and_keeps_its_graph() -> None:
    batch = EDGES["no sentence at all"]
    assert [value.item() for value in batch.losses()] == [0.0, 0.0, 0.0]
    found = torch.autograd.grad(sum(batch.losses()), (batch.patches, batch.sentences))
    assert not any(gradient.any() for gradient in found)


def test_a_report_without_a_sentence_is_marked_and_left_out_but_its_film_stays() -> None:
    batch = build_batch(counts=(2, 0, 1), gazed=(True,) * 3, patches=4)
    i2t, t2i = losses.instance_similarity(batch.patches, batch.sentences, batch.mask, 7.0)
    for matrix in (i2t, t2i):
        assert matrix[:, 1].isneginf().all()
        assert matrix[:, [0, 2]].isfinite().all()
    told = torch.tensor([0, 2])
    rows = torch.nn.functional.cross_entropy(i2t[told][:, told], torch.tensor([0, 1]))
    columns = torch.nn.functional.cross_entropy(t2i[:, told].T, told)
    torch.testing.assert_close(losses.contrastive_loss(i2t, t2i), (rows + columns) / 2)


@pytest.mark.parametrize("term", range(3), ids=["L_con", "L_EGF", "L_EGM"])
@pytest.mark.parametrize("counts", [(3, 1, 2), (1, 1, 1), (2, 0, 3)])
def test_gradients_are_the_derivatives(term: int, counts: tuple[int, ...]) -> None:
    batch = build_batch(counts=counts, gazed=(True, True, False), patches=4, seed=5)
    sentences = batch.sentences.detach().nan_to_num(0.5).requires_grad_()

    def value(patches: Tensor, sentences: Tensor, scale: Tensor) -> Tensor:
        return replace(batch, patches=patches, sentences=sentences).losses(scale)[term]

    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(value, (batch.patches, sentences, scale))


def test_gradients_of_label_alignment_are_the_derivatives() -> None:
    generator = torch.Generator().manual_seed(1)
    images, sentences = (torch.randn(n, 4, generator=generator, dtype=torch.float64).requires_grad_() for n in (3, 5))
    image_labels, sentence_labels = (torch.randint(-1, 2, (n, 6), generator=generator) for n in (3, 5))
    scale = torch.tensor(3.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda i, s, t: losses.label_alignment_loss(i, s, image_labels, sentence_labels, t), (images, sentences, scale)
    )


def test_label_alignment_is_lowest_where_embeddings_follow_the_labels() -> None:
    labels = torch.eye(4)[[0, 1, 2, 3, 0, 1]]
    followed = losses.label_alignment_loss(labels, labels, labels, labels, 1.0)
    crossed = losses.label_alignment_loss(labels, labels.roll(1, dims=1), labels, labels, 1.0)
    entropy = torch.distributions.Categorical(logits=labels @ labels.T).entropy().mean()
    torch.testing.assert_close(followed, entropy)
    assert crossed > followed


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_computed_in_float32_and_stays_close(dtype: torch.dtype) -> None:
    full = build_batch(counts=(3, 1, 4), gazed=(True, True, False), patches=9, width=64, dtype=torch.float32)
    half = replace(full, patches=full.patches.to(dtype), sentences=full.sentences.to(dtype), gaze=full.gaze.to(dtype))
    rounded = replace(half, patches=half.patches.float(), sentences=half.sentences.float(), gaze=half.gaze.float())
    torch.testing.assert_close(half.losses(), rounded.losses(), rtol=0, atol=0)
    torch.testing.assert_close(half.losses(), full.losses(), rtol=0.02, atol=0.005, check_dtype=False)
    found = torch.autograd.grad(sum(half.losses()), full.patches)[0]
    wanted = torch.autograd.grad(sum(full.losses()), full.patches)[0]
    assert torch.nn.functional.cosine_similarity(found.flatten(), wanted.flatten(), dim=0) > 0.99


def test_an_autocast_region_does_not_lower_the_precision() -> None:
    batch = build_batch(counts=(3, 1, 4), gazed=(True, True, False), patches=9, dtype=torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = batch.losses()
        total = losses.egma_loss(batch.patches, batch.sentences, batch.mask, batch.gaze, batch.has_gaze, 7.0).total
    torch.testing.assert_close(inside, batch.losses(), rtol=0, atol=0)
    assert total.dtype == torch.float32


@pytest.mark.parametrize(
    "scale",
    [torch.tensor(7.0), torch.tensor([7.0]), torch.tensor(7.0, dtype=torch.bfloat16)],
    ids=["0-d", "1-d", "bf16"],
)
def test_the_scale_may_be_a_number_or_a_tensor(scale: Tensor) -> None:
    batch = build_batch(counts=(3, 1), gazed=(True, False), patches=4, dtype=torch.float32)
    torch.testing.assert_close(batch.losses(scale), batch.losses(7.0))


def test_masks_may_be_numbers() -> None:
    batch = build_batch(counts=(3, 1), gazed=(True, False), patches=4)
    numbers = replace(
        batch, mask=batch.mask.long(), labels=batch.labels.double(), has_gaze=batch.has_gaze.to(torch.uint8)
    )
    torch.testing.assert_close(numbers.losses(), batch.losses(), rtol=0, atol=0)
