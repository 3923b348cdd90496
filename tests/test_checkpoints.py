"""Checkpoints: written whole or not at all, read only where every name, shape and hash fits."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from egma.checkpoints import (
    CARD_NAME,
    CONFIG_NAME,
    WEIGHTS_NAME,
    Checkpoint,
    is_stored,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from egma.errors import CheckpointError
from egma.inference.engine import load_engine
from egma.model.build import load_model
from egma.model.presets import build_mini_config
from egma.testing.models import build_tiny_model


@pytest.fixture
def saved(tmp_path: Path) -> Checkpoint:
    model = build_tiny_model(seed=3)
    return save_checkpoint(model, model.config, tmp_path / "tiny-3", "# A card\n")


def folder_of(checkpoint: Checkpoint) -> Path:
    assert checkpoint.folder is not None
    return checkpoint.folder


def edit_config(checkpoint: Checkpoint, **changes: object) -> None:
    path = folder_of(checkpoint) / CONFIG_NAME
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_is_saved_is_what_is_loaded(saved: Checkpoint) -> None:
    loaded = load_checkpoint(folder_of(saved))
    assert loaded.config == saved.config
    assert loaded.hash == saved.hash
    assert len(loaded.hash) == 64
    assert loaded.card == "# A card\n"
    wanted = build_tiny_model(seed=3).state_dict()
    for name, tensor in load_model(loaded).state_dict().items():
        assert torch.equal(tensor, wanted[name]), name


def test_the_hash_names_weights_and_config(saved: Checkpoint, tmp_path: Path) -> None:
    other_weights = save_checkpoint(build_tiny_model(seed=4), saved.config, tmp_path / "b", "")
    edit_config(saved, display_range=[0.0, 0.25])
    assert len({saved.hash, other_weights.hash, load_checkpoint(folder_of(saved)).hash}) == 3


def test_the_spelling_of_config_json_does_not_change_the_hash(saved: Checkpoint) -> None:
    path = folder_of(saved) / CONFIG_NAME
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True, indent=7))
    assert load_checkpoint(folder_of(saved)).hash == saved.hash


def test_a_missing_tensor_is_named_with_the_shape_wanted(saved: Checkpoint) -> None:
    path = folder_of(saved) / WEIGHTS_NAME
    tensors = load_file(path)
    del tensors["heads.fine_out.weight"]
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=r"heads\.fine_out\.weight of shape \(32, 16\) is missing"):
        load_engine(folder_of(saved))


def test_an_unknown_tensor_is_named(saved: Checkpoint) -> None:
    path = folder_of(saved) / WEIGHTS_NAME
    save_file({**load_file(path), "word_local_atten_layer.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(CheckpointError, match=r"word_local_atten_layer\.weight of shape \(2, 2\) is unknown"):
        load_engine(folder_of(saved))


def test_a_tensor_of_another_shape_is_named_with_both_shapes(saved: Checkpoint) -> None:
    edit_config(saved, embed_dim=48)
    with pytest.raises(CheckpointError, match=r"has shape \(32, \d+\), wanted \(48, \d+\)|has shape \(32,\), wanted"):
        load_engine(folder_of(saved))


def test_weights_that_are_not_the_configs_own_are_refused_by_hash(saved: Checkpoint) -> None:
    path = folder_of(saved) / WEIGHTS_NAME
    save_file({name: tensor + 1 for name, tensor in load_file(path).items()}, path)
    for load in (load_checkpoint, load_engine):
        with pytest.raises(CheckpointError, match=r"not the file config\.json was written with"):
            load(folder_of(saved))


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_a_partial_file_is_one_clear_sentence(saved: Checkpoint, keep: int) -> None:
    path = folder_of(saved) / WEIGHTS_NAME
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(CheckpointError, match="damaged or incomplete"):
        load_engine(folder_of(saved))


def test_a_pickle_in_the_weights_place_is_never_unpickled(saved: Checkpoint, tmp_path: Path) -> None:
    witness = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (str(witness),)

    (folder_of(saved) / WEIGHTS_NAME).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(CheckpointError, match="damaged or incomplete"):
        load_engine(folder_of(saved))
    assert not witness.exists()


def test_weights_that_are_not_finite_are_named(saved: Checkpoint) -> None:
    model = build_tiny_model()
    model.text_projection.weight.data[0, 0] = float("nan")
    broken = save_checkpoint(model, saved.config, folder_of(saved), "")
    with pytest.raises(CheckpointError, match=r"text_projection\.weight holds values that are not finite"):
        load_engine(folder_of(broken))


@pytest.mark.parametrize("name", ["../../etc", "../tiny-3", "a/../../b", "", "  ", "no\0name"])
def test_names_that_climb_are_refused(saved: Checkpoint, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder_of(saved).parent)
    with pytest.raises(CheckpointError, match=r"without '\.\.' in it"):
        load_checkpoint(name)


def test_an_unknown_name_says_which_there_are(saved: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EGMA_DATA", str(folder_of(saved).parent))
    folder_of(saved).rename(folder_of(saved).parent / "moved")
    (folder_of(saved).parent / "checkpoints").mkdir()
    (folder_of(saved).parent / "moved").rename(folder_of(saved).parent / "checkpoints" / "mine")
    with pytest.raises(CheckpointError, match=r"no checkpoint 'your' was found; found by name: .*mine"):
        load_checkpoint("your")
    assert "mine" in [info.name for info in list_checkpoints()]
    assert load_checkpoint("mine").hash == saved.hash


def test_a_folder_without_config_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"holds no config\.json"):
        load_checkpoint(tmp_path)


def test_a_missing_weights_file_is_said(saved: Checkpoint) -> None:
    (folder_of(saved) / WEIGHTS_NAME).unlink()
    with pytest.raises(CheckpointError, match=r"model\.safetensors is missing"):
        load_engine(folder_of(saved))


def test_saving_replaces_a_checkpoint_as_a_whole_and_leaves_nothing_behind(saved: Checkpoint) -> None:
    (folder_of(saved) / "stale.txt").write_text("old")
    again = save_checkpoint(build_tiny_model(seed=5), saved.config, folder_of(saved), "# New\n")
    assert again.hash != saved.hash
    assert sorted(path.name for path in folder_of(saved).iterdir()) == [CARD_NAME, CONFIG_NAME, WEIGHTS_NAME]
    assert [path.name for path in folder_of(saved).parent.iterdir()] == ["tiny-3"]


def test_a_save_that_fails_leaves_the_old_checkpoint(saved: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("egma.checkpoints.write_config", fail)
    with pytest.raises(OSError, match="disk full"):
        save_checkpoint(build_tiny_model(seed=5), saved.config, folder_of(saved), "")
    assert load_checkpoint(folder_of(saved)).hash == saved.hash
    assert [path.name for path in folder_of(saved).parent.iterdir()] == ["tiny-3"]


def test_a_folder_with_other_things_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years")
    model = build_tiny_model()
    with pytest.raises(CheckpointError, match="holds other things"):
        save_checkpoint(model, model.config, tmp_path / "home", "")
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years"


def test_a_published_text_trunk_is_referenced_and_what_was_trained_is_stored() -> None:
    config = build_mini_config(lora_rank=4)
    assert not is_stored("text.trunk.encoder.layer.0.attention.self.query.weight", config)
    assert is_stored("text.trunk.encoder.layer.0.attention.self.query.lora_up", config)
    assert is_stored("text_projection.skip.weight", config)
    assert is_stored("image.trunk.conv_stem.weight", config)
    assert is_stored("text.trunk.weight", build_tiny_model().config)


def test_an_engine_of_a_saved_checkpoint_answers_as_the_model_that_was_saved(saved: Checkpoint) -> None:
    from egma.testing import tiny_engine

    words = ["left pleural effusion"]
    assert (load_engine(folder_of(saved)).embed_texts(words) == tiny_engine(seed=3).embed_texts(words)).all()
