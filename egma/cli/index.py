"""`python -m egma index ...`: make a report library, add to it, search it, delete from it, see what it is made of."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.cli import index_filters
from egma.cli.index_report import build_json, build_lines, print_hits, stats_lines
from egma.cli.options import add_json_option, add_model_options, print_json, print_note
from egma.errors import LibraryError, SettingsError

if TYPE_CHECKING:
    from egma.index import ReportIndex


def add_parser(commands: Any) -> None:
    """Add the command and its own commands."""
    parser: argparse.ArgumentParser = commands.add_parser("index", help="make, search and keep a library of reports")
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    _add_build(actions)
    _add_add(actions)
    _add_search(actions)
    delete = _add(actions, "delete", run_delete, "take reports out of a library")
    delete.add_argument("ids", nargs="+", metavar="ID")
    _add(actions, "stats", run_stats, "what a library is made of")
    _add(actions, "compact", run_compact, "index anew without what was deleted, and give the space back")
    reembed = _add(actions, "reembed", run_reembed, "embed a library again, with another checkpoint")
    add_model_options(reembed)
    reembed.add_argument("--job", type=Path, metavar="FOLDER", help="report progress as a job in this folder")


def run_build(arguments: argparse.Namespace) -> int:
    """Make a library from a source, or go on where an interrupted build stopped."""
    source = _open_source(arguments)
    return _build(arguments, arguments.out, source, create=True)


def run_add(arguments: argparse.Namespace) -> int:
    """Add one report, or all of a source, to a library that is there."""
    if (arguments.source is None) == (arguments.text is None):
        raise SettingsError("index add wants a SOURCE, or one report with --id ID --text WORDS")
    if arguments.source is not None:
        return _build(arguments, arguments.library, _open_source(arguments), create=False)
    if not arguments.id:
        raise SettingsError("index add --text wants the report's --id too")
    import egma

    with _open(arguments.library) as index:
        engine = egma.load_engine(arguments.checkpoint, device=arguments.device)
        words = sys.stdin.read() if arguments.text == "-" else arguments.text
        if not words.strip():
            raise LibraryError("the report has no text; nothing was added")
        facts = {name: getattr(arguments, name) for name in ("view", "sex", "age", "date") if getattr(arguments, name)}
        index.add_reports(engine, [arguments.id], [{"text": words, "source": arguments.source_name or "", **facts}])
        index.catch_up()
        _print(arguments, {"added": 1, "records": len(index)}, [f"added; {len(index):,} reports"])
    return 0


def run_search(arguments: argparse.Namespace) -> int:
    """Search by words; filters narrow it."""
    import egma
    from egma.checkpoints import load_checkpoint

    filters = index_filters.read_filters(arguments)
    with _open(arguments.library) as index:
        engine = None
        if not arguments.words_only:
            index.check_model(load_checkpoint(arguments.checkpoint, verify=False))
            engine = egma.load_engine(arguments.checkpoint, device=arguments.device)
        words = " ".join(arguments.words)
        hits = index.search_text(engine, words, arguments.k, filters, negation=not arguments.plain)
        for note in index.notes():
            print_note(note)
    if arguments.json:
        print_json({"hits": [hit.as_json() for hit in hits]})
    else:
        print_hits(hits)
    return 0


def run_delete(arguments: argparse.Namespace) -> int:
    """Delete by id; ids that are not there are named."""
    with _open(arguments.library) as index:
        missing = [name for name in arguments.ids if name not in index]
        if len(missing) == len(arguments.ids):
            raise LibraryError(f"no report {missing[0][:60]!r} is in {index.folder.name!r}; nothing was deleted")
        deleted = index.delete(list(dict.fromkeys(arguments.ids)))
        for name in missing:
            print_note(f"no report {name[:60]!r} was there")
        _print(arguments, {"deleted": deleted, "records": len(index)}, [f"deleted {deleted}; {len(index):,} are left"])
    return 0


def run_stats(arguments: argparse.Namespace) -> int:
    """Print a library's figures."""
    with _open(arguments.library) as index:
        stats = index.stats()
        _print(arguments, stats.as_json(), stats_lines(stats))
    return 0


def run_compact(arguments: argparse.Namespace) -> int:
    """Compact, and say what was won."""
    with _open(arguments.library) as index:
        before = index.stats().store_bytes
        index.compact()
        stats = index.stats()
        won = before - stats.store_bytes
        _print(arguments, stats.as_json(), [f"compacted: {won / 2**20:+.1f} MiB given back", *stats_lines(stats)])
    return 0


def run_reembed(arguments: argparse.Namespace) -> int:
    """Embed again; interrupted and run again, it goes on."""
    from egma.cli.index_jobs import job_or_terminal

    with job_or_terminal(arguments.job, arguments.device) as task:
        import egma
        from egma.index.reembed import reembed_library

        with _open(arguments.library) as index:
            engine = egma.load_engine(arguments.checkpoint, device=arguments.device)
            finished = reembed_library(index, engine, on_progress=task.progress, should_stop=task.should_stop)
            result = {"finished": finished, "checkpoint": engine.checkpoint.name, "records": len(index)}
        if finished:
            task.finish(result)
        _print(arguments, result, ["embedded again" if finished else "stopped; run it again to go on"])
    return 0


