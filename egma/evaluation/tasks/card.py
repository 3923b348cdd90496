"""`evaluate card`: measure a checkpoint as its card does, and write figures.json, card.md and pictures again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from egma.evaluation.outcome import TaskResult

if TYPE_CHECKING:
    from egma.evaluation.mini import Measured
    from egma.inference.engine import Engine

NAME = "card"
HELP = "measure a checkpoint and write its card again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `egma.evaluation.mini`."""
    parser.add_argument("name", nargs="?", help="the checkpoint; the same as --checkpoint")
    parser.add_argument("--phantoms", type=int, default=500, help="fresh phantoms to measure on (default: %(default)s)")
    parser.add_argument("--phantom-px", type=int, default=320, help="their side (default: %(default)s)")
    parser.add_argument("--remark", action="append", default=[], help="a sentence about this measurement, for the card")
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="pictures of test films, with their pixels, there")
    parser.add_argument("--dry", action="store_true", help="write nothing into the checkpoint's folder")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Figures as figures.json holds them, and the card they make."""
    from egma.errors import SettingsError
    from egma.evaluation.card import read_ablations, read_remarks, write_card
    from egma.evaluation.mini import measure
    from egma.inference.engine import load_engine

    if arguments.gallery is not None and arguments.data is None:
        raise SettingsError("--gallery shows test films: name their folder by --data")
    engine = load_engine(arguments.name or arguments.checkpoint.split(",")[0], device=arguments.device)
    data = Path(arguments.data) if arguments.data is not None else None
    measured = measure(engine, data, arguments.phantoms, arguments.phantom_px)
    folder = engine.checkpoint.folder
    remarks = arguments.remark or read_remarks(engine.checkpoint)
    if remarks:
        measured.figures["remarks"] = remarks
    ablations = read_ablations(folder) if folder is not None else None
    result = TaskResult(measured.figures, write_card(engine.checkpoint, measured.figures, ablations))
    if not arguments.dry and folder is not None:
        _write(folder, measured, result, ablations)
    if arguments.gallery is not None:
        _write_gallery(engine, measured, arguments.gallery)
    return result


def _write(folder: Path, measured: Measured, result: TaskResult, ablations: dict[str, object] | None) -> None:
    from egma.evaluation.card import ABLATION_PICTURE, draw_ablations
    from egma.evaluation.mini import FIGURES_NAME
    from egma.evaluation.outcome import dump_json

    (folder / FIGURES_NAME).write_text(dump_json(measured.figures), encoding="utf-8")
    (folder / "card.md").write_text(result.text, encoding="utf-8")
    for name, content in measured.pictures.items():
        (folder / name).write_bytes(content)
    if ablations is not None:
        (folder / ABLATION_PICTURE).write_bytes(draw_ablations(ablations))


def _write_gallery(engine: Engine, measured: Measured, folder: Path) -> None:
    from egma.cli.options import print_note
    from egma.evaluation.cases import write_gallery

    tested = measured.tested
    if tested is None:
        return
    by_name = {row.path.name: study for row, study in zip(tested.rows, tested.studies)}
    boxed = [(each, by_name[each.image], point) for each, point in zip(tested.boxed, tested.points)]
    count = write_gallery(engine, tested.studies, tested.films, boxed, folder)
    print_note(f"{count} pictures of test films are in {folder.name}; they show patients' films: keep them to yourself")
