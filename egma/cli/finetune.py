"""`python -m egma finetune RUN_DIR`: one fine-tuning as one job in one folder, the page's own command."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from egma.cli.options import add_json_option, print_json, print_note
from egma.errors import SettingsError
from egma.finetune.rules import PRESETS, RULES, Number, Switch
from egma.jobs import JobStoppedError


def add_parser(commands: Any) -> None:
    """Add the command and its options."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "finetune", help="fine-tune a checkpoint: one job, one folder, resumable"
    )
    parser.add_argument("run_dir", metavar="RUN_DIR", help="the run's folder: config, events, log, checkpoint, result")
    parser.add_argument("--preset", choices=PRESETS, help="what is trained (default: heads, or what the config says)")
    parser.add_argument("--config", metavar="FILE", help="settings as JSON; also the config.json of another run")
    parser.add_argument(
        "--data", metavar="PATH", help="what is trained on; the same as --set data=PATH (default: what the preset says)"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"change one setting; may be repeated. Settings: {', '.join(RULES)}",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run in RUN_DIR where it was")
    parser.add_argument(
        "--estimate", action="store_true", help="run three steps and tell time and memory; keep nothing"
    )
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train, or estimate. The result is RUN_DIR/result.json and RUN_DIR/checkpoint."""
    from egma.finetune.job import choose_settings, run_finetune

    folder = Path(_check_name(arguments.run_dir, "RUN_DIR"))
    config = Path(_check_name(arguments.config, "--config")) if arguments.config is not None else None
    data = {} if arguments.data is None else {"data": _check_name(arguments.data, "--data")}
    settings = choose_settings(folder, arguments.preset, config, {**data, **_read_changes(arguments.set)})
    if arguments.estimate:
        from egma.finetune.estimate import estimate_run
        from egma.jobs.tether import end_with_starter

        end_with_starter()
        return _print(arguments, estimate_run(settings))
    try:
        result = run_finetune(folder, settings, resume=arguments.resume)
    except JobStoppedError as stopped:
        print_note(f"egma: {stopped}")
        return 0
    if result is None:
        print_note(f"stopped; go on with: python -m egma finetune {arguments.run_dir} --resume")
        return 0
    if not result["gained"]:
        print_note(f"by {result['best_by']}, which the step kept was chosen by, the base was no worse")
    return _print(arguments, result)


def _check_name(name: str, option: str) -> str:
    """The name itself; an empty one, as a variable that is not set leaves it, would be the folder one stands in."""
    if not name.strip():
        raise SettingsError(f"{option}: wanted the name of a file or folder, got nothing")
    return name


def _read_changes(words: list[str]) -> dict[str, Any]:
    """{"epochs": 3} of ["epochs=3"]; numbers and switches as JSON, the rest as text."""
    changes: dict[str, Any] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise SettingsError(f"--set wants NAME=VALUE, got {word[:60]!r}")
        changes[name] = _read_value(value) if isinstance(RULES.get(name), (Number, Switch)) else value
    return changes


def _read_value(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _print(arguments: argparse.Namespace, result: dict[str, Any]) -> int:
    if arguments.json:
        print_json(result)
        return 0
    for name, value in result.items():
        if not isinstance(value, dict):
            print(f"{name:<18} {value}")
            continue
        shown = {key: each for key, each in value.items() if each is not None and key != "terms"}
        print(f"{name:<18} " + ", ".join(f"{key} {_short(each)}" for key, each in shown.items()))
    return 0


def _short(value: Any) -> str:
    if isinstance(value, list):
        return "/".join(map(_short, value))
    return f"{value:.3f}" if isinstance(value, float) else str(value)
