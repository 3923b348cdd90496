"""Makes egma-mini, seeded: `python -m egma.finetune.mini --data FOLDER --out checkpoints/egma-mini`.

First the image trunk learns films, then, on its frozen features, heads and text projection learn what sentences mean
and where; then probabilities and the display range are fitted on validation films. Test films are never read here:
`python -m egma.evaluation.mini` does that, once, and writes figures and card into the checkpoint.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch

from egma.checkpoints import Checkpoint, save_checkpoint
from egma.config import ModelConfig
from egma.data.manifest import load_manifest
from egma.data.openi import load_openi
from egma.device import choose_device
from egma.errors import DataError
from egma.finetune.mini.command import Note, run_deed
from egma.finetune.mini.heads import train_heads
from egma.finetune.mini.stages import (
    MINIATURE,
    Recipe,
    TrainingFilms,
    build_heads_data,
    build_phantom_films,
    calibrate,
    load_training_films,
)
from egma.finetune.mini.teacher import start_film_vector
from egma.finetune.mini.trunks import BroughtTrunks, bring_trunks
from egma.finetune.mini.validation import Validation
from egma.model.build import build_initialized_model
from egma.model.presets import build_mini_config

FILM_MEAN, FILM_STD = (0.53,) * 3, (0.25,) * 3
"""Of the training films' pixels: what the trunk sees is centred, whatever ImageNet's mean was."""

CARD_UNTIL_MEASURED = "# {name}\n\nTrained, not measured yet: `python -m egma.evaluation.mini` writes this card.\n"


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m egma.finetune.mini", description="Train egma-mini from films and report sentences."
    )
    parser.add_argument("--data", type=Path, help="folder with cxr/manifest.csv and cxr/images")
    parser.add_argument("--out", type=Path, default=Path("checkpoints/egma-mini"), help="the checkpoint's folder")
    parser.add_argument(
        "--work", type=Path, help="keeps trained trunks and states here; the same command takes up what was interrupted"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, help="of the heads' training")
    parser.add_argument("--miniature", action="store_true", help="a tiny model on phantoms, in seconds: tries the code")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, save, and say where. Exit status 2 is the caller's mistake."""
    return run_deed(_train_and_say, build_parser().parse_args(arguments))


def _train_and_say(parsed: argparse.Namespace, note: Note) -> str:
    checkpoint = train_mini(parsed, note)
    return f"{checkpoint.name} {checkpoint.hash[:12]} is in {parsed.out}"


def train_mini(parsed: argparse.Namespace, note: Note) -> Checkpoint:
    """The whole recipe as the command's arguments ask for it."""
    recipe = _recipe(parsed)
    torch.manual_seed(recipe.seed)
    if parsed.miniature:
        films, reports = build_phantom_films(recipe), []
    elif parsed.data is None:
        raise DataError("--data is missing: name the folder that holds cxr/manifest.csv, or try --miniature")
    else:
        films = load_training_films(load_manifest(parsed.data), recipe.films_px, note)
        reports = load_openi()
    model = build_initialized_model(recipe_config(recipe)).to(choose_device(parsed.device))
    trunks = bring_trunks(model, films, recipe.trunks, parsed.work, note)
    data = build_heads_data(model, films, reports, trunks.layers, recipe, note)
    started = start_film_vector(model, data.films.features, trunks.layers, recipe.seed)
    heads = replace(recipe.heads, film_vector=not started, axes_seed=recipe.seed)
    found = train_heads(model, data, heads, note, parsed.work / "heads" if parsed.work else None)
    model.eval()
    config = replace(calibrate(model, data, found), training=_describe(recipe, films, len(reports), trunks, found))
    note(f"best: {found}; display range {config.display_range}")
    return save_checkpoint(model, config, parsed.out, CARD_UNTIL_MEASURED.format(name=parsed.out.name))


def _recipe(parsed: argparse.Namespace) -> Recipe:
    recipe = MINIATURE if parsed.miniature else Recipe()
    heads = replace(recipe.heads, seed=parsed.seed, steps=parsed.steps or recipe.heads.steps)
    trunks = tuple(replace(trunk, seed=trunk.seed + parsed.seed) for trunk in recipe.trunks)
    return replace(recipe, seed=parsed.seed, trunks=trunks, heads=heads)


def recipe_config(recipe: Recipe) -> ModelConfig:
    """The config of the recipe's model before training, with its trunks side by side."""
    names = [trunk.name for trunk in recipe.trunks]
    if "tiny" in names:
        from egma.testing.models import build_tiny_config

        config = build_tiny_config()
        image = replace(config.image, name="+".join(names))
        return replace(config, image=image, heads=replace(config.heads, groups=len(names)))
    config = build_mini_config(*names)
    return replace(config, image=replace(config.image, mean=FILM_MEAN, std=FILM_STD))


def _describe(
    recipe: Recipe, films: TrainingFilms, reports: int, trunks: BroughtTrunks, found: Validation
) -> dict[str, object]:
    """What the card tells of the training."""
    return {
        "recipe": asdict(recipe),
        "films": {"train": len(films.train), "validation": len(films.validation), "excluded": films.excluded},
        "reports": reports,
        "trunk_validation_auroc": list(trunks.aurocs),
        "validation": asdict(found),
    }
