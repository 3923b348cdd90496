"""`evaluate card`: measure a checkpoint as its card does, and write figures.json and card.md into its folder again."""

from __future__ import annotations

import argparse
from pathlib import Path

from egma.evaluation.outcome import TaskResult

NAME = "card"
HELP = "measure a checkpoint and write its card again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `egma.evaluation.mini`."""
    parser.add_argument("name", nargs="?", help="the checkpoint; the same as --checkpoint")
    parser.add_argument("--phantoms", type=int, default=500, help="fresh phantoms to measure on (default: %(default)s)")
    parser.add_argument("--phantom-px", type=int, default=320, help="their side (default: %(default)s)")
    parser.add_argument("--remark", action="append", default=[], help="a sentence about this measurement, for the card")
    parser.add_argument("--dry", action="store_true", help="write nothing into the checkpoint's folder")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Figures as figures.json holds them, and the card they make."""
    from egma.evaluation.card import write_card
    from egma.evaluation.mini import FIGURES_NAME, measure
    from egma.inference.engine import load_engine

    engine = load_engine(arguments.name or arguments.checkpoint.split(",")[0], device=arguments.device)
    data = Path(arguments.data) if arguments.data is not None else None
    figures = measure(engine, data, arguments.phantoms, arguments.phantom_px)
    if arguments.remark:
        figures["remarks"] = arguments.remark
    result = TaskResult(figures, write_card(engine.checkpoint, figures))
    if not arguments.dry and engine.checkpoint.folder is not None:
        from egma.evaluation.outcome import dump_json

        (engine.checkpoint.folder / FIGURES_NAME).write_text(dump_json(figures), encoding="utf-8")
        (engine.checkpoint.folder / "card.md").write_text(result.text, encoding="utf-8")
    return result
