"""Does gaze help? `python -m egma.finetune.mini.ablation --data FOLDER` trains heads with and without it and measures.

A reduced recipe on the checkpoint's own frozen trunks: features are computed once, then heads and text projection are
trained anew for every arm and seed, and everything but the gaze terms is equal. Writes `ablations.json` beside the
checkpoint; `python -m egma evaluate card` makes the card's table and plot of it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from egma.data.manifest import FilmRow, label_arrays, load_manifest
from egma.data.openi import load_openi
from egma.evaluation.card_ablations import ABLATIONS_NAME
from egma.evaluation.films import ScoredFilms
from egma.evaluation.grounding import load_boxes
from egma.evaluation.intervals import Figure, bootstrap
from egma.evaluation.mini import PHANTOM_SEED, plain
from egma.evaluation.outcome import dump_json
from egma.finetune.mini.command import Note, run_deed
from egma.finetune.mini.features import FilmFeatures
from egma.finetune.mini.heads import HeadSettings, train_heads
from egma.finetune.mini.heads_data import HeadsData
from egma.finetune.mini.questions import Questions, answer, ask_boxes, ask_phantoms, embed_studies
from egma.finetune.mini.stages import MINIATURE, Recipe, build_heads_data, build_phantom_films, load_training_films
from egma.finetune.mini.validation import score_films
from egma.imaging.load import load_study
from egma.inference.engine import load_engine
from egma.model.build import build_model, load_model
from egma.model.egma import EgmaModel
from egma.testing.phantoms import build_phantoms

SEEDS, STEPS, PHANTOMS = 3, 100, 500


@dataclass(frozen=True)
class Arm:
    """One row: weights of the gaze terms, None as the recipe has them, and the share of phantoms whose gaze is shown.

    Attributes:
        name: as tables have it.
        egf, egm: whether the term takes part.
        gaze_share: of phantoms.
        whole: the method as the checkpoint was trained with it.
    """

    name: str
    egf: bool = True
    egm: bool = True
    gaze_share: float = 1.0
    whole: bool = False

    def settings(self, base: HeadSettings, seed: int) -> HeadSettings:
        """The recipe's settings for this arm."""
        weights = replace(
            base.weights,
            egf=base.weights.egf if self.egf else 0.0,
            egm=base.weights.egm if self.egm else 0.0,
        )
        return replace(base, weights=weights, gaze_share=self.gaze_share, seed=seed)


ARMS = (
    Arm("no gaze terms", egf=False, egm=False),
    Arm("EGF", egm=False),
    Arm("EGF + EGM, gaze on 0 %", gaze_share=0.0),
    Arm("EGF + EGM, gaze on 10 %", gaze_share=0.1),
    Arm("EGF + EGM, gaze on 50 %", gaze_share=0.5),
    Arm("EGF + EGM, gaze on 100 %", whole=True),
)


@dataclass(frozen=True, eq=False)
class Trial:
    """All that arms are measured on; None where there are no films.

    Attributes:
        phantoms, boxes: questions with known places.
        films: features of the test films.
        rows: those films.
    """

    phantoms: Questions
    boxes: Questions | None = None
    films: FilmFeatures | None = None
    rows: tuple[FilmRow, ...] = ()


@dataclass(frozen=True, eq=False)
class Outcome:
    """One arm at one seed: each lesion's and box's answer, each film's scores (F, 15), and the validation AUROC."""

    hits: NDArray[np.float64]
    gaps: NDArray[np.float64]
    boxes: NDArray[np.float64] | None
    scores: NDArray[np.float64] | None
    validation: float


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m egma.finetune.mini.ablation", description="Train heads with and without gaze, and measure both."
    )
    parser.add_argument("--data", type=Path, help="folder with cxr/manifest.csv, cxr/images and cxr/boxes.csv")
    parser.add_argument("--checkpoint", default="egma-mini", help="whose trunks and recipe are taken")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--steps", type=int, default=STEPS, help="of each training (default: %(default)s)")
    parser.add_argument("--phantoms", type=int, default=PHANTOMS, help="fresh ones (default: %(default)s)")
    parser.add_argument("--miniature", action="store_true", help="on phantoms alone, in seconds: tries the code")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Train every arm, measure, write. Exit status 2 is the caller's mistake."""
    return run_deed(_run_and_say, build_parser().parse_args(arguments))


