"""Which of a model's numbers a preset trains, and how what was trained becomes a checkpoint's own tensors again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from egma.config import ModelConfig
from egma.errors import SettingsError
from egma.finetune.settings import FinetuneSettings
from egma.model.egma import INITIAL_LOGIT_SCALE, EgmaModel
from egma.model.lora import LoraLinear

_LAST_LAYERS = ("fine_out", "coarse_out", "global_out", "layers")
_KEPT_WITH_TRUNK = "widen"  # pyramid heads: trained with the trunk, and of no use without it
_ATTENTION = ("query", "value", "qkv", "attn.q", "attn.v", "out_proj")
_ADAPTER = "default"


@dataclass(frozen=True)
class Parts:
    """What is trained.

    Attributes:
        images, texts: whether the towers change, so that their features cannot be kept.
        heads: names of parameters trained at the full rate.
        towers: names of parameters trained at the towers' rate.
    """

    images: bool
    texts: bool
    heads: tuple[str, ...]
    towers: tuple[str, ...]


def prepare_model(model: EgmaModel, settings: FinetuneSettings) -> Parts:
    """Renew heads where asked, put adapters in, and mark what is trained. Everything else stays frozen.

    Raises:
        SettingsError: this model has nothing that the preset could train.
    """
    model.requires_grad_(False).eval()
    if settings.new_heads:
        renew_heads(model, settings.seed)
    heads = _head_names(model, settings.preset)
    if not heads and settings.preset in ("probe", "demo", "heads"):
        raise SettingsError(
            f"preset {settings.preset}: the base has no heads of its own to train (its towers project by themselves); "
            "choose lora or full"
        )
    towers: tuple[str, ...] = ()
    if settings.preset == "lora":
        towers = _add_adapters(model, settings.lora_rank, settings.seed)
    elif settings.preset == "full":
        towers = tuple(name for name, _ in model.named_parameters() if name.startswith(("image.", "text.")))
    wanted = {*heads, *towers}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in wanted)
    changed = settings.preset in ("lora", "full")
    return Parts(changed or settings.augment, changed, heads, towers)


def renew_heads(model: EgmaModel, seed: int) -> None:
    """Heads and text projection from chance, temperature as at the start; what belongs to the trunk stays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for part in (model.heads, model.text_projection):
            for name, module in part.named_modules():
                reset = getattr(module, "reset_parameters", None)
                if callable(reset) and not name.startswith(_KEPT_WITH_TRUNK):
                    reset()
        out = getattr(model.text_projection, "out", None)
        if isinstance(out, nn.Linear):  # the correction beside the skip is zero at the start
            nn.init.zeros_(out.weight)
            nn.init.zeros_(out.bias)
        with torch.no_grad():
            model.logit_scale.fill_(INITIAL_LOGIT_SCALE)


def export_model(model: EgmaModel, settings: FinetuneSettings) -> ModelConfig:
    """Bring adapters back into the layout of a checkpoint and return the config that fits.

    Image adapters are merged into the tower's weights, which a checkpoint holds anyway. Text adapters become the
    checkpoint's own low-rank deltas where the trunk is only referenced; else they are merged too.
    """
    config = model.config
    if settings.preset == "full":
        return replace(config, text=replace(config.text, trained=True)) if config.text.kind == "hf" else config
    if settings.preset != "lora":
        return config
    _merge_adapters(model.image)
    if config.text.kind != "hf" or config.text.trained:
        _merge_adapters(model.text)
        return config
    rank = _turn_into_deltas(model.text)
    return replace(config, text=replace(config.text, lora_rank=rank)) if rank else config


def trained_state(model: nn.Module) -> dict[str, Tensor]:
    """The tensors that change, by name."""
    return {name: value.detach() for name, value in model.named_parameters() if value.requires_grad}


def load_trained(model: nn.Module, tensors: dict[str, Tensor]) -> None:
    """Put tensors of `trained_state` back."""
    own = dict(model.named_parameters())
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)


def _head_names(model: EgmaModel, preset: str) -> tuple[str, ...]:
    names = [name for name, _ in model.named_parameters() if name.startswith("heads.")]
    if preset == "probe":
        return tuple(name for name in names if name.split(".")[1] in _LAST_LAYERS)
    if preset != "full":
        names = [name for name in names if not name.startswith(f"heads.{_KEPT_WITH_TRUNK}")]
    projection = [name for name, _ in model.named_parameters() if name.startswith("text_projection.")]
    return (*names, *projection, "logit_scale") if names or preset in ("lora", "full") else ()


def _add_adapters(model: EgmaModel, rank: int, seed: int) -> tuple[str, ...]:
    """Low-rank deltas (peft) on attention, or on a tower's convolutions, 1x1 ones first; returns their names."""
    from egma.compat import ensure_torchvision

    ensure_torchvision()
    from peft import LoraConfig, inject_adapter_in_model

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for tower in (model.image, model.text):
            targets = _adapter_targets(tower)
            if targets:
                inject_adapter_in_model(
                    LoraConfig(r=rank, lora_alpha=rank, lora_dropout=0.0, target_modules=targets, bias="none"), tower
                )
    names = tuple(name for name, _ in model.named_parameters() if f".{_ADAPTER}.weight" in name)
    if not names:
        raise SettingsError(
            "preset lora: the base's towers have no layer that low-rank deltas fit; choose heads or full"
        )
    return names


def _adapter_targets(tower: nn.Module) -> list[str]:
    named = list(tower.named_modules())
    attention = [name for name, each in named if isinstance(each, nn.Linear) and name.endswith(_ATTENTION)]
    if attention:
        return attention
    whole = [(name, each) for name, each in named if isinstance(each, nn.Conv2d) and each.groups == 1]
    pointwise = [name for name, each in whole if each.kernel_size == (1, 1)]
    return pointwise or [name for name, _ in whole]


def _adapted(tower: nn.Module) -> list[tuple[str, Any]]:
    from peft.tuners.tuners_utils import BaseTunerLayer

    return [(name, each) for name, each in tower.named_modules() if isinstance(each, BaseTunerLayer)]


def _merge_adapters(tower: nn.Module) -> None:
    for name, layer in _adapted(tower):
        layer.merge(safe_merge=True)
        _put(tower, name, layer.get_base_layer())


def _turn_into_deltas(tower: nn.Module) -> int:
    """peft's A and B as `LoraLinear`'s down and up, after any deltas the base brought; returns the rank."""
    rank = 0
    for name, layer in _adapted(tower):
        base = cast(nn.Linear, layer.get_base_layer())
        down = layer.lora_A[_ADAPTER].weight.detach()
        up = layer.lora_B[_ADAPTER].weight.detach() * layer.scaling[_ADAPTER]
        if isinstance(base, LoraLinear):
            down, up = torch.cat((base.lora_down.detach(), down)), torch.cat((base.lora_up.detach(), up), dim=1)
        rank = len(down)
        delta = LoraLinear(base, rank)
        delta.lora_down, delta.lora_up = nn.Parameter(down.clone()), nn.Parameter(up.clone())
        _put(tower, name, delta)
    return rank


def _put(tower: nn.Module, name: str, module: nn.Module) -> None:
    owner, _, leaf = name.rpartition(".")
    setattr(tower.get_submodule(owner), leaf, module)
