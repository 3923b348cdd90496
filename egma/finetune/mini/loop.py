"""The one loop that both stages of the recipe run in, on accelerate: bf16, accumulation, clipping, warm-up and cosine.

What a step draws follows from seed and step alone, and the state is kept at every validation: a training that was
interrupted and taken up again runs along the same curve. The weights that are kept are a running average, of the moment
that validated best.
"""

from __future__ import annotations

import copy
import math
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from egma.finetune.loop import build_schedule
from egma.finetune.states import RunState, load_best, load_last_state, save_best, save_state

Note = Callable[[str], None]
_NOW, _AVERAGE = "now.", "average."


@dataclass(frozen=True)
class LoopSettings:
    """How a stage is run.

    Attributes:
        steps: optimiser steps.
        learning_rate, weight_decay: of AdamW; matrices and kernels alone decay.
        warmup: share of the steps over which the rate rises; a cosine takes it to zero.
        accumulation: passes a step.
        clip: largest norm of the gradient.
        decay: of the running average of weights, at its slowest.
        validate_every: steps between looks at the validation films.
        patience: looks without a better one before it stops; 0 = never.
        seed: of everything drawn.
    """

    steps: int
    learning_rate: float
    weight_decay: float
    warmup: float
    decay: float
    validate_every: int
    accumulation: int = 1
    clip: float = 1.0
    patience: int = 0
    seed: int = 0


class Stage(Protocol):
    """What a stage brings: what is trained, the loss of a pass, and how good averaged weights are."""

    name: str

    @property
    def parts(self) -> nn.Module:
        """What is trained, and kept."""
        ...

    def train_mode(self) -> None:
        """Bring the parts into training mode, with what stays frozen left alone."""
        ...

    def loss(self, draw: int) -> Tensor:
        """The loss of the pass with this number; everything random in it follows from seed and number."""
        ...

    def score(self, average: nn.Module) -> tuple[float, str]:
        """How good the averaged parts are on validation, and that in words."""
        ...

    def after_step(self) -> None:
        """What must hold after every step, such as a temperature's bounds."""
        ...


def run_stage(stage: Stage, settings: LoopSettings, folder: Path | None, note: Note) -> float:
    """Train a stage's parts in place; they end as the running average that validated best, whose score comes back.

    Args:
        stage: see `Stage`.
        settings: numbers.
        folder: keeps states and the best weights, and takes up the last state that lies there; None = a temporary one.
        note: told of every validation.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as passing:
            return run_stage(stage, settings, Path(passing), note)
    folder.mkdir(parents=True, exist_ok=True)
    return _Loop(stage, settings, folder, note).run()


@torch.no_grad()
def follow(average: nn.Module, net: nn.Module, decay: float) -> None:
    """Move a running average of weights one step towards the weights now."""
    for kept, now in zip(average.state_dict().values(), net.state_dict().values()):
        if kept.dtype.is_floating_point:
            kept.mul_(decay).add_(now, alpha=1 - decay)
        else:
            kept.copy_(now)


class _Loop:
    """One stage's loop and where it stands."""

    def __init__(self, stage: Stage, settings: LoopSettings, folder: Path, note: Note) -> None:
        from accelerate import Accelerator

        device = next(stage.parts.parameters()).device
        self._stage, self._settings, self._folder, self._note = stage, settings, folder, note
        self._accelerator: Any = Accelerator(
            cpu=device.type == "cpu", mixed_precision="bf16", gradient_accumulation_steps=settings.accumulation
        )
        optimizer = torch.optim.AdamW(_groups(stage.parts, settings.weight_decay), lr=settings.learning_rate)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, build_schedule(settings.steps, settings.warmup))
        self._optimizer, self._schedule = self._accelerator.prepare(optimizer, schedule)
        self._average = copy.deepcopy(stage.parts).eval()
        self._state = RunState()
        self._loss = math.nan

    def run(self) -> float:
        self._restore()
        self._stage.train_mode()
        patience = self._settings.patience
        while self._state.step < self._settings.steps and not 0 < patience <= self._state.worse:
            self._step()
            if self._state.step % self._settings.validate_every == 0 or self._state.step == self._settings.steps:
                self._validate()
                self._stage.train_mode()
        self._stage.parts.load_state_dict(load_best(self._folder) or self._average.state_dict())
        self._stage.parts.eval()
        return self._state.best_score if self._state.best_score is not None else math.nan

    def _step(self) -> None:
        settings, total = self._settings, 0.0
        for part in range(settings.accumulation):
            draw = self._state.step * settings.accumulation + part
            torch.manual_seed(settings.seed * 1_000_003 + draw)  # of dropout; stages draw by generators of their own
            with self._accelerator.accumulate(self._stage.parts):
                with self._accelerator.autocast():
                    loss = self._stage.loss(draw)
                self._accelerator.backward(loss)
                if self._accelerator.sync_gradients:
                    self._accelerator.clip_grad_norm_(self._stage.parts.parameters(), settings.clip)
                self._optimizer.step()
                self._schedule.step()
                self._optimizer.zero_grad()
            total += loss.item() / settings.accumulation
        self._stage.after_step()
        self._state = replace(self._state, step=self._state.step + 1)
        follow(self._average, self._stage.parts, min(settings.decay, self._state.step / (9 + self._state.step)))
        self._loss = 0.9 * self._loss + 0.1 * total if math.isfinite(self._loss) else total

    def _validate(self) -> None:
        score, words = self._stage.score(self._average)
        step = self._state.step
        self._note(f"{self._stage.name}: step {step}/{self._settings.steps} loss {self._loss:.4f}; {words}")
        if self._state.best_score is None or score > self._state.best_score:
            kept = score if math.isfinite(score) else None
            self._state = replace(self._state, best_step=step, best_score=kept, worse=0)
            save_best(self._folder, self._average.state_dict(), self._state)
        else:
            self._state = replace(self._state, worse=self._state.worse + 1)
        self._save()

    def _save(self) -> None:
        weights = {_NOW + name: value for name, value in self._stage.parts.state_dict().items()}
        weights |= {_AVERAGE + name: value for name, value in self._average.state_dict().items()}
        optimizer = {"optimizer": self._optimizer.state_dict(), "schedule": self._schedule.state_dict()}
        save_state(self._folder, weights, optimizer, self._state, keep_last=1)

    def _restore(self) -> None:
        found = load_last_state(self._folder)
        if found is None:
            return
        weights, optimizer, self._state = found
        for module, start in ((self._stage.parts, _NOW), (self._average, _AVERAGE)):
            own = {name.removeprefix(start): value for name, value in weights.items() if name.startswith(start)}
            module.load_state_dict(own)
        self._optimizer.load_state_dict(optimizer["optimizer"])
        self._schedule.load_state_dict(optimizer["schedule"])
        self._note(f"{self._stage.name}: taken up at step {self._state.step} of {self._settings.steps}")


def _groups(parts: nn.Module, decay: float) -> list[dict[str, object]]:
    """Weight decay for matrices and kernels only."""
    trained = [weight for weight in parts.parameters() if weight.requires_grad]
    return [
        {"params": [weight for weight in trained if weight.ndim > 1], "weight_decay": decay},
        {"params": [weight for weight in trained if weight.ndim <= 1], "weight_decay": 0.0},
    ]
