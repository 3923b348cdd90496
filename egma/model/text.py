"""Text towers from published encoders: tokens of a sentence, and one vector of them by the pooling a checkpoint names.

Texts are embedded without padding where it can be avoided: `tokenize` gives rows of their own lengths, `pad_tokens`
brings rows to one length for training. Padding never takes part in attention or pooling, so that a batch and a single
text agree.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from egma.compat import ensure_torchvision
from egma.config import TextTowerConfig
from egma.errors import CheckpointError
from egma.model.bert import build_bert
from egma.model.files import locate_files
from egma.model.lora import add_lora
from egma.model.outputs import TokenBatch
from egma.model.towers import TextTower

# Model type -> where transformers keeps it; BERT is here in plain torch, which starts 1.3 s sooner.
_TRANSFORMERS = {
    "roberta": ("transformers.models.roberta", "Roberta"),
    "mpnet": ("transformers.models.mpnet", "MPNet"),
}
_ATTENTION_INPUTS = ("query", "value", "attn.q", "attn.v")
# Tensors that a published file may carry beside the trunk's own: buffers and the pooler, which no pooling here uses.
_SURPLUS = ("pooler.", "embeddings.position_ids", "embeddings.token_type_ids")


class HfTextTower(TextTower):
    """A published encoder (BERT, RoBERTa, MPNet) with its fast tokenizer; frozen unless the config says trained."""

    def __init__(self, config: TextTowerConfig, folder: Path | None = None) -> None:
        super().__init__()
        from tokenizers import Tokenizer

        if config.source is None:
            raise CheckpointError("config.json: text.source is missing: it names tokenizer.json and config.json")
        paths = locate_files(config.source, folder, _needed_files(config))
        self.trunk: Any = _build_trunk(config, paths)
        self.width = int(self.trunk.config.hidden_size)
        _check_positions(self.trunk.config, config.max_tokens)
        self._tokenizer = Tokenizer.from_file(str(paths["tokenizer.json"]))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(config.max_tokens)
        self._pooling = config.pooling
        self._frozen = not config.trained
        if self._frozen:
            self.trunk.requires_grad_(False)
        if config.lora_rank:
            add_lora(self.trunk, _ATTENTION_INPUTS, config.lora_rank)

    @property
    def pad_id(self) -> int:
        """The token that fills rows up."""
        return int(self.trunk.config.pad_token_id or 0)

    def train(self, mode: bool = True) -> HfTextTower:
        """As in torch; a frozen trunk stays in evaluation mode, so that its dropout never makes its vectors noisy."""
        super().train(mode)
        if self._frozen:
            self.trunk.eval()
        return self

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, special tokens included, cut at `max_tokens`."""
        return [encoding.ids for encoding in self._tokenizer.encode_batch(list(texts))]

    def forward(self, batch: TokenBatch) -> Tensor:
        """Pooled hidden states (T, width)."""
        mask = None if bool(batch.mask.all()) else batch.mask.long()
        found = self.trunk(
            input_ids=batch.ids, attention_mask=mask, output_hidden_states=self._pooling in ("mean_last4", "medclip")
        )
        return pool_tokens(_pick_states(found, self._pooling), batch.mask, self._pooling)


def pool_tokens(states: Tensor, mask: Tensor, pooling: str) -> Tensor:
    """One vector a text from states (T, L, C): the first token for "cls", else the mean over unpadded tokens."""
    if pooling == "cls":
        return states[:, 0]
    weights = mask.unsqueeze(-1).to(states.dtype)
    return (states * weights).sum(dim=1) / weights.sum(dim=1).clamp(min=1.0)


def pad_tokens(rows: Sequence[Sequence[int]], pad_id: int) -> TokenBatch:
    """Rows of token ids as one batch, filled up to the longest."""
    longest = max((len(row) for row in rows), default=0)
    ids = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    mask = torch.zeros((len(rows), longest), dtype=torch.bool)
    for place, row in enumerate(rows):
        ids[place, : len(row)] = torch.tensor(row, dtype=torch.long)
        mask[place, : len(row)] = True
    return TokenBatch(ids, mask)