def _build(arguments: argparse.Namespace, library: Path, source: Any, *, create: bool) -> int:
    from egma.cli.index_jobs import job_or_terminal

    with job_or_terminal(arguments.job, arguments.device) as task:
        import egma
        from egma.checkpoints import load_checkpoint
        from egma.index import ReportIndex
        from egma.index.build import build_library

        with ReportIndex.open(library, create=create) as index:
            index.check_model(load_checkpoint(arguments.checkpoint, verify=False))
            engine = egma.load_engine(arguments.checkpoint, device=arguments.device)
            result = build_library(
                index,
                engine,
                source,
                keep_duplicates=True if arguments.keep_duplicates else None,
                on_progress=task.progress,
                should_stop=task.should_stop,
            )
            found = build_json(result, index)
        if result.is_complete:
            task.finish(found)
        _print(arguments, found, build_lines(result, found))
    return 0


def _open_source(arguments: argparse.Namespace) -> Any:
    from egma.index.sources import open_source
    from egma.index.sources.openi import OpeniSource

    if getattr(arguments, "open_i", False):
        if arguments.source is not None:
            raise SettingsError("index build wants a SOURCE or --open-i, not both")
        return OpeniSource()
    if arguments.source is None:
        raise SettingsError(
            "index build wants a SOURCE (a .csv or .tsv table, a folder of .txt or DICOM SR) or --open-i"
        )
    columns: dict[str, str] = {}
    for pair in arguments.column or []:
        name, sign, column = pair.partition("=")
        if not sign:
            raise SettingsError(f"--column wants WHAT=COLUMN, such as text=Report; got {pair[:60]!r}")
        columns[name.strip()] = column
    return open_source(
        arguments.source, columns=columns, encoding=arguments.encoding or "", source=arguments.source_name or ""
    )


def _open(library: Path) -> ReportIndex:
    from egma.index import ReportIndex

    return ReportIndex.open(library, create=False)


def _add(actions: Any, name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=about)
    parser.add_argument("library", type=Path, metavar="LIB", help="the library's folder")
    add_json_option(parser)
    parser.set_defaults(run=run)
    return parser


def _add_build(actions: Any) -> None:
    parser: argparse.ArgumentParser = actions.add_parser(
        "build", help="make a library, or go on with an interrupted build"
    )
    parser.add_argument(
        "source", nargs="?", type=Path, metavar="SOURCE", help="a .csv or .tsv table, or a folder of .txt or DICOM SR"
    )
    parser.add_argument("--open-i", action="store_true", help="the Open-i reports that torchxrayvision carries")
    parser.add_argument("--out", type=Path, required=True, metavar="LIB", help="the library's folder")
    _add_source_options(parser)
    parser.set_defaults(run=run_build)


def _add_add(actions: Any) -> None:
    parser = _add(actions, "add", run_add, "add one report, or all of a source")
    parser.add_argument("source", nargs="?", type=Path, metavar="SOURCE", help="as for build")
    parser.add_argument("--id", help="of one report")
    parser.add_argument("--text", metavar="WORDS", help="one report's words; - reads standard input")
    for name in ("view", "sex", "age", "date"):
        parser.add_argument(f"--{name}", help=f"the one report's {name}")
    _add_source_options(parser, json=False)


def _add_search(actions: Any) -> None:
    parser = _add(
        actions, "search", run_search, "search by words; what stands in double quotes must be there word for word"
    )
    parser.add_argument("words", nargs="+", metavar="WORDS")
    parser.add_argument("--k", type=int, default=10, help="how many reports (default: %(default)s)")
    parser.add_argument("--words-only", action="store_true", help="compare words alone, without the model")
    parser.add_argument("--plain", action="store_true", help="rank reports that say the opposite like any other")
    index_filters.add_options(parser)
    add_model_options(parser)


def _add_source_options(parser: argparse.ArgumentParser, *, json: bool = True) -> None:
    parser.add_argument(
        "--column",
        action="append",
        metavar="WHAT=COLUMN",
        help="text, id, findings, impression, view, sex, age, date or source; may be given several times",
    )
    parser.add_argument("--encoding", help="of the table or texts (default: utf-8)")
    parser.add_argument(
        "--source-name", metavar="NAME", help="what hits show as their source (default: the file's name)"
    )
    parser.add_argument("--keep-duplicates", action="store_true", help="keep reports with the same words and facts")
    parser.add_argument("--job", type=Path, metavar="FOLDER", help="report progress as a job in this folder")
    add_model_options(parser)
    if json:
        add_json_option(parser)


def _print(arguments: argparse.Namespace, result: dict[str, Any], lines: list[str]) -> None:
    if arguments.json:
        print_json(result)
    else:
        print("\n".join(lines))
