"""The training loop on accelerate: precision, accumulation, clipping, schedule, validation, states, early stop.

Everything random follows from seed and step, so a run that was interrupted and resumed takes the same steps as one
that was not. An event is written for every step.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import torch

from egma.errors import JobFailedError
from egma.finetune.batches import places_of_pass
from egma.finetune.learner import TERMS
from egma.finetune.run import Run, build_optimizer, choose_precision
from egma.finetune.states import RunState, check_disk, load_last_state, save_best, save_state, state_bytes
from egma.finetune.trainable import load_trained, trained_state
from egma.finetune.validate import Measures, choose_best_by, validate


class Reporter(Protocol):
    """What the loop tells of itself and asks: `egma.jobs.RunningJob`, or what stands in for it."""

    def event(self, kind: str, **fields: Any) -> None: ...

    def progress(self, done: int, total: int, text: str = "") -> None: ...

    def note(self, text: str) -> None: ...

    def should_stop(self) -> bool: ...


class Loop:
    """One run's loop. `train` takes it to its end, or to where it was asked to stop.

    Attributes:
        run: what is trained.
        state: where it stands.
    """

    def __init__(self, run: Run, folder: Path, job: Reporter) -> None:
        self.run, self.folder, self.job = run, folder, job
        self.state = RunState()
        self._accelerator = build_accelerator(run)
        optimizer = build_optimizer(run)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, build_schedule(run.steps, run.settings.warmup))
        self._learner, self._optimizer, self._schedule = self._accelerator.prepare(run.learner, optimizer, schedule)
        self._seconds: list[float] = []
        self._rate_shown = 0.0

    def restore(self) -> bool:
        """Take up the last state of the run folder; False where there is none."""
        found = load_last_state(self.folder)
        if found is None:
            return False
        weights, optimizer, self.state = found
        load_trained(self.run.learner.model, weights)
        self._optimizer.load_state_dict(optimizer["optimizer"])
        self._schedule.load_state_dict(optimizer["schedule"])
        return True

    def train(self) -> Measures | None:
        """Run until the last step, early stop or a request to stop; returns the last figures."""
        check_disk(self.folder, (self.run.settings.keep_last + 1) * state_bytes(self._weights()))
        measures = None
        if self.state.before is None:
            measures = self._begin()
        while self.state.step < self.run.steps and not self._is_over() and not self.job.should_stop():
            self.step()
            if self.state.step % self.run.validate_every == 0 or self.state.step == self.run.steps:
                measures = self._validate()
                self._save()
        if self.job.should_stop():
            self._save()  # first of all: what follows may take longer than the time that is given
            if self.state.best_step is None and self.state.step:
                measures = self._validate()
                self._save()
        return measures

    def _begin(self) -> Measures:
        """Figures before the first step: what "better" is better than."""
        measures, _ = validate(self.run.learner, self.run.validation, self.run.phantoms, self.run.settings.batch)
        best_by = choose_best_by(self.run.settings.best_by, measures)
        score = measures.score(best_by)
        start = score if math.isfinite(score) else None
        self.state = replace(self.state, before=measures.as_event(), best_by=best_by, start_score=start)
        self.job.event("validation", step=0, best=False, **measures.as_event())
        self.job.note(f"before the first step: {describe_measures(measures)}")
        return measures

    def _is_over(self) -> bool:
        """Early stop: too many validations without a better one."""
        return 0 < self.run.settings.patience <= self.state.worse

    def step(self) -> None:
        """One optimiser step from `accumulation` forward passes, and its event."""
        settings, started = self.run.settings, time.perf_counter()
        torch.manual_seed(settings.seed * 1_000_003 + self.state.step)  # for dropout, where a tower has any
        self._learner.train()
        freeze_statistics(self._learner)
        totals = torch.zeros(len(TERMS) + 1, device=self.run.device)
        norm = torch.zeros(())
        for part in range(settings.accumulation):
            draw = self.state.step * settings.accumulation + part
            places = places_of_pass(len(self.run.data.train), settings.batch, settings.seed, draw)
            with self._accelerator.accumulate(self._learner):
                terms = self._learner(self.run.train.build(places.tolist(), draw, self.run.device))
                self._accelerator.backward(terms["loss"])
                if self._accelerator.sync_gradients:
                    norm = self._accelerator.clip_grad_norm_(self._trained(), settings.clip)
                    self._check_finite(terms["loss"], norm)
                self._optimizer.step()
                self._schedule.step()
                self._optimizer.zero_grad()
            totals += torch.stack([terms[name].detach() for name in (*TERMS, "loss")]) / settings.accumulation
        self.run.learner.model.clamp_logit_scale()
        self.state = replace(self.state, step=self.state.step + 1)
        self._tell(totals.tolist(), float(norm), time.perf_counter() - started)

    def _tell(self, values: list[float], norm: float, seconds: float) -> None:
        """The step's event, and progress with the time that is left."""
        self._seconds = [*self._seconds[-19:], seconds]
        left_s = (self.run.steps - self.state.step) * sorted(self._seconds)[len(self._seconds) // 2]
        named = {name: round(value, 6) for name, value in zip((*TERMS, "loss"), values)}
        self.job.event(
            "step",
            step=self.state.step,
            steps=self.run.steps,
            epoch=round(self.state.step / self.run.steps_per_epoch, 3),
            loss=named.pop("loss"),
            **named,
            learning_rate=self._schedule.get_last_lr()[0],
            gradient_norm=round(norm, 5),
            step_s=round(seconds, 4),
            left_s=round(left_s, 1),
            device_mb=device_memory_mb(self.run.device),
        )
        told = f"step {self.state.step} of {self.run.steps}, loss {values[-1]:.4f}"
        self.job.progress(self.state.step, self.run.steps, told)

    def _check_finite(self, loss: torch.Tensor, norm: torch.Tensor | None) -> None:
        if bool(torch.isfinite(loss)) and (norm is None or bool(torch.isfinite(norm))):
            return
        raise JobFailedError(
            "NaN",
            f"step {self.state.step + 1}: the loss or its gradient is not a number; nothing was updated: lower the "
            "learning rate or choose float32, then resume it",
        )

    def _validate(self) -> Measures:
        """Measure, and keep the weights where they are the best so far."""
        self.job.progress(self.state.step, self.run.steps, f"validating after step {self.state.step}")
        measures, _ = validate(self.run.learner, self.run.validation, self.run.phantoms, self.run.settings.batch)
        score = measures.score(self.state.best_by)
        is_best = self.state.best_score is None or score > self.state.best_score
        if is_best:
            kept = score if math.isfinite(score) else None
            self.state = replace(self.state, best_step=self.state.step, best_score=kept, worse=0)
            save_best(self.folder, self._weights(), self.state)
        else:
            self.state = replace(self.state, worse=self.state.worse + 1)
        self.job.event("validation", step=self.state.step, best=is_best, **measures.as_event())
        best = f"; the best by {self.state.best_by} so far, kept" if is_best else ""
        self.job.note(f"after step {self.state.step}: {describe_measures(measures)}{best}")
        return measures

    def _save(self) -> None:
        optimizer = {"optimizer": self._optimizer.state_dict(), "schedule": self._schedule.state_dict()}
        save_state(self.folder, self._weights(), optimizer, self.state, self.run.settings.keep_last)

    def _weights(self) -> dict[str, torch.Tensor]:
        return trained_state(self.run.learner.model)

    def _trained(self) -> list[torch.nn.Parameter]:
        return [each for each in self.run.learner.parameters() if each.requires_grad]


def describe_measures(measures: Measures) -> str:
    """The figures as a line of the log has them; what the data cannot say is left out."""
    recall = measures.text_to_image[1] if measures.text_to_image else None
    named = (
        ("loss", measures.loss),
        ("macro AUROC", measures.auroc),
        ("pointing", measures.pointing),
        ("report finds film R@5", recall),
        ("agreement with gaze", measures.gaze_correlation),
    )
    return ", ".join(f"{name} {value:.3f}" for name, value in named if value is not None)


def build_accelerator(run: Run) -> Any:
    """accelerate's engine for the run's device and precision."""
    from accelerate import Accelerator

    if run.device.type == "cuda":
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(run.device)
    return Accelerator(
        cpu=run.device.type == "cpu",
        mixed_precision=choose_precision(run.settings, run.device),
        gradient_accumulation_steps=run.settings.accumulation,
    )


def build_schedule(steps: int, warmup: float) -> Callable[[int], float]:
    """The share of the full rate at each step: a rise over the first `warmup` of the steps, then a cosine to zero."""
    rising = max(1, round(steps * warmup))

    def share(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))

    return share


def freeze_statistics(module: torch.nn.Module) -> None:
    """Keep running means as the base has them: a batch of this size knows less than what they were taken from."""
    for each in module.modules():
        if isinstance(each, torch.nn.modules.batchnorm._BatchNorm):
            each.eval()


def device_memory_mb(device: torch.device) -> float:
    """Memory that the run takes: the GPU's at its highest, else the process's now."""
    if device.type == "cuda":
        return round(torch.cuda.max_memory_allocated(device) / 1e6, 1)
    import psutil

    return round(psutil.Process().memory_info().rss / 1e6, 1)
