"""`python -m egma classify IMAGE...`: the probability of each finding on each film."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from egma.cli.options import add_json_option, add_model_options, print_json, print_note
from egma.errors import EgmaError

if TYPE_CHECKING:
    from egma.inference.engine import Engine

CAVEAT = "Research use only, not for diagnosis. A probability is the model's, calibrated on its own validation films."
UNCALIBRATED = "Research use only, not for diagnosis. This model is not calibrated: percentages order films, no more."


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "classify", help="the probability of each finding on each film"
    )
    parser.add_argument("images", nargs="+", metavar="IMAGE", help="a DICOM, PNG, JPEG or TIFF film")
    add_model_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Classify every film that can be read; a film that cannot costs a sentence and exit status 2, not the others."""
    import egma

    engine = egma.load_engine(arguments.checkpoint, device=arguments.device)
    results: dict[str, dict[str, float]] = {}
    failed = 0
    for image in dict.fromkeys(arguments.images):
        try:
            results[image] = _classify_film(engine, image)
        except EgmaError as error:
            failed += 1
            print_note(f"{image}: {error}")
    if arguments.json:
        print_json(results)
    else:
        _print_table(results, engine)
    return 2 if failed else 0


def _classify_film(engine: Engine, image: str) -> dict[str, float]:
    import egma

    study = egma.load_study(image)
    for warning in study.warnings:
        print_note(f"{image}: {warning}")
    return engine.classify(study)


def _print_table(results: dict[str, dict[str, float]], engine: Engine) -> None:
    from egma.calibration import is_calibrated, is_unsure

    configs = engine.checkpoint.config.classify
    for image, scores in results.items():
        print(image)
        for finding, probability in sorted(scores.items(), key=lambda item: -item[1]):
            call = "  not sure" if is_unsure(configs[finding], probability) else ""
            print(f"  {finding:<20} {probability:6.1%}{call}")
    if results:
        print_note(CAVEAT if any(map(is_calibrated, configs.values())) else UNCALIBRATED)
