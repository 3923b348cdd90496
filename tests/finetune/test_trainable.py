"""What a preset trains, and that a checkpoint answers exactly as the model that was trained."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from egma.checkpoints import load_checkpoint, save_checkpoint
from egma.finetune.learner import Learner
from egma.finetune.settings import build_settings
from egma.finetune.trainable import export_model, load_trained, prepare_model, renew_heads, trained_state
from egma.model.build import build_model, load_model
from egma.model.egma import EgmaModel
from egma.testing.models import build_tiny_model

WORDS = ["Left pleural effusion.", "No pneumothorax is seen.", "The heart is enlarged."]


def answers(model: EgmaModel) -> tuple[torch.Tensor, torch.Tensor]:
    side = model.config.image.input_px
    films = torch.rand((2, side, side), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        return model.embed_images(films).grids[0], model.embed_tokens(model.tokenize(WORDS))


def stir(model: EgmaModel) -> None:
    """Move everything that is trained, as a training would."""
    generator = torch.Generator().manual_seed(2)
    moved = {
        name: tensor + 0.02 * torch.randn(tensor.shape, generator=generator)
        for name, tensor in trained_state(model).items()
    }
    load_trained(model, moved)


@pytest.mark.parametrize("preset", ["probe", "heads", "lora", "full"])
def test_a_tiny_models_export_answers_as_it_was_trained(preset: str) -> None:
    model = build_tiny_model()
    settings = build_settings(preset)
    prepare_model(model, settings)
    stir(model)
    trained = answers(model)
    config = export_model(model, settings)
    other = build_model(config)
    other.load_state_dict(model.state_dict())
    for now, then in zip(answers(other.eval()), trained):
        assert torch.allclose(now, then, atol=1e-5)


@pytest.fixture
def published() -> EgmaModel:
    """egma-mini, whose text trunk is only referenced."""
    try:
        return load_model(load_checkpoint("egma-mini"))
    except Exception as error:
        pytest.skip(f"egma-mini cannot be loaded here: {error}")


def test_text_adapters_become_deltas_that_answer_alike(published: EgmaModel) -> None:
    settings = build_settings("lora", {"lora_rank": 4})
    parts = prepare_model(published, settings)
    assert any(name.startswith("text.") for name in parts.towers)
    assert any(name.startswith("image.") for name in parts.towers)
    stir(published)
    trained = answers(published)
    config = export_model(published, settings)
    assert (config.text.lora_rank, config.text.trained) == (4, False)
    other = build_model(config)
    other.load_state_dict(published.state_dict())
    for now, then in zip(answers(other.eval()), trained):
        assert torch.allclose(now, then, atol=1e-4)


def test_a_text_trunk_that_was_trained_is_stored_with_the_checkpoint(published: EgmaModel, tmp_path: Path) -> None:
    settings = build_settings("full")
    prepare_model(published, settings)
    stir(published)
    trained = answers(published)
    config = export_model(published, settings)
    saved = save_checkpoint(published, config, tmp_path / "full", "# full\n")
    for now, then in zip(answers(load_model(saved)), trained):
        assert torch.allclose(now, then, atol=1e-4)


def test_the_probe_trains_the_last_layers_alone() -> None:
    model = build_tiny_model()
    parts = prepare_model(model, build_settings("probe"))
    assert {name.split(".")[1] for name in parts.heads} == {"fine_out", "coarse_out", "global_out"}
    assert set(trained_state(model)) == set(parts.heads)


def test_heads_leave_the_towers_and_what_belongs_to_the_trunk_alone() -> None:
    model = build_tiny_model()
    parts = prepare_model(model, build_settings("heads"))
    assert not parts.images and not parts.texts and "logit_scale" in parts.heads
    assert not any(name.startswith(("image.", "text.trunk", "heads.widen")) for name in trained_state(model))


def test_new_heads_follow_from_the_seed_and_forget_the_old_ones() -> None:
    first, second, third = (build_tiny_model() for _ in range(3))
    renew_heads(first, 0)
    renew_heads(second, 0)
    renew_heads(third, 1)
    weight = "heads.fine_out.weight"
    assert torch.equal(first.state_dict()[weight], second.state_dict()[weight])
    assert not torch.equal(first.state_dict()[weight], third.state_dict()[weight])
    assert not torch.equal(first.state_dict()[weight], build_tiny_model().state_dict()[weight])


@pytest.mark.parametrize(("grids", "chosen"), [("both", (0, 1)), ("fine", (0,)), ("coarse", (1,))])
def test_the_terms_are_taken_over_the_grids_asked_for(grids: str, chosen: tuple[int, ...]) -> None:
    settings = dataclasses.replace(build_settings("heads"), grids=grids)
    assert Learner(build_tiny_model(), settings).weights.grids == chosen
