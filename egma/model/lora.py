"""Low-rank deltas (LoRA, Hu et al. 2021) on a frozen trunk: few trained numbers, stored without the trunk."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class LoraLinear(nn.Linear):
    """A linear layer plus `up @ down`, zero at the start. The layer's own tensors keep their names."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        self.weight, self.bias = layer.weight, layer.bias
        self.lora_down = nn.Parameter(torch.randn(rank, layer.in_features) / rank**0.5)
        self.lora_up = nn.Parameter(torch.zeros(layer.out_features, rank))

    def forward(self, input: Tensor) -> Tensor:
        """The layer's output with the delta added."""
        return super().forward(input) + F.linear(F.linear(input, self.lora_down), self.lora_up)


def add_lora(trunk: nn.Module, endings: tuple[str, ...], rank: int) -> None:
    """Put deltas of `rank` on every linear layer whose name ends in one of `endings`."""
    for name, module in list(trunk.named_modules()):
        if isinstance(module, nn.Linear) and name.endswith(endings):
            owner, _, leaf = name.rpartition(".")
            setattr(trunk.get_submodule(owner), leaf, LoraLinear(cast(nn.Linear, module), rank))