def _pick_states(found: Any, pooling: str) -> Tensor:
    """(T, L, C): the last hidden state, or the mean of those that the pooling's authors average."""
    if pooling == "mean_last4":
        return torch.stack(found.hidden_states[-4:]).mean(dim=0)
    if pooling == "medclip":
        states = found.hidden_states
        return torch.stack((states[1], states[2], states[-1])).mean(dim=0)
    return found.last_hidden_state


def _needed_files(config: TextTowerConfig) -> tuple[str, ...]:
    weights = () if config.trained else ("model.safetensors",)
    return ("tokenizer.json", "config.json", *weights)


def _build_trunk(config: TextTowerConfig, paths: dict[str, Path]) -> nn.Module:
    """The encoder, with the source's weights in it unless the checkpoint brings trained ones."""
    settings = {**json.loads(paths["config.json"].read_text(encoding="utf-8")), **config.options}
    if config.trained:
        return _build_encoder(config.name, settings)
    with torch.device("meta"):  # no memory, no random numbers: every tensor comes from the file
        trunk = _build_encoder(config.name, settings)
    fill_trunk(trunk, paths["model.safetensors"])
    return trunk.eval()


def _build_encoder(name: str, settings: dict[str, Any]) -> nn.Module:
    if name == "bert":
        return build_bert(settings)
    if name not in _TRANSFORMERS:
        known = ", ".join(("bert", *_TRANSFORMERS))
        raise CheckpointError(f"config.json: text.name: wanted one of {known}, got {name!r}")
    ensure_torchvision()
    home, prefix = _TRANSFORMERS[name]
    leaf = home.rpartition(".")[2]
    trunk_config = getattr(import_module(f"{home}.configuration_{leaf}"), f"{prefix}Config")(**settings)
    return getattr(import_module(f"{home}.modeling_{leaf}"), f"{prefix}Model")(trunk_config, add_pooling_layer=False)


def _check_positions(trunk_config: Any, max_tokens: int) -> None:
    most = int(trunk_config.max_position_embeddings)
    if max_tokens > most:
        raise CheckpointError(f"config.json: text.max_tokens: the text tower knows {most} positions, got {max_tokens}")


def fill_trunk(trunk: nn.Module, path: Path) -> None:
    """Put a published model.safetensors into an encoder, every tensor accounted for."""
    from safetensors.torch import load_file

    tensors = {name.removeprefix("bert."): tensor for name, tensor in load_file(path).items()}
    wanted = trunk.state_dict()
    missing = sorted(set(wanted) - set(tensors))
    surplus = sorted(name for name in set(tensors) - set(wanted) if not name.startswith(_SURPLUS))
    if missing or surplus:
        word = f"lacks {missing[0]}" if missing else f"has a tensor that the tower has not, {surplus[0]}"
        raise CheckpointError(
            f"the text tower's model.safetensors {word}; text.name or its config.json does not fit it"
        )
    trunk.load_state_dict({name: tensors[name].float() for name in wanted}, assign=True)
    for name, buffer in list(trunk.named_buffers()):
        if buffer.is_meta:
            _fill_buffer(trunk, name, buffer)


def _fill_buffer(trunk: nn.Module, name: str, buffer: Tensor) -> None:
    """The encoders' buffers are not in any file: positions count up, token types are zero."""
    owner, _, leaf = name.rpartition(".")
    if leaf not in ("position_ids", "token_type_ids"):
        raise CheckpointError(f"the text tower has a buffer that this version cannot fill: {name}")
    shape = buffer.shape
    value = torch.arange(shape[-1]).expand(shape) if leaf == "position_ids" else torch.zeros(shape, dtype=torch.long)
    trunk.get_submodule(owner).register_buffer(leaf, value.clone(), persistent=False)
