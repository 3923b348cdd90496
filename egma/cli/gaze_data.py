"""`python -m egma gaze-data {build,check}`: gaze data sets as training data, built once, and what was left out and why.

python -m egma gaze-data build ROOT --out FOLDER [--images DIR] [--reports DIR] [--share 0.5 --seed 0]
python -m egma gaze-data build phantoms --count 200 --out FOLDER
python -m egma gaze-data check FOLDER
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import add_json_option, print_json, print_note
from egma.errors import SettingsError

if TYPE_CHECKING:
    from egma.data.maps import Grid
    from egma.data.opening import Examination, Reading
    from egma.data.sample import Dropped, GazeChoice

PHANTOMS = "phantoms"
CAVEAT = "Research use only. Gaze is personal data of the reader: share maps rather than recordings."
_SHOWN_REASONS = 12


def add_parser(commands: Any) -> None:
    """Add the command and its two parts."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "gaze-data", help="gaze data sets as training data: build the sentence maps once, check what is there"
    )
    parts = parser.add_subparsers(dest="part", metavar="PART", required=True)
    build = parts.add_parser("build", help="read a data set's root and write a data folder")
    build.add_argument("root", metavar="ROOT", help="the root of REFLACX, EyeGaze or MIMIC-EYE; or the word 'phantoms'")
    build.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="the data folder to write")
    build.add_argument("--count", type=int, default=200, help="how many phantoms (default: %(default)s)")
    build.add_argument("--size", type=int, default=320, help="pixels a side of a phantom (default: %(default)s)")
    build.add_argument("--phantom-seed", type=int, default=0, help="of the phantoms and their gaze")
    build.set_defaults(run=run_build)
    check = parts.add_parser("check", help="open a data set, count it, and name every problem")
    check.add_argument("root", metavar="DATA", help="a data folder, a table of films, or a gaze data set's root")
    check.set_defaults(run=run_check)
    for each in (build, check):
        _add_options(each)


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--images", type=Path, metavar="DIR", help="MIMIC-CXR's images, where they are not in ROOT")
    parser.add_argument("--reports", type=Path, metavar="DIR", help="MIMIC-CXR's reports, where they are not there")
    parser.add_argument("--grid", metavar="G|ROWSxCOLUMNS", help="the model's patch grid (default: 20, egma-mini's)")
    parser.add_argument("--mode", choices=("pad", "crop"), default="pad", help="how the model fits a film to a square")
    parser.add_argument("--share", type=float, help="share of training films that may show their gaze, 0 to 1")
    parser.add_argument("--seed", type=int, help="of the choice of that share (default: 0)")
    parser.add_argument("--split-seed", type=int, default=0, help="of the split where the data has none of its own")
    add_json_option(parser)


def run_build(arguments: argparse.Namespace) -> int:
    """Write a data folder, or say that it is true to its source already."""
    from egma.data import store
    from egma.data.build import Source, build_data

    choice, grid = _choice(arguments), _grid(arguments)
    if arguments.root == PHANTOMS:
        from egma.data.sources.phantoms import build_phantom_data

        built = build_phantom_data(
            arguments.out,
            arguments.count,
            size_px=arguments.size,
            seed=arguments.phantom_seed,
            grid=grid,
            choice=choice,
            on_progress=_progress("phantoms"),
        )
    else:
        source = Source(Path(arguments.root), arguments.images, arguments.reports)
        built = build_data(
            source,
            arguments.out,
            grid=grid,
            choice=choice,
            split_seed=arguments.split_seed,
            on_progress=_progress("recordings"),
        )
    print_note("built" if built else "already true to its source: nothing had to be built")
    size = sum(path.stat().st_size for path in arguments.out.iterdir() if path.name in store.FILES)
    return _show(arguments.out, None, arguments.json, {"built": built, "bytes": size})


