"""`python -m egma embed FOLDER --out STORE`: films of a folder made searchable by film and words, on this machine."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli.options import add_json_option, add_model_options, print_json, print_note

if TYPE_CHECKING:
    from egma.archive import ArchiveRun

_EVERY_S = 1.0


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "embed", help="make a folder of films searchable by film and by words"
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="films: DICOM, PNG, JPEG or TIFF, also in folders below"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="STORE",
        help="where vectors and thumbnails are kept; give it again to go on or to add new films",
    )
    add_model_options(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Embed what the store does not have yet and say what was done."""
    from egma.archive import embed_folder
    from egma.inference.engine import load_engine

    engine = load_engine(arguments.checkpoint, device=arguments.device)
    print_note(f"{engine.checkpoint.name} {engine.checkpoint.hash[:8]} on {engine.device}")
    line = _ProgressLine()
    done = embed_folder(engine, arguments.folder, arguments.out, progress=line.show)
    line.end()
    if arguments.json:
        print_json(_as_json(done, arguments.out))
    else:
        _print_lines(done, arguments.out)
    return 0


@dataclass(eq=False)
class _ProgressLine:
    """One line on standard error that is written over in a terminal, and once in a while elsewhere."""

    started: float = field(default_factory=time.monotonic)
    shown: float = -1e9
    terminal: bool = field(default_factory=sys.stderr.isatty)

    def show(self, done: int, total: int, unreadable: int) -> None:
        """Say how far it is, how fast, and how long it takes from here."""
        now = time.monotonic()
        if now - self.shown < (_EVERY_S if self.terminal else 10 * _EVERY_S) and done < total:
            return
        self.shown = now
        rate = done / max(now - self.started, 1e-9)
        left_s = (total - done) / rate if rate else 0.0
        bad = f", {unreadable} unreadable" if unreadable else ""
        text = f"{done:,} of {total:,} films{bad}, {rate:.1f} films/s, {_duration(left_s)} left"
        print(
            f"\r{text:<78}" if self.terminal else text, end="" if self.terminal else "\n", file=sys.stderr, flush=True
        )

    def end(self) -> None:
        """Leave the line."""
        if self.terminal and self.shown > 0:
            print(file=sys.stderr)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _as_json(done: ArchiveRun, store: Path) -> dict[str, Any]:
    return {
        "found": done.found,
        "added": done.added,
        "kept": done.kept,
        "gone": done.gone,
        "unreadable": [
            {"file": name.encode("utf-8", "replace").decode(), "problem": problem} for name, problem in done.unreadable
        ],
        "seconds": round(done.seconds, 3),
        "films_a_second": round(done.films_a_second, 3),
        "store": str(store),
    }


def _print_lines(done: ArchiveRun, store: Path) -> None:
    from egma.archive.files import UNREADABLE_NAME

    rate = f" ({done.films_a_second:.1f} films/s)" if done.added else ""
    print(f"{done.added:,} films embedded{rate}, {done.kept:,} kept from before, {done.found:,} files found")
    if done.gone:
        print(
            f"{done.gone:,} films of the store are no longer in the folder; `python -m egma index delete` forgets them"
        )
    if done.unreadable:
        print(f"{len(done.unreadable):,} files could not be read; {store / UNREADABLE_NAME} says which and why")
    if not done.found:
        print("there is no film in this folder: DICOM, PNG, JPEG and TIFF files are looked for")
