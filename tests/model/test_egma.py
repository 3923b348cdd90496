"""The whole model: unit vectors, batch order, temperature, and heads that refuse what does not fit."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from egma.config import HeadConfig
from egma.errors import CheckpointError
from egma.model import build_model
from egma.model.egma import MAX_LOGIT_SCALE, MlpProjection
from egma.model.heads import build_heads, unit
from egma.testing.models import build_tiny_config, build_tiny_model

SENTENCES = ["Left pleural effusion.", "No pneumothorax is seen.", "Heart."]


def films(count: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 128, 128, generator=torch.Generator().manual_seed(seed))


def test_every_vector_is_unit_and_float32() -> None:
    model = build_tiny_model()
    found = model.embed_images(films(2))
    for vectors in (found.globals, *found.grids, model.embed_tokens(model.tokenize(SENTENCES))):
        assert vectors.dtype == torch.float32
        torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(vectors.shape[:-1]), atol=1e-5, rtol=0)
    assert [tuple(grid.shape) for grid in found.grids] == [(2, 16, 16, 32), (2, 8, 8, 32)]
    assert found.patches(1).shape == (2, 64, 32)


def test_permuting_a_batch_permutes_its_vectors() -> None:
    model = build_tiny_model()
    order = torch.tensor([2, 0, 1])
    pixels = films(3)
    straight, permuted = model.embed_images(pixels), model.embed_images(pixels[order])
    torch.testing.assert_close(straight.globals[order], permuted.globals, atol=1e-6, rtol=0)
    torch.testing.assert_close(straight.grids[0][order], permuted.grids[0], atol=1e-6, rtol=0)


def test_padded_and_single_sentences_agree() -> None:
    model = build_tiny_model()
    together = model.embed_tokens(model.tokenize(SENTENCES))
    alone = torch.cat([model.embed_tokens(model.tokenize([sentence])) for sentence in SENTENCES])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_constant_film_stays_finite(value: float) -> None:
    found = build_tiny_model().embed_images(torch.full((1, 128, 128), value))
    assert all(torch.isfinite(vectors).all() for vectors in (found.globals, *found.grids))


def test_the_temperature_starts_at_the_papers_value_and_is_kept_in_bounds() -> None:
    model = build_tiny_model()
    assert float(model.scale) == pytest.approx(1 / 0.07)
    model.logit_scale.data.fill_(9.0)
    assert float(model.scale) == pytest.approx(100.0)
    model.clamp_logit_scale()
    assert float(model.logit_scale) == pytest.approx(MAX_LOGIT_SCALE)
    model.logit_scale.data.fill_(-3.0)
    model.clamp_logit_scale()
    assert math.exp(float(model.logit_scale)) == 1.0


def test_pixels_are_normalised_by_the_model_itself() -> None:
    model = build_tiny_model()
    normalised = model.normalize(torch.full((1, 4, 4), 0.75))
    assert normalised.shape == (1, 3, 4, 4)
    torch.testing.assert_close(normalised, torch.ones(1, 3, 4, 4))


def test_linear_heads_share_the_last_layer_with_the_pooled_token() -> None:
    model = build_model(replace(build_tiny_config(), heads=HeadConfig("linear", drawn=1)))
    features = model.image(model.normalize(films(1)))
    found = model.heads(features)
    wanted = unit(features.pooled @ model.heads.layers[1].weight.T)
    torch.testing.assert_close(found.globals, wanted)
    torch.testing.assert_close(
        found.grids[1][0, 2, 3], unit(features.stages[1][0, :, 2, 3] @ model.heads.layers[1].weight.T)
    )
    assert model.drawn == 1


def test_the_fine_grid_of_a_pyramid_hears_the_coarse_stage() -> None:
    model = build_tiny_model()
    features = model.image(model.normalize(films(1)))
    before = model.heads(features).grids[0]
    features.stages[1][:] += 1.0
    assert float((model.heads(features).grids[0] - before).abs().max()) > 1e-3


def test_the_mlp_projection_starts_as_its_skip() -> None:
    projection = MlpProjection(8, 4)
    features = torch.randn(3, 8)
    torch.testing.assert_close(projection(features), projection.skip(features))


def test_gradients_reach_towers_heads_projection_and_temperature() -> None:
    model = build_model(build_tiny_config())
    images, texts = model(films(2), model.tokenize(SENTENCES[:2]))
    ((images.patches() @ texts.T).sum() * model.scale + images.globals.sum() + images.grids[1].sum()).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())


@pytest.mark.parametrize(
    ("heads", "channels", "pooled", "words"),
    [
        (HeadConfig("pyramid"), (8, 8, 8), 8, "exactly 2 stages"),
        (HeadConfig("linear"), (8, 16), 8, "share a layer"),
        (HeadConfig("own"), (8,), 8, "embed_dim 32"),
        (HeadConfig("linear", drawn=2), (8, 16), 16, "heads.drawn"),
    ],
)
def test_heads_that_do_not_fit_their_tower_are_refused(
    heads: HeadConfig, channels: tuple[int, ...], pooled: int, words: str
) -> None:
    with pytest.raises(CheckpointError, match=words):
        build_heads(heads, channels, pooled, 32)
