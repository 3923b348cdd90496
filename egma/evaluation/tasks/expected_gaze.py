"""`evaluate expected_gaze`: predicted looking against readers, between the centre bias and another reader."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import print_note
from egma.evaluation.outcome import TaskResult, finite

if TYPE_CHECKING:
    from egma.evaluation.expected_gaze import ExpectedFigures
    from egma.evaluation.intervals import Figure

NAME = "expected_gaze"
HELP = "how well expected gaze predicts readers, against a centre-bias floor and another reader"
SIZE_PX = 320
_TITLES = {
    "floor": "centre bias (floor)",
    "findings": "expected, from the model's findings",
    "sentences": "expected, from the dictated sentences",
    "ceiling": "another reader (ceiling)",
}
_HEADS = {"nss": "NSS", "auc_judd": "AUC", "information_gain": "gain, bits", "cc": "CC", "sim": "SIM", "kl": "KL"}
_STEP = 20
_SIMULATED = (
    "The invented readers follow the lesions' masks, and egma-mini was trained on other phantoms read in the same way: "
    "these figures say that the pooling works, not how well radiologists are predicted."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The task's own options."""
    parser.add_argument("--films", type=int, default=100, help="at most so many films (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=20_240, help="of phantoms, or of the choice of films")
    parser.add_argument("--images", type=Path, metavar="DIR", help="MIMIC-CXR's images, where --data has none")


def run(arguments: argparse.Namespace) -> TaskResult:
    """Measure on the user's gaze data set, or on fresh phantoms whose gaze is simulated."""
    from egma.data.build import Source
    from egma.errors import SettingsError
    from egma.evaluation.expected_gaze import measure_expected, phantom_cases, recorded_cases
    from egma.inference.engine import load_engine

    if "," in arguments.checkpoint:
        raise SettingsError("expected_gaze measures one checkpoint at a time; name one with --checkpoint")
    if arguments.films < 1 or arguments.seed < 0:
        raise SettingsError("--films wants at least 1 and --seed at least 0")
    engine = load_engine(arguments.checkpoint, device=arguments.device)
    if arguments.data is None:
        cases = phantom_cases(arguments.films, arguments.seed, SIZE_PX)
    else:
        cases = recorded_cases(Source(arguments.data, arguments.images), arguments.films, arguments.seed)
    done = [0]

    def note(_name: str) -> None:
        done[0] += 1
        if done[0] % _STEP == 0:
            print_note(f"{done[0]} of at most {arguments.films} films")

    found = measure_expected(engine, cases, note)
    data = "phantoms, gaze simulated" if arguments.data is None else "recorded gaze"
    values = {
        "checkpoint": engine.checkpoint.hash,
        "data": data,
        "films": found.films,
        "simulated": found.simulated,
        "seed": arguments.seed,
        "figures": {name: _values(row) for name, row in found.figures.items()},
        "gains_over_floor": {name: _values(row) for name, row in found.gains.items()},
    }
    return TaskResult(values, _lines(found, values))


def _values(row: dict[str, Figure]) -> dict[str, Any]:
    return {
        measure: {"value": finite(each.value), "low": finite(each.low), "high": finite(each.high)}
        for measure, each in row.items()
    }


def _lines(found: ExpectedFigures, values: dict[str, Any]) -> str:
    label = "SIMULATED gaze on phantoms: invented readers, nobody was recorded" if found.simulated else "Recorded gaze"
    lines = [f"Expected gaze (predicted, not recorded). {label}. {found.films} films; seed {values['seed']}.", ""]
    lines += [f"| Predicted by | {' | '.join(_HEADS.values())} |", f"|---|{'---|' * len(_HEADS)}"]
    for name, title in _TITLES.items():
        if name in found.figures:
            lines.append(f"| {title} | {' | '.join(_cell(found.figures[name][key]) for key in _HEADS)} |")
    for name, title in _TITLES.items():
        if name in found.gains:
            lines.append(
                f"| {title}, minus the floor | {' | '.join(_cell(found.gains[name][key]) for key in _HEADS)} |"
            )
    lines += ["", f"Checkpoint {values['checkpoint'][:16]}. Higher is better, for KL lower."]
    if found.simulated:
        lines.append(_SIMULATED)
    return "\n".join(lines)


def _cell(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
