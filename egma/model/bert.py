"""The BERT encoder in plain torch, tensor by tensor as transformers names and computes it.

The default text tower is one. Importing transformers takes 1.3 s of an app's start, most of it listing models that are
never used; this takes nothing. A test holds it to transformers' `BertModel`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from egma.errors import CheckpointError


@dataclass(frozen=True)
class BertConfig:
    """The fields of a BERT's config.json that its encoder depends on."""

    vocab_size: int = 30522
    hidden_size: int = 768
    num_hidden_layers: int = 12
    num_attention_heads: int = 12
    intermediate_size: int = 3072
    max_position_embeddings: int = 512
    type_vocab_size: int = 2
    layer_norm_eps: float = 1e-12
    hidden_dropout_prob: float = 0.1
    attention_probs_dropout_prob: float = 0.1
    hidden_act: str = "gelu"
    position_embedding_type: str = "absolute"
    pad_token_id: int = 0

    def __post_init__(self) -> None:
        if self.hidden_act != "gelu" or self.position_embedding_type != "absolute":
            raise CheckpointError("the text tower's config.json: a BERT here has gelu and absolute positions")
        if self.hidden_size % self.num_attention_heads:
            raise CheckpointError("the text tower's config.json: hidden_size is no multiple of num_attention_heads")


@dataclass(frozen=True, eq=False)
class Encoded:
    """Hidden states (T, L, C): after the embeddings and after every layer; the last is also by name."""

    last_hidden_state: Tensor
    hidden_states: tuple[Tensor, ...]


class BertModel(nn.Module):
    """Embeddings and encoder, without the pooler that no pooling here uses."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.config = config
        self.embeddings = _Embeddings(config)
        self.encoder = nn.Module()
        self.encoder.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))
        self.apply(_initialize)

    def forward(self, input_ids: Tensor, attention_mask: Tensor | None = None, **_: Any) -> Encoded:
        """Hidden states of token ids int64 (T, L); `attention_mask` (T, L) is 0 where padding, None = no padding."""
        mask = None if attention_mask is None else attention_mask.bool()[:, None, None, :]
        states = [self.embeddings(input_ids)]
        for layer in self.encoder.layer:  # type: ignore[union-attr]
            states.append(layer(states[-1], mask))
        return Encoded(states[-1], tuple(states))


def build_bert(settings: Mapping[str, Any]) -> BertModel:
    """A BERT of the sizes in its config.json; fields that the encoder does not depend on are passed over."""
    fields = BertConfig.__dataclass_fields__
    return BertModel(BertConfig(**{name: value for name, value in settings.items() if name in fields}))


class _Embeddings(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, width, padding_idx=config.pad_token_id)
        self.position_embeddings = nn.Embedding(config.max_position_embeddings, width)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, ids: Tensor) -> Tensor:
        places = self.position_embeddings.weight[: ids.shape[1]]
        summed = self.word_embeddings(ids) + self.token_type_embeddings.weight[0] + places
        return self.dropout(self.LayerNorm(summed))


class _SelfAttention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self._heads, self._dropout = config.num_attention_heads, config.attention_probs_dropout_prob

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        query, key, value = (
            layer(states).unflatten(-1, (self._heads, -1)).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        dropout = self._dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, dropout_p=dropout)
        return mixed.transpose(1, 2).flatten(2)


class _Residual(nn.Module):
    """A linear layer whose output is added to what came before, then normalised."""

    def __init__(self, width_in: int, config: BertConfig) -> None:
        super().__init__()
        self.dense = nn.Linear(width_in, config.hidden_size)
        self.LayerNorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)

    def forward(self, features: Tensor, before: Tensor) -> Tensor:
        return self.LayerNorm(self.dropout(self.dense(features)) + before)


class _Layer(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = nn.ModuleDict(
            {"self": _SelfAttention(config), "output": _Residual(config.hidden_size, config)}
        )
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(config.hidden_size, config.intermediate_size)})
        self.output = _Residual(config.intermediate_size, config)

    def forward(self, states: Tensor, mask: Tensor | None) -> Tensor:
        attended = self.attention["output"](self.attention["self"](states, mask), states)
        return self.output(F.gelu(self.intermediate["dense"](attended)), attended)


def _initialize(module: nn.Module) -> None:
    """As transformers does (initializer_range 0.02), for a tower that is trained from nothing."""
    if isinstance(module, (nn.Linear, nn.Embedding)):
        torch.nn.init.normal_(module.weight, std=0.02)
    if isinstance(module, nn.Linear):
        torch.nn.init.zeros_(module.bias)