def run_check(arguments: argparse.Namespace) -> int:
    """Describe a data set, its problems first."""
    from egma.data.opening import Reading

    choice = None if arguments.share is None and arguments.seed is None else _choice(arguments)
    reading = Reading(
        choice, arguments.split_seed, _grid(arguments), images=arguments.images, reports=arguments.reports
    )
    return _show(Path(arguments.root), reading, arguments.json, {})


def _show(place: Path, reading: Reading | None, as_json: bool, facts: dict[str, Any]) -> int:
    from egma.data.opening import examine_data

    found = examine_data(place, reading, on_progress=_progress("recordings"))
    for problem in found.problems:
        print_note(("problem: " if problem.blocking else "note: ") + problem.sentence)
    for reason in _reasons(found.samples.dropped):
        print_note(f"left out: {reason}")
    if as_json:
        print_json(facts | _as_object(found))
        return 0
    for split, count in found.counts.items():
        print(f"{split:5s}  {count:6d} films, {found.with_gaze[split]} with gaze")
    print(f"{found.sentences[0]} sentences, {found.sentences[1]} with gaze")
    for finding, (present, absent, uncertain, unknown) in found.classes.items():
        print(f"  {finding:20s} {present:6d} present {absent:6d} absent {uncertain:6d} uncertain {unknown:6d} unknown")
    if "bytes" in facts:
        print(f"the data folder takes {facts['bytes'] / 1e6:.1f} MB")
    print_note(CAVEAT)
    return 0


def _as_object(found: Examination) -> dict[str, Any]:
    samples = found.samples
    grid = None if samples.grid_hw is None else list(samples.grid_hw)
    return {
        "source": samples.source,
        "films": len(samples),
        "splits": found.counts,
        "with_gaze": found.with_gaze,
        "sentences": found.sentences[0],
        "sentences_with_gaze": found.sentences[1],
        "simulated": any(sample.simulated for sample in samples),
        "grid": grid,
        "share": samples.choice.share,
        "seed": samples.choice.seed,
        "digest": samples.digest,
        "ready": found.ready,
        "problems": [{"kind": each.kind, "sentence": each.sentence, "count": each.count} for each in found.problems],
        "dropped": {each.name: each.reason for each in samples.dropped},
        "classes": {finding: list(counts) for finding, counts in found.classes.items()},
    }


def _reasons(dropped: tuple[Dropped, ...]) -> list[str]:
    """One line a reason, with its names or the first few of them."""
    lines: list[str] = []
    for reason, count in Counter(each.reason for each in dropped).most_common(_SHOWN_REASONS):
        names = [each.name for each in dropped if each.reason == reason][:3]
        lines.append(f"{', '.join(names)}{f' and {count - 3} more' if count > 3 else ''}: {reason}")
    return lines


def _choice(arguments: argparse.Namespace) -> GazeChoice:
    from egma.data.sample import GazeChoice

    return GazeChoice(1.0 if arguments.share is None else arguments.share, arguments.seed or 0)


def _grid(arguments: argparse.Namespace) -> Grid | None:
    from egma.data.maps import Grid

    if arguments.grid is None:
        return None if arguments.mode == "pad" else Grid(mode=arguments.mode)
    rows, _, columns = str(arguments.grid).lower().partition("x")
    if not (rows.isdecimal() and (columns or rows).isdecimal() and len(rows) < 4 and len(columns) < 4):
        raise SettingsError(f"--grid wants rows x columns, such as 14 or 14x14, got {str(arguments.grid)[:20]!r}")
    return Grid(int(rows), int(columns or rows), arguments.mode)


def _progress(what: str) -> Callable[[int, int], None]:
    """A reporter that prints every tenth, and nothing for what is done at once."""
    tenths = [0]

    def report(done: int, total: int) -> None:
        if total >= 100 and done < total and done * 10 // total > tenths[0]:
            tenths[0] = done * 10 // total
            print_note(f"{what}: {done} of {total}")

    return report
