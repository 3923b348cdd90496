"""Puts a run together: base, data, what is frozen computed once, and the device; nothing is trained here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from egma.checkpoints import Checkpoint, load_checkpoint
from egma.device import choose_device
from egma.errors import DataError, SettingsError
from egma.finetune.batches import Batcher, Prompts
from egma.finetune.examples import Examples, FinetuneData, Note, limit_films, load_data
from egma.finetune.features import FilmTable, TextTable, embed_films
from egma.finetune.learner import Learner, grid_sizes
from egma.finetune.settings import FinetuneSettings
from egma.finetune.trainable import Parts, prepare_model

if TYPE_CHECKING:
    from egma.model.egma import EgmaModel


class StoppedWhilePreparingError(Exception):
    """The run was asked to stop before its first step."""


@dataclass(frozen=True, eq=False)
class Run:
    """A fine-tuning that is ready to begin.

    Attributes:
        settings: all of them.
        base: the checkpoint it starts from.
        learner: the model and its losses, on the device.
        parts: what is trained.
        data: what is read.
        train, validation, phantoms: batches of it. `validation` is `phantoms` where a run trains on phantoms alone.
        device: where it runs.
        steps_per_epoch, steps: optimiser steps.
    """

    settings: FinetuneSettings
    base: Checkpoint
    learner: Learner
    parts: Parts
    data: FinetuneData
    train: Batcher
    validation: Batcher
    phantoms: Batcher
    device: torch.device
    steps_per_epoch: int
    steps: int

    @property
    def validate_every(self) -> int:
        """Steps between validations."""
        return self.settings.validate_every or self.steps_per_epoch


def build_run(
    settings: FinetuneSettings,
    device: str,
    note: Note = lambda done, total, text: None,
    is_stopped: Callable[[], bool] = lambda: False,
    most_films: int | None = None,
    cache: Path | None = None,
) -> Run:
    """Load base and data, and compute what stays frozen.

    Args:
        settings: of the run.
        device: its device, "cpu", "cuda:0" or "mps".
        note: told of progress.
        is_stopped: asked between films.
        most_films: only so many of the training and validation films, for a dry run.
        cache: where gaze maps of a data set's root are kept.

    Raises:
        CheckpointError, DataError, SettingsError: one sentence with what is wrong.
        StoppedWhilePreparingError: `is_stopped`.
    """
    from egma.model.build import load_model

    torch.manual_seed(settings.seed)
    base = load_checkpoint(settings.base, verify=False)  # load_model compares the hash
    chosen = choose_device(device)
    model = load_model(base, chosen)
    parts = prepare_model(model, settings)
    data = load_data(settings, model.config, grid_sizes(model)[0], note, cache)
    _check_sizes(data, settings)
    data = limit_films(data, most_films) if most_films is not None else data
    train, validation, phantoms = _build_batchers(model, data, parts, settings, note, is_stopped)
    per_epoch = _count_epoch(settings, len(data.train))
    steps = per_epoch * settings.epochs
    steps = min(steps, settings.max_steps) if settings.max_steps else steps
    learner = Learner(model, settings)
    return Run(
        settings, base, learner, parts, data, train, validation, phantoms, chosen, per_epoch, steps
    )  # fmt: skip


def _build_batchers(
    model: EgmaModel,
    data: FinetuneData,
    parts: Parts,
    settings: FinetuneSettings,
    note: Note,
    is_stopped: Callable[[], bool],
) -> tuple[Batcher, Batcher, Batcher]:
    """Batches of training films, validation films and phantoms, with what is frozen computed once."""
    grids, prompts = grid_sizes(model), Prompts(model.config.classify)
    texts = TextTable(model, _all_texts(model, data), frozen=not parts.texts)

    def build(examples: Examples, what: str, *, augment: bool = False) -> Batcher:
        films = _freeze(model, examples, parts, what, note, is_stopped)
        return Batcher(examples, films, texts, prompts, grids, settings.sentences, settings.seed, augment)

    phantoms = build(data.phantoms, "phantoms to measure by")
    same = data.validation is data.phantoms
    validation = phantoms if same else build(data.validation, "validation films")
    return build(data.train, "training films", augment=settings.augment), validation, phantoms


def _count_epoch(settings: FinetuneSettings, films: int) -> int:
    """Optimiser steps that see every training film once; what is left over comes in the next epoch."""
    return max(1, films // min(settings.batch * settings.accumulation, films))


def build_optimizer(run: Run) -> torch.optim.AdamW:
    """AdamW: decay on matrices only, the towers at their own rate."""
    settings, groups = run.settings, []
    named = [(name, each) for name, each in run.learner.model.named_parameters() if each.requires_grad]
    towers = set(run.parts.towers)
    for is_tower, rate in ((False, 1.0), (True, settings.tower_rate)):
        for is_matrix, decay in ((True, settings.weight_decay), (False, 0.0)):
            chosen = [each for name, each in named if (name in towers) == is_tower and (each.ndim > 1) == is_matrix]
            if chosen:
                groups.append({"params": chosen, "lr": settings.learning_rate * rate, "weight_decay": decay})
    return torch.optim.AdamW(groups)


def choose_precision(settings: FinetuneSettings, device: torch.device) -> str:
    """accelerate's word for the precision: "bf16" or "no"."""
    if settings.precision != "auto":
        return "bf16" if settings.precision == "bf16" else "no"
    if device.type == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "no"
    fast = device.type == "cpu" and torch.cpu._is_amx_tile_supported()
    return "bf16" if fast and settings.preset in ("lora", "full") else "no"


def _all_texts(model: EgmaModel, data: FinetuneData) -> list[str]:
    prompts = Prompts(model.config.classify).texts
    sides = [text for each in model.config.classify.values() for text in (*each.positive, *each.negative)]
    said = [
        text
        for examples in (data.train, data.validation, data.phantoms)
        for sample in examples.samples
        for text in sample.sentences
    ]
    return [*prompts, *sides, *said]


def _freeze(
    model: EgmaModel, examples: Examples, parts: Parts, what: str, note: Note, is_stopped: Callable[[], bool]
) -> FilmTable | None:
    """Features of a set where the image tower stays as it is and nothing changes the films."""
    if parts.images:
        return None

    def tell(done: int) -> None:
        note(done, len(examples), f"reading {what}")
        if is_stopped():
            raise StoppedWhilePreparingError

    return embed_films(model, examples.pixels, len(examples), tell)


def _check_sizes(data: FinetuneData, settings: FinetuneSettings) -> None:
    if len(data.train) < 2 or not len(data.validation):
        raise DataError(
            f"the data has {len(data.train)} films to train on and {len(data.validation)} to validate on; wanted at "
            "least 2 and 1 with a picture: add films, or mend their split"
        )
    weights = (settings.contrastive_weight, settings.gaze_alignment_weight, settings.gaze_mapping_weight)
    said = any(sample.sentences for sample in data.train.samples)
    labelled = settings.label_alignment_weight > 0 and bool((data.train.labels != 0).any())
    if not labelled and not (said and any(weights)):
        raise SettingsError(
            "nothing can be learned: the training films have no sentences for the terms whose weight is above 0, and "
            "no labels for label alignment; raise a weight or add sentences or labels"
        )
