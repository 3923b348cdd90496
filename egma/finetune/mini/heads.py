"""Second stage of egma-mini: heads and text projection learn to bring films, patches and sentences into one space.

Trunk features are frozen and cached, so that a step costs little. The terms, each with a weight:

    pair     a film is nearer to "there is X" than to "there is no X" where its labels say so (binary cross-entropy of
             scale * (g.P - g.N) + bias, prompts drawn anew every step)
    patch    the same of the film's best patches, which is what makes maps point somewhere (multiple instances)
    label    soft targets between films and report sentences that were never paired (MedCLIP, method section 5)
    con      each phantom finds its sentences
    egf, egm gaze-guided alignment and mapping on phantoms, gaze simulated from lesion masks
    axis     "there is X" minus "there is no X" points along X's axis, where films' vectors have one
    side     on films, "left X" is what "X" is on the patient's left and nothing on the right
    level    what a film's patches answer to a finding is nothing on average: without it whole films lie above or below
             others, phantoms below all of them, and one range of colours cannot serve them
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import Tensor, nn

from egma.findings import FINDINGS
from egma.finetune.mini.heads_data import Batcher, HeadsData
from egma.finetune.mini.heads_losses import ScoreScales, step_losses
from egma.finetune.mini.loop import LoopSettings, run_stage
from egma.finetune.mini.teacher import film_axes
from egma.finetune.mini.validation import Validation, score_heads
from egma.model.egma import EgmaModel


@dataclass(frozen=True)
class HeadWeights:
    """What each term counts."""

    pair: float = 1.0
    patch: float = 1.0
    label: float = 0.3
    con: float = 0.4
    egf: float = 0.4
    egm: float = 0.4
    axis: float = 1.5
    side: float = 2.0
    level: float = 150.0


@dataclass(frozen=True)
class HeadSettings:
    """How heads are trained.

    Attributes:
        steps, films, phantoms: optimiser steps, and films and phantoms in each.
        learning_rate, weight_decay: of AdamW, warm-up over the first 5 %, cosine after it.
        soft_share: of the trunks' own answers in what films are taught; the labels have the rest.
        film_vector: whether the layer that makes a film's vector is trained too, or stays as it started.
        axes_seed: of the axes it started with.
        gaze_share: of phantoms whose simulated gaze is learned from, drawn by the seed.
        drop: share of trunk channels dropped from a film's features.
        decay: of the running average of weights.
        validate_every: steps between looks at the validation films.
        patience: looks without a better one before it stops; 0 = never.
        weights: of the terms.
        seed: of everything.
    """

    steps: int = 600
    films: int = 32
    phantoms: int = 12
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    soft_share: float = 0.5
    film_vector: bool = False
    axes_seed: int = 0
    gaze_share: float = 1.0
    drop: float = 0.15
    decay: float = 0.99
    validate_every: int = 100
    patience: int = 0
    weights: HeadWeights = field(default_factory=HeadWeights)
    seed: int = 0


def train_heads(
    model: EgmaModel,
    data: HeadsData,
    settings: HeadSettings,
    note: Callable[[str], None] = lambda text: None,
    folder: Path | None = None,
) -> Validation:
    """Train heads, projection and temperature in place; they end as the running average that validated best.

    Args:
        model: with its trunks in place; only what lies behind their features is trained.
        data: what is learned from and chosen by.
        settings: numbers.
        note: told of every validation.
        folder: keeps what an interrupted training needs; None = nowhere.
    """
    torch.manual_seed(settings.seed)
    stage = HeadsStage(model, data, settings)
    plan = LoopSettings(
        steps=settings.steps,
        learning_rate=settings.learning_rate,
        weight_decay=settings.weight_decay,
        warmup=0.05,
        decay=settings.decay,
        validate_every=settings.validate_every,
        patience=settings.patience,
        seed=settings.seed,
    )
    run_stage(stage, plan, folder, note)
    return stage.measure(stage.parts)


class HeadParts(nn.Module):
    """Everything that the second stage trains, and the widening, which it leaves as it is."""

    def __init__(self, model: EgmaModel, prior: Tensor) -> None:
        super().__init__()
        self.heads, self.text, self.scales = model.heads, model.text_projection, ScoreScales(prior)
        self.temperature = model.logit_scale


class HeadsStage:
    """The second stage as `egma.finetune.mini.loop` runs it."""

    name = "heads"

    def __init__(self, model: EgmaModel, data: HeadsData, settings: HeadSettings) -> None:
        self._model, self._data, self._settings = model, data, settings
        self._batcher = Batcher(
            data, settings.films, settings.phantoms, settings.drop, settings.seed, settings.gaze_share
        )
        model.heads.get_submodule("widen").requires_grad_(False)  # as the first stage left it, statistics included
        for name in ("global_norm", "global_out"):
            model.heads.get_submodule(name).requires_grad_(settings.film_vector)
        width, device = model.config.embed_dim, model.logit_scale.device
        axes = film_axes(width, len(FINDINGS), settings.axes_seed)[:-1].to(device)
        self._axes = None if settings.film_vector else axes
        self.parts = HeadParts(model, data.prior).to(model.logit_scale.device)

    def train_mode(self) -> None:
        """Training, but for the widening's statistics."""
        self.parts.train()
        self.parts.heads.get_submodule("widen").eval()

    def loss(self, draw: int) -> Tensor:
        """The weighted sum of all terms."""
        settings = self._settings
        terms = step_losses(self._model, self.parts.scales, self._batcher.draw(draw), settings.soft_share, self._axes)
        return torch.stack([getattr(settings.weights, name) * value for name, value in terms.items()]).sum()

    def score(self, average: nn.Module) -> tuple[float, str]:
        """What validation makes of averaged parts."""
        found = self.measure(average)
        return found.score, str(found)

    def after_step(self) -> None:
        """The temperature stays within its bounds."""
        self._model.clamp_logit_scale()

    def measure(self, parts: nn.Module) -> Validation:
        """The figures of these parts; the model's own are put back afterwards."""
        own = copy.deepcopy(self.parts.state_dict())
        self.parts.load_state_dict(parts.state_dict())
        self.parts.eval()
        with torch.inference_mode():
            found = score_heads(self._model, self._data)
        self.parts.load_state_dict(own)
        return found
