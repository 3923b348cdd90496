"""Options of tasks that fine-tune: how long, how fast, and on how many films at most."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from egma.evaluation.finetuning import TuneSettings

FILMS, VALIDATION_FILMS = 2000, 300
_MOST = {"epochs": 1_000, "steps": 1_000_000, "batch": 1_024}


def add_tune_options(parser: argparse.ArgumentParser) -> None:
    """`--epochs`, `--steps`, `--batch`, `--rate`."""
    parser.add_argument("--epochs", type=int, default=5, help="at most (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=150, help="of the optimiser, at most (default: %(default)s)")
    parser.add_argument("--batch", type=int, default=16, help="films a step (default: %(default)s)")
    parser.add_argument(
        "--rate", type=float, default=5e-5, help="the trunk's learning rate at its highest (default: %(default)s)"
    )


def add_film_options(parser: argparse.ArgumentParser, films: str) -> None:
    """`--films`, which `films` says what it counts, and `--validation-films`."""
    parser.add_argument("--films", type=int, default=FILMS, help=f"{films} at most, 0 for all (default: %(default)s)")
    parser.add_argument(
        "--validation-films",
        type=int,
        default=VALIDATION_FILMS,
        help="validation films at most, 0 for all (default: %(default)s)",
    )


def read_tune_settings(arguments: argparse.Namespace) -> TuneSettings:
    """The four options and the seed, checked."""
    from egma.errors import SettingsError
    from egma.evaluation.finetuning import TuneSettings

    for name, most in _MOST.items():
        value = getattr(arguments, name)
        if not 1 <= value <= most:
            raise SettingsError(f"--{name}: wanted 1 to {most}, got {value}")
    if not (math.isfinite(arguments.rate) and 0 < arguments.rate <= 1):
        raise SettingsError(f"--rate: wanted a learning rate above 0 and at most 1, got {arguments.rate}")
    if arguments.seed < 0:
        raise SettingsError(f"--seed: wanted 0 or more, got {arguments.seed}")
    return TuneSettings(arguments.epochs, arguments.steps, arguments.batch, arguments.rate, arguments.seed)


def read_cap(arguments: argparse.Namespace, name: str) -> int | None:
    """A number of films at most; None for all."""
    from egma.errors import SettingsError

    value = getattr(arguments, name)
    if value < 0:
        raise SettingsError(f"--{name.replace('_', '-')}: wanted 0 (all) or more, got {value}")
    return value or None
