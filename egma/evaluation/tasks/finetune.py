"""`evaluate finetune`: trunk and a linear layer trained at 1, 10 and 100 % of the labels, AUROC and F1."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options, list_facts
from egma.evaluation.tasks.shares import (
    add_share_option,
    comparisons_at,
    definitions,
    entries_at,
    floor_entries,
    floor_facts,
    main_metrics,
    open_supervised,
    read_shares,
)

if TYPE_CHECKING:
    from egma.evaluation.finetuning import TuneSettings
    from egma.evaluation.result import Comparison
    from egma.evaluation.scores import Table
    from egma.evaluation.tuned_films import TunedShare
    from egma.inference.engine import Engine

NAME = "finetune"
HELP = "the whole image half trained at 1, 10 and 100 % of the labels, AUROC and F1"
FILMS, VALIDATION_FILMS = 2000, 300


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set, which shares, and what bounds the time that it takes."""
    add_set_options(parser)
    add_share_option(parser)
    add_tune_options(parser)
    parser.add_argument(
        "--films", type=int, default=FILMS, help="training films a share at most, 0 for all (default: %(default)s)"
    )
    parser.add_argument(
        "--validation-films",
        type=int,
        default=VALIDATION_FILMS,
        help="validation films at most, 0 for all (default: %(default)s)",
    )


def add_tune_options(parser: argparse.ArgumentParser) -> None:
    """`--epochs`, `--steps`, `--batch`, `--rate`."""
    parser.add_argument("--epochs", type=int, default=5, help="at most (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of the optimiser, at most (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=16, help="films a step (default: %(default)s)")
    parser.add_argument(
        "--rate", type=float, default=5e-5, help="the trunk's learning rate at its highest (default: %(default)s)"
    )


def read_tune_settings(arguments: argparse.Namespace) -> TuneSettings:
    """The four options and the seed, checked."""
    import math

    from egma.errors import SettingsError
    from egma.evaluation.finetuning import TuneSettings

    for name, most in (("epochs", 1_000), ("steps", 1_000_000), ("batch", 1_024)):
        value = getattr(arguments, name)
        if not 1 <= value <= most:
            raise SettingsError(f"--{name}: wanted 1 to {most}, got {value}")
    if not (math.isfinite(arguments.rate) and 0 < arguments.rate <= 1):
        raise SettingsError(f"--rate: wanted a learning rate above 0 and at most 1, got {arguments.rate}")
    if arguments.seed < 0:
        raise SettingsError(f"--seed: wanted 0 or more, got {arguments.seed}")
    return TuneSettings(arguments.epochs, arguments.steps, arguments.batch, arguments.rate, arguments.seed)


def run(arguments: argparse.Namespace) -> TaskResult:
    """Every checkpoint fine-tuned at every share, beside the frozen probe that it starts from."""
    from egma.evaluation.result import Evaluation
    from egma.evaluation.scores import Table
    from egma.evaluation.subjects import open_engines
    from egma.evaluation.tuned_films import TuneTask, tune_films

    shares, settings = read_shares(arguments.shares), read_tune_settings(arguments)
    films, validation = read_cap(arguments, "films"), read_cap(arguments, "validation_films")
    listed, found = open_supervised(arguments, NAME)
    task = TuneTask.of(found, shares, settings, films, validation)
    engines = open_engines(arguments.checkpoint, arguments.device)
    tuned = [share for engine in engines for share in tune_films(engine, task, arguments.progress)]
    table = Table(found, arguments.draws, arguments.seed)
    entries = [
        entry
        for each in tuned
        for scores in (each.tuned, each.frozen)
        for entry in entries_at(table, scores, each.share)
    ]
    return Evaluation(
        task=NAME,
        data=list_facts(listed),
        protocol=_protocol(task, tuned, arguments),
        models=(*_models(engines), *floor_facts()),
        entries=(*entries, *floor_entries(table, shares, arguments.seed)),
        main=main_metrics(found, shares),
        comparisons=tuple(_compare(table, tuned, shares)),
        notes=tuple(task.notes),
    ).as_result()


def read_cap(arguments: argparse.Namespace, name: str) -> int | None:
    """A number of films at most; None for all."""
    from egma.errors import SettingsError

    value = getattr(arguments, name)
    if value < 0:
        raise SettingsError(f"--{name.replace('_', '-')}: wanted 0 (all) or more, got {value}")
    return value or None


def _models(engines: list[Engine]) -> list[Any]:
    from egma.evaluation.result import ModelFacts
    from egma.evaluation.subjects import facts_of
    from egma.evaluation.tuned_films import FROZEN

    return [
        facts
        for engine in engines
        for facts in (
            facts_of(engine),
            ModelFacts(f"{engine.checkpoint.name}{FROZEN}", "baseline", note="the linear layer that it starts from"),
        )
    ]


def _compare(table: Table, tuned: list[TunedShare], shares: tuple[int, ...]) -> list[Comparison]:
    """The first checkpoint, fine-tuned, against its own frozen probe and against the other checkpoints."""
    found: list[Comparison] = []
    for share in shares:
        first, *others = [each for each in tuned if each.share == share]
        for other in (first.frozen, *(each.tuned for each in others)):
            found += comparisons_at(table, first.tuned, other, share)
    return found


def _protocol(task: Any, tuned: list[TunedShare], arguments: argparse.Namespace) -> dict[str, Any]:
    from egma.evaluation.finetuning import LAYER_RATE

    settings = task.settings
    return {
        "prompts": {"name": "none: a linear layer on image vectors, trunk and heads trained", "seed": None},
        "shares": list(task.shares),
        "training_films": {str(share): len(places) for share, places in task.places.items()},
        "validation_films": len(task.validation),
        "epochs_at_most": settings.epochs,
        "steps_at_most": settings.steps,
        "batch": settings.batch,
        "rate": settings.rate,
        "layer_rate": settings.rate * LAYER_RATE,
        "precision": "float32",
        "start": "the linear probe on the frozen vectors of the same films",
        "selection": "epoch by macro AUROC (of equal ones the lower loss), thresholds by F1, all on validation films",
        "runs": [each.as_json() for each in tuned],
        "seed": arguments.seed,
        "draws": arguments.draws,
        "definitions": definitions(),
    }