def _run_and_say(parsed: argparse.Namespace, note: Note) -> str:
    path = run_command(parsed, note)
    return f"{path.name} is beside {parsed.checkpoint}; python -m egma evaluate card {parsed.checkpoint} shows it"


def run_command(parsed: argparse.Namespace, note: Callable[[str], None]) -> Path:
    """What `main` does, as the arguments ask."""
    checkpoint = load_engine(parsed.checkpoint, "cpu").checkpoint
    model = load_model(checkpoint)
    recipe = MINIATURE if parsed.miniature else Recipe()
    if parsed.miniature or parsed.data is None:
        films, reports, rows = build_phantom_films(recipe), [], []
    else:
        rows, reports = load_manifest(parsed.data), load_openi()
        films = load_training_films(rows, recipe.films_px, note)
    layers = (None,) * model.config.heads.groups
    data = build_heads_data(model, films, reports, layers, recipe, note)
    trial = build_trial(model, rows, parsed.data, parsed.phantoms, note)
    base = replace(recipe.heads, steps=parsed.steps, validate_every=max(1, parsed.steps // 2), soft_share=0.0)
    found = compare_arms(model, data, trial, base, parsed.seeds, note)
    path = (checkpoint.folder or Path()) / ABLATIONS_NAME
    path.write_text(dump_json({"checkpoint": checkpoint.name, **found}), encoding="utf-8")
    return path


def build_trial(
    model: EgmaModel, rows: Sequence[FilmRow], data: Path | None, phantoms: int, note: Callable[[str], None]
) -> Trial:
    """Fresh phantoms, and the test films and boxes where there are any."""
    side = model.config.image.input_px
    fresh = ask_phantoms(model, list(build_phantoms(phantoms, PHANTOM_SEED, (side, side))))
    note(f"{len(fresh.film)} lesions of {phantoms} fresh phantoms")
    tested = tuple(row for row in rows if row.split == "test" and row.known.all())
    if not tested or data is None:
        return Trial(fresh)
    studies = {row.path.name: load_study(row.path) for row in tested}
    boxes = ask_boxes(model, studies, load_boxes(data / "cxr" / "boxes.csv"))
    films = embed_studies(model, [studies[row.path.name] for row in tested])
    note(f"{len(tested)} test films, {len(boxes.film)} boxed findings")
    return Trial(fresh, boxes, films, tested)


def compare_arms(
    model: EgmaModel, data: HeadsData, trial: Trial, base: HeadSettings, seeds: int, note: Callable[[str], None]
) -> dict[str, Any]:
    """Every arm's figures, as `ablations.json` has them."""
    outcomes: dict[str, list[Outcome]] = {}
    for arm in ARMS:
        for seed in range(seeds):
            outcomes.setdefault(arm.name, []).append(_train_arm(model, data, trial, arm.settings(base, seed)))
            last = outcomes[arm.name][-1]
            note(f"{arm.name}, seed {seed}: pointing {last.hits.mean():.3f}, validation AUROC {last.validation:.4f}")
    plainest = outcomes[ARMS[0].name]
    guesses = {"pointing": round(float(trial.phantoms.guess.mean()), 4)}
    if trial.boxes is not None:
        guesses["boxes"] = round(float(trial.boxes.guess.mean()), 4)
    return {
        "seeds": seeds,
        "steps": base.steps,
        "phantoms": len(trial.phantoms.features.fine[0]),
        "guesses": guesses,
        "arms": [_figures(arm, outcomes[arm.name], plainest, trial) for arm in ARMS],
    }


def _train_arm(model: EgmaModel, data: HeadsData, trial: Trial, settings: HeadSettings) -> Outcome:
    _begin_anew(model, settings.seed)
    found = train_heads(model, data, settings)
    model.eval()
    points = answer(model, trial.phantoms)
    boxes = answer(model, trial.boxes).hit if trial.boxes is not None else None
    scores = None
    if trial.films is not None:
        with torch.inference_mode():
            mixed = score_films(model, trial.films, data.prompts).mixed(found.patch_share)
        scores = np.asarray(mixed, np.float64)
    return Outcome(points.hit, points.gap, boxes, scores, found.auroc)


def _begin_anew(model: EgmaModel, seed: int) -> None:
    """Heads, projection and temperature as chance makes them; the trunks' widening and the film's vector stay."""
    torch.manual_seed(seed)
    fresh = build_model(model.config)
    kept = {name: tensor for name, tensor in model.heads.state_dict().items() if name.startswith(("widen.", "global_"))}
    model.heads.load_state_dict({**fresh.heads.state_dict(), **kept})
    model.text_projection.load_state_dict(fresh.text_projection.state_dict())
    with torch.no_grad():
        model.logit_scale.copy_(fresh.logit_scale)
    for part in (model.heads, model.text_projection):
        part.requires_grad_(True)
    model.logit_scale.requires_grad_(True)


def _figures(arm: Arm, found: list[Outcome], plainest: list[Outcome], trial: Trial) -> dict[str, Any]:
    """One row: means over the seeds with intervals over cases, and paired differences from the first arm."""
    lesions = trial.phantoms.film
    row: dict[str, Any] = {"name": arm.name, "whole": arm.whole, "gaze_share": arm.gaze_share, "egf": arm.egf}
    row |= {"egm": arm.egm, "seed_pointing": [round(float(each.hits.mean()), 4) for each in found]}
    row["validation_auroc"] = [round(each.validation, 4) for each in found]
    hits, other = _over_seeds(found, "hits"), _over_seeds(plainest, "hits")
    row["pointing"], row["pointing_gain"] = plain(_mean(hits, lesions)), plain(_mean(hits - other, lesions))
    row["gap"] = plain(_mean(_over_seeds(found, "gaps"), lesions))
    if trial.boxes is not None:
        boxes, without = _over_seeds(found, "boxes"), _over_seeds(plainest, "boxes")
        row["boxes"] = plain(_mean(boxes, trial.boxes.film))
        row["boxes_gain"] = plain(_mean(boxes - without, trial.boxes.film))
    if trial.rows:
        mine, theirs = _scored(found, trial.rows), _scored(plainest, trial.rows)
        patients = mine[0].patients
        row["auroc"] = plain(bootstrap(lambda places: _macro(mine, places), patients))
        row["auroc_gain"] = plain(bootstrap(lambda places: _macro(mine, places) - _macro(theirs, places), patients))
    return row


def _over_seeds(found: list[Outcome], name: str) -> NDArray[np.float64]:
    return np.mean([getattr(each, name) for each in found], axis=0)


def _mean(values: NDArray[np.float64], groups: NDArray[np.intp]) -> Figure:
    kept = np.isfinite(values)
    values = values[kept]
    return bootstrap(lambda places: float(values[places].mean()) if len(places) else float("nan"), groups[kept])


def _scored(found: list[Outcome], rows: Sequence[FilmRow]) -> list[ScoredFilms]:
    present, _ = label_arrays(rows)
    patients = np.array([row.patient for row in rows])
    return [ScoredFilms(present, each.scores, patients) for each in found if each.scores is not None]


def _macro(films: list[ScoredFilms], places: NDArray[np.intp]) -> float:
    return float(np.mean([each.macro(places) for each in films]))


if __name__ == "__main__":
    sys.exit(main())
