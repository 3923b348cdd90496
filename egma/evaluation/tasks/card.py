"""`evaluate card`: measure a checkpoint as its card does, and write figures.json, card.md and pictures again."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult

if TYPE_CHECKING:
    from egma.checkpoints import Checkpoint
    from egma.evaluation.mini import Measured
    from egma.inference.engine import Engine

NAME = "card"
HELP = "measure a checkpoint and write its card again"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `egma.evaluation.mini`."""
    parser.add_argument("name", nargs="?", help="the checkpoint; the same as --checkpoint")
    parser.add_argument("--phantoms", type=int, default=500, help="fresh phantoms to measure on (default: %(default)s)")
    parser.add_argument("--phantom-px", type=int, default=320, help="their side (default: %(default)s)")
    parser.add_argument("--results", type=Path, metavar="FOLDER", help="evaluations whose figures the card tells too")
    parser.add_argument("--from-results", action="store_true", help="measure nothing: what was measured before stays")
    parser.add_argument("--remark", action="append", default=[], help="a sentence about this measurement, for the card")
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="pictures of test films, with their pixels, there")
    parser.add_argument("--dry", action="store_true", help="write nothing into the checkpoint's folder")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Figures as figures.json holds them, and the card they make."""
    from egma.checkpoints import load_checkpoint
    from egma.errors import SettingsError
    from egma.evaluation.card import read_measured, write_card
    from egma.evaluation.card_ablations import read_ablations
    from egma.evaluation.card_results import EVALUATIONS, read_results

    if arguments.gallery is not None and arguments.data is None:
        raise SettingsError("--gallery shows test films: name their folder by --data")
    checkpoint = load_checkpoint(arguments.name or arguments.checkpoint.split(",")[0], verify=False)
    earlier = read_measured(checkpoint)
    if not arguments.dry:
        check_writable(checkpoint)
        check_kept(checkpoint.name, earlier, measures=not arguments.from_results, films=arguments.data is not None)
    told = read_results(arguments.results, checkpoint.hash) if arguments.results is not None else None
    told = earlier.get(EVALUATIONS, {}) if told is None else told
    measured = _keep(checkpoint, earlier, told) if arguments.from_results else _measure(checkpoint, arguments)
    remarks = arguments.remark or earlier.get("remarks")
    measured.figures.update({EVALUATIONS: told} if told else {})
    measured.figures.update({"remarks": list(map(str, remarks))} if remarks else {})
    ablations = read_ablations(checkpoint.folder) if checkpoint.folder is not None else None
    result = TaskResult(measured.figures, write_card(checkpoint, measured.figures, ablations))
    if not arguments.dry and checkpoint.folder is not None:
        _write(checkpoint.folder, measured, result, ablations)
    return result


def check_writable(checkpoint: Checkpoint) -> None:
    """Refuse before anything is measured where the card could not be kept.

    Raises:
        CheckpointError: the folder may not be written to.
    """
    from egma.errors import CheckpointError

    folder = checkpoint.folder
    if folder is None or not os.access(folder, os.W_OK):
        raise CheckpointError(
            f"checkpoint {checkpoint.name}: its folder may not be written to, so its card stays as it is; "
            "copy the checkpoint into DATA/checkpoints, or add --dry --out FOLDER to keep the new card elsewhere"
        )


def check_kept(name: str, earlier: dict[str, Any], *, measures: bool, films: bool) -> None:
    """Refuse to put a card without films in the place of one with them.

    Raises:
        DataError: figures on films would be lost.
    """
    from egma.errors import DataError

    if measures and not films and "films" in earlier:
        raise DataError(
            f"the card of {name} has figures on films, which a measurement without --data would lose; add --data "
            "FOLDER, or --from-results to keep them"
        )


def check_any(name: str, earlier: dict[str, Any], told: dict[str, Any]) -> None:
    """Refuse a card without a figure.

    Raises:
        DataError: nothing was measured before, and no evaluation is of these weights.
    """
    from egma.errors import DataError

    if not earlier and not told:
        raise DataError(f"nothing was measured of {name} yet; evaluate it first, or measure now without --from-results")


def _measure(checkpoint: Checkpoint, arguments: argparse.Namespace) -> Measured:
    from egma.evaluation.mini import measure
    from egma.inference.engine import load_engine

    engine = load_engine(checkpoint.folder or checkpoint.name, device=arguments.device)
    data = Path(arguments.data) if arguments.data is not None else None
    measured = measure(engine, data, arguments.phantoms, arguments.phantom_px, arguments.progress)
    if arguments.gallery is not None:
        _write_gallery(engine, measured, arguments.gallery)
    return measured


def _keep(checkpoint: Checkpoint, earlier: dict[str, Any], told: dict[str, Any]) -> Measured:
    """What was measured before, without the evaluations it told of."""
    from egma.evaluation.card_results import EVALUATIONS
    from egma.evaluation.mini import Measured

    check_any(checkpoint.name, earlier, told)
    named = {"checkpoint": checkpoint.name, "hash": checkpoint.hash}
    return Measured(named | {key: value for key, value in earlier.items() if key != EVALUATIONS})


def _write(folder: Path, measured: Measured, result: TaskResult, ablations: dict[str, object] | None) -> None:
    from egma.evaluation.card_ablations import ABLATION_PICTURE, draw_ablations
    from egma.evaluation.looks import DARK, dark_name
    from egma.evaluation.mini import FIGURES_NAME
    from egma.evaluation.outcome import dump_json
    from egma.replacing import replace_file

    files = dict(measured.pictures)
    if ablations is not None:
        files[ABLATION_PICTURE] = draw_ablations(ablations)
        files[dark_name(ABLATION_PICTURE)] = draw_ablations(ablations, DARK)
    files[FIGURES_NAME] = dump_json(measured.figures).encode()
    files["card.md"] = result.text.encode()
    for name, content in files.items():
        replace_file(folder / name, content)


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
