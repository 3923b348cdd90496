"""Baselines that learn: a linear probe on frozen ImageNet features, and torchxrayvision's classifier from disk."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from egma.errors import DataError, EgmaError
from egma.evaluation.prompts import canonical
from egma.evaluation.result import ModelFacts
from egma.evaluation.scores import Scores
from egma.evaluation.sets.films import PRESENT, UNKNOWN, Film, LabelledSet
from egma.evaluation.subjects import Progress, load_films

FROZEN = "frozen ImageNet features, linear"
_XRV = "torchxrayvision densenet121-all"
_XRV_FILE = "nih-pc-chex-mimic_ch-google-openi-kaggle-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.pt"
_XRV_PX = 224
_BATCH = 16
MOST_FILMS = 2000
"""Of the training split, that the frozen baseline learns from."""


def trained_baselines(
    found: LabelledSet, progress: Progress, *, frozen: bool = True
) -> tuple[list[ModelFacts], list[Scores]]:
    """Those of the two that can be had: the probe needs training films, the classifier its weights on disk."""
    facts: list[ModelFacts] = []
    scores: list[Scores] = []
    if frozen and found.of("train") and found.classes:
        facts.append(
            ModelFacts(FROZEN, "baseline", note="ridge on the training films, its weight chosen on validation")
        )
        scores.append(probe_frozen(found, progress))
    classified = classify_by_xrv(found.tested, found.classes, progress)
    if classified is not None:
        facts.append(ModelFacts(_XRV, "baseline", image_px=_XRV_PX, note="its weights as they lie on this machine"))
        scores.append(classified)
    return facts, scores


def probe_frozen(found: LabelledSet, progress: Progress) -> Scores:
    """Probabilities of the test films by a linear layer on ImageNet features that no film has touched."""
    from egma.evaluation.supervised import fit_linear

    parts = {split: found.of(split) for split in ("train", "val", "test")}
    parts["train"], parts["val"] = (_few(parts[split]) for split in ("train", "val"))
    features = {split: embed_frozen_films(films, progress) for split, films in parts.items() if films}
    truth = {split: np.array([film.truth for film in films]) for split, films in parts.items() if films}
    validation = (features["val"], truth["val"]) if "val" in features else (features["train"], truth["train"])
    values = fit_linear(features["train"], truth["train"], validation, features["test"], exclusive=found.exclusive)
    return Scores(FROZEN, values)


def embed_frozen_films(films: Sequence[Film], progress: Progress) -> NDArray[np.float32]:
    """float32 (F, C): mean and maximum of the last stage of an EfficientNet as ImageNet left it."""
    import torch

    from egma.imaging.geometry import Geometry

    model, size = _load_imagenet()
    found: list[NDArray[np.float32]] = []
    batch: list[NDArray[np.float32]] = []
    for _, study in load_films(films, progress, "films for the frozen baseline"):
        batch.append(Geometry(study.shape, (size, size), "pad").image_to_model(study.pixels))
        if len(batch) == _BATCH or len(found) + len(batch) == len(films):
            with torch.inference_mode():
                stage = model.image(model.normalize(torch.from_numpy(np.stack(batch)))).stages[-1].float()
                found += list(torch.cat([stage.mean(dim=(2, 3)), stage.amax(dim=(2, 3))], dim=1).numpy())
            batch = []
    return np.stack(found)


def _few(films: tuple[Film, ...]) -> tuple[Film, ...]:
    """Films spread evenly over a long list: a baseline need not read an archive."""
    return films if len(films) <= MOST_FILMS else films[:: -(-len(films) // MOST_FILMS)]


def classify_by_xrv(films: Sequence[Film], classes: Sequence[str], progress: Progress) -> Scores | None:
    """Probabilities by torchxrayvision's classifier; None where the package or its weights are not on this machine."""
    weights = Path.home() / ".torchxrayvision" / "models_data" / _XRV_FILE
    if not weights.is_file() or find_spec("torchxrayvision") is None:
        return None
    import torch

    from egma.imaging.geometry import Geometry

    model = _load_xrv()
    columns = [_xrv_column(label, model.pathologies) for label in classes]
    values = np.full((len(films), len(classes)), np.nan)
    for row, (_, study) in enumerate(load_films(films, progress, "films for torchxrayvision")):
        pixels = Geometry(study.shape, (_XRV_PX, _XRV_PX), "crop").image_to_model(study.pixels)
        with torch.inference_mode():
            answer = model(torch.from_numpy(pixels * 2048 - 1024)[None, None])[0].numpy()
        values[row] = [np.nan if column is None else float(answer[column]) for column in columns]
    return Scores(_XRV, values) if np.isfinite(values).any() else None


def known_truth(truth: NDArray[np.integer]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """(present, known), bool each."""
    return truth == PRESENT, truth != UNKNOWN


def _load_xrv() -> Any:
    """The classifier with the weights that lie on disk; what the package prints goes to standard error."""
    import sys
    from contextlib import redirect_stdout

    from egma.compat import ensure_torchvision

    ensure_torchvision()
    import torchxrayvision

    try:
        with redirect_stdout(sys.stderr):
            return torchxrayvision.models.DenseNet(weights="densenet121-res224-all").eval()
    except Exception as error:  # another's package: whatever its own file does to it
        raise DataError(
            f"torchxrayvision's weights {_XRV_FILE[:24]}... cannot be loaded ({type(error).__name__}): delete the "
            "file, or get it again"
        ) from None


def _xrv_column(label: str, names: Sequence[str]) -> int | None:
    wanted = {canonical(label), canonical(label).replace(" ", "_")}
    return next((place for place, name in enumerate(names) if name in wanted), None)


def _load_imagenet():
    from egma.model.build import build_initialized_model
    from egma.model.presets import build_mini_config

    config = build_mini_config()
    try:
        return build_initialized_model(config).eval(), config.image.input_px
    except EgmaError as error:
        raise type(error)(f"the frozen baseline: {error}") from None
