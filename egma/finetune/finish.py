"""Turns the best weights of a run into a checkpoint: calibrated, with a display range and a card."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from egma.checkpoints import Checkpoint, save_checkpoint
from egma.config import FindingConfig, ModelConfig
from egma.display import Display, fit_display
from egma.findings import FINDINGS
from egma.finetune.batches import Batcher
from egma.finetune.card import write_card
from egma.finetune.learner import Learner
from egma.finetune.publish import CHECKPOINT
from egma.finetune.run import Run
from egma.finetune.states import RunState, load_best
from egma.finetune.trainable import export_model, load_trained
from egma.finetune.validate import Measures, Seen, score_films, sentence_vectors, validate

_PRIVATE = ("data", "images", "reports", "base", "name")
"""Settings that may hold a path of this machine: a checkpoint is there to be shared."""
_LEAST_FILMS = 20
"""Fewer labelled validation films than that say nothing of how probable a finding is."""


def write_checkpoint(
    run: Run, folder: Path, config: dict[str, Any], state: RunState, seconds: float
) -> tuple[Checkpoint, Measures]:
    """Save the best weights as RUN_DIR/checkpoint, as a whole or not at all, with the figures that they have.

    Args:
        run: the run; its model is brought into a checkpoint's layout and cannot be trained on.
        folder: the run folder.
        config: its config.json.
        state: where it ended.
        seconds: how long it took.
    """
    best = load_best(folder)
    if best is not None:
        load_trained(run.learner.model, best)
    measures, seen = validate(run.learner, run.validation, run.phantoms, run.settings.batch)
    fitted = fit_config(run, seen)
    exported = export_model(run.learner.model, run.settings)
    name = run.settings.name or folder.name
    training = {
        "base": run.base.name,
        "base_hash": run.base.hash,
        "preset": run.settings.preset,
        "steps": state.step,
        "planned_steps": run.steps,
        "best_step": state.best_step or 0,
        "best_by": state.best_by,
        "seconds": round(seconds, 1),
        "device": str(run.device),
        "before": state.before,
        "after": measures.as_event(),
        "run": {key: value for key, value in config.items() if key not in _PRIVATE},
    }
    final = replace(
        exported,
        classify=fitted.classify,
        display_range=fitted.display_range,
        drawn_from=fitted.drawn_from,
        training=training,
        weights_sha256="",
    )
    card = write_card(name, config, training)
    saved = save_checkpoint(run.learner.model, final, folder / CHECKPOINT, card, tower_files=run.base.folder)
    return saved, measures


@torch.inference_mode()
def fit_config(run: Run, seen: Seen) -> ModelConfig:
    """The base's config with calibration and display range fitted on validation films."""
    learner, films = run.learner, run.validation
    config = learner.model.config
    cosines = _prompt_cosines(learner, films, seen)
    shown = fit_display(cosines) if cosines.size else Display(config.display_range, config.drawn_from)
    classify = _calibrate(learner, films, run.data.train.labels, seen)
    return replace(config, classify=classify, display_range=shown.display_range, drawn_from=shown.drawn_from)


def _calibrate(learner: Learner, films: Batcher, train_labels: np.ndarray, seen: Seen) -> dict[str, FindingConfig]:
    """Scale, bias and threshold of the findings that validation films say something of; the others keep theirs."""
    from egma.finetune.mini.calibrate import calibrate_findings

    classify = learner.model.config.classify
    named = [name for name in classify if name in FINDINGS]
    columns = [FINDINGS.index(name) for name in named]
    labels = films.examples.labels[:, columns]
    judged = [place for place in range(len(named)) if (labels[:, place] != 0).sum() >= _LEAST_FILMS]
    if not judged:
        return classify
    chosen = {named[place]: classify[named[place]] for place in judged}
    own = [list(classify).index(name) for name in chosen]
    train = train_labels[:, [columns[place] for place in judged]]
    known = (train != 0).sum(axis=0)
    rate = np.where(known > 0, (train > 0).sum(axis=0) / np.maximum(known, 1), 0.05)
    present, spoken = labels[:, judged] > 0, labels[:, judged] != 0
    scores = score_films(learner, films, seen)[:, own]
    patients = np.array([sample.patient for sample in films.examples.samples])
    with torch.inference_mode(False), torch.enable_grad():
        fitted = calibrate_findings(chosen, scores.copy(), present, spoken, rate, patients)
    return {name: fitted.get(name, finding) for name, finding in classify.items()}


def _prompt_cosines(learner: Learner, films: Batcher, seen: Seen) -> np.ndarray:
    """Cosines of validation films' patches with the first positive prompt of every finding but a normal film."""
    classify = learner.model.config.classify
    texts = tuple(finding.positive[0] for name, finding in classify.items() if name != FINDINGS[0])
    if not texts:
        return np.zeros(0, np.float32)
    return (seen.patches.flatten(0, 1) @ sentence_vectors(learner, films, texts).T).numpy().ravel()
