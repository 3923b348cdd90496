"""Brings the image trunks of a recipe: each trained alone, or taken from an earlier run, then put side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from egma.config import ModelConfig
from egma.errors import DataError
from egma.finetune.mini.stages import TrainingFilms
from egma.finetune.mini.teacher import Layer
from egma.finetune.mini.trunk import TrunkSettings, load_widening, train_trunk, trained_tensors
from egma.model.build import build_initialized_model
from egma.model.egma import EgmaModel
from egma.model.presets import TRUNKS

Tensors = dict[str, Tensor]
_IMAGE, _WIDEN = "image.", "heads.widen."
_LAYER = ("layer.weight", "layer.bias")
_AUROC = "auroc"


@dataclass(frozen=True, eq=False)
class BroughtTrunks:
    """What is known of the trunks of a model, in the order they stand.

    Attributes:
        aurocs: validation AUROC of each trunk's own layer; None where it is not known.
        layers: those layers; None where an earlier run had left none.
    """

    aurocs: tuple[float | None, ...]
    layers: tuple[Layer | None, ...]


def bring_trunks(
    model: EgmaModel,
    films: TrainingFilms,
    plans: Sequence[TrunkSettings],
    work: Path | None,
    note: Callable[[str], None],
) -> BroughtTrunks:
    """Fill the model's image tower with trained trunks, in the order that its config names them.

    Args:
        model: its tower is filled in place.
        films: to train on and to choose by.
        plans: one for each trunk.
        work: where trained trunks are kept, and taken from when they lie there; None = nowhere.
        note: told of progress.
    """
    names = model.config.image.name.split("+")
    if names != [plan.name for plan in plans]:
        raise DataError(f"the recipe has settings for {len(plans)} trunks, the model's config names {', '.join(names)}")
    parts, aurocs, layers = [], [], []
    for place, plan in enumerate(plans):
        kept = work / f"trunk-{place}-{plan.name}.safetensors" if work else None
        alone = build_initialized_model(trunk_config(model.config, plan.name)).to(model.logit_scale.device)
        auroc, layer = _bring_one(alone, films, plan, kept, note)
        parts.append({name: tensor.cpu() for name, tensor in trained_tensors(alone).items()})
        aurocs.append(auroc)
        layers.append(layer)
    model.load_state_dict(join_trunks(parts), strict=False)
    model.image.eval()
    return BroughtTrunks(tuple(aurocs), tuple(layers))


def trunk_config(config: ModelConfig, name: str) -> ModelConfig:
    """The config of one of the trunks alone, with the ImageNet weights it starts from."""
    image = replace(config.image, name=name, init=TRUNKS.get(name))
    return replace(config, image=image, heads=replace(config.heads, groups=1))


def join_trunks(parts: Sequence[Tensors]) -> Tensors:
    """The trained tensors of single trunks under the names they have side by side; one trunk keeps its own."""
    if len(parts) == 1:
        return dict(parts[0])
    joined: Tensors = {}
    for place, part in enumerate(parts):
        for name, tensor in part.items():
            if name.startswith(_IMAGE):
                joined[f"{_IMAGE}trunks.{place}.{name.removeprefix(_IMAGE)}"] = tensor
    for name in parts[0]:
        if name.startswith(_WIDEN):
            rows = [part[name] for part in parts]
            joined[name] = torch.cat(rows) if rows[0].ndim else rows[0]
    return joined


def split_trunks(model: EgmaModel) -> list[Tensors]:
    """The opposite of `join_trunks`: each trunk's tensors under the names it has alone."""
    tensors, count = trained_tensors(model), model.config.heads.groups
    if count == 1:
        return [tensors]
    parts: list[Tensors] = []
    for place in range(count):
        start = f"{_IMAGE}trunks.{place}."
        own = {_IMAGE + name.removeprefix(start): value for name, value in tensors.items() if name.startswith(start)}
        wide = {
            name: value.chunk(count)[place] if value.ndim else value
            for name, value in tensors.items()
            if name.startswith(_WIDEN)
        }
        parts.append(own | wide)
    return parts


def _bring_one(
    model: EgmaModel, films: TrainingFilms, plan: TrunkSettings, kept: Path | None, note: Callable[[str], None]
) -> tuple[float | None, Layer | None]:
    if kept and kept.is_file():
        note(f"trunk {plan.name}: taken from an earlier run")
        return _fill(model, kept)
    load_widening(model)
    found = train_trunk(model, films.train, films.validation, plan, note, kept.with_suffix("") if kept else None)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        tensors = {name: tensor.cpu().contiguous() for name, tensor in trained_tensors(model).items()}
        told = {_AUROC: f"{found.auroc:.4f}"}
        save_file({**tensors, _LAYER[0]: found.weight, _LAYER[1]: found.bias}, kept, told)
    return _number(found.auroc), (found.weight, found.bias)


def _number(auroc: float) -> float | None:
    return round(auroc, 4) if math.isfinite(auroc) else None


def _fill(model: EgmaModel, path: Path) -> tuple[float | None, Layer | None]:
    with safe_open(path, framework="pt") as stream:
        told = stream.metadata() or {}
    tensors, wanted = load_file(path), trained_tensors(model)
    layer = tuple(tensors.pop(name) for name in _LAYER if name in tensors)
    if {name: tensor.shape for name, tensor in tensors.items()} != {
        name: tensor.shape for name, tensor in wanted.items()
    }:
        raise DataError(f"{path.name} in the work folder is another model's trunk; remove it to train anew")
    model.load_state_dict(tensors, strict=False)
    auroc = _number(float(told.get(_AUROC, "nan")))
    return auroc, (layer[0], layer[1]) if len(layer) == len(_LAYER) else None
