"""Second stage of egma-mini: heads and text projection learn to bring films, patches and sentences into one space.

Trunk features are frozen and cached, so that a step costs little. The terms, each with a weight:

    pair     a film is nearer to "there is X" than to "there is no X" where its labels say so (binary cross-entropy of
             scale * (g.P - g.N) + bias, prompts drawn anew every step)
    patch    the same of the film's best patches, which is what makes maps point somewhere (multiple instances)
    label    soft targets between films and report sentences that were never paired (MedCLIP, method section 5)
    con      each phantom finds its sentences
    egf, egm gaze-guided alignment and mapping on phantoms, gaze simulated from lesion masks
    side     on films, "left X" is what "X" is on the patient's left and nothing on the right
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from egma.finetune.mini.heads_data import Batcher, HeadsData
from egma.finetune.mini.heads_losses import ScoreScales, step_losses
from egma.finetune.mini.trunk import follow
from egma.finetune.mini.validation import Validation, score_heads
from egma.model.egma import EgmaModel


@dataclass(frozen=True)
class HeadWeights:
    """What each term counts."""

    pair: float = 1.0
    patch: float = 1.0
    label: float = 0.3
    con: float = 0.2
    egf: float = 0.1
    egm: float = 0.1
    side: float = 0.5


@dataclass(frozen=True)
class HeadSettings:
    """How heads are trained.

    Attributes:
        steps, films, phantoms: optimiser steps, and films and phantoms in each.
        learning_rate, weight_decay: of AdamW, warm-up over the first 5 %, cosine after it.
        soft_share: of the trunks' own answers in what films are taught; the labels have the rest.
        drop: share of trunk channels dropped from a film's features.
        decay: of the running average of weights.
        validate_every: steps between looks at the validation films.
        weights: of the terms.
        seed: of everything.
    """

    steps: int = 600
    films: int = 32
    phantoms: int = 12
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    soft_share: float = 0.5
    drop: float = 0.15
    decay: float = 0.99
    validate_every: int = 100
    weights: HeadWeights = field(default_factory=HeadWeights)
    seed: int = 0


def train_heads(
    model: EgmaModel,
    data: HeadsData,
    settings: HeadSettings,
    note: Callable[[str], None] = lambda text: None,
) -> Validation:
    """Train heads, projection and temperature in place; they end as the running average that validated best."""
    torch.manual_seed(settings.seed)
    batcher = Batcher(data, settings.films, settings.phantoms, settings.drop, settings.seed)
    parts = nn.ModuleDict({"heads": model.heads, "text": model.text_projection, "scales": ScoreScales(data.prior)})
    model.heads.get_submodule("widen").requires_grad_(False)  # as the first stage left it, running statistics included
    parts.to(model.logit_scale.device)
    _start_training(parts)
    average = copy.deepcopy(parts)
    optimizer = torch.optim.AdamW(_groups(parts, model.logit_scale, settings.weight_decay), lr=settings.learning_rate)
    best, kept, running = None, copy.deepcopy(parts.state_dict()), 0.0
    for step in range(settings.steps):
        _set_rate(optimizer, settings, step)
        with torch.autocast(model.logit_scale.device.type, torch.bfloat16):
            terms = step_losses(model, parts["scales"], batcher.draw(), settings.soft_share)  # type: ignore[arg-type]
        total = torch.stack([getattr(settings.weights, name) * value for name, value in terms.items()]).sum()
        _update(optimizer, total, parts, model)  # type: ignore[arg-type]
        follow(average, parts, min(settings.decay, (1 + step) / (10 + step)))
        running = 0.9 * running + 0.1 * total.item() if step else total.item()
        if (step + 1) % settings.validate_every == 0 or step + 1 == settings.steps:
            found = _validate(model, parts, average, data)
            shown = " ".join(f"{name} {value.item():.3f}" for name, value in terms.items())
            note(f"heads: step {step + 1}/{settings.steps} loss {running:.3f} ({shown}); {found}")
            if best is None or found.score > best.score:
                best, kept = found, copy.deepcopy(average.state_dict())
    parts.load_state_dict(kept)
    return best if best is not None else _validate(model, parts, parts, data)


def _validate(model: EgmaModel, parts: nn.ModuleDict, average: nn.ModuleDict, data: HeadsData) -> Validation:
    """The averaged weights' figures; the parts' own are put back afterwards."""
    own = copy.deepcopy(parts.state_dict())
    parts.load_state_dict(average.state_dict())
    parts.eval()
    with torch.inference_mode():
        found = score_heads(model, data)
    parts.load_state_dict(own)
    _start_training(parts)
    return found


def _start_training(parts: nn.ModuleDict) -> None:
    parts.train()
    parts["heads"].get_submodule("widen").eval()


def _update(optimizer: torch.optim.Optimizer, total: Tensor, parts: nn.Module, model: EgmaModel) -> None:
    optimizer.zero_grad()
    total.backward()
    nn.utils.clip_grad_norm_([*parts.parameters(), model.logit_scale], 1.0)
    optimizer.step()
    model.clamp_logit_scale()


def _groups(parts: nn.Module, temperature: Tensor, decay: float) -> list[dict[str, object]]:
    trained = [weight for weight in parts.parameters() if weight.requires_grad]
    matrices, others = (
        [weight for weight in trained if weight.ndim > 1],
        [weight for weight in trained if weight.ndim <= 1],
    )
    return [{"params": matrices, "weight_decay": decay}, {"params": [*others, temperature], "weight_decay": 0.0}]


def _set_rate(optimizer: torch.optim.Optimizer, settings: HeadSettings, step: int) -> None:
    warm = min(1.0, (step + 1) / max(1, settings.steps // 20))
    rate = settings.learning_rate * warm * 0.5 * (1 + math.cos(math.pi * step / settings.steps))
    for group in optimizer.param_groups:
        group["lr"] = rate
