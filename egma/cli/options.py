"""Options that several commands share, and the two ways a result is printed."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

DEFAULT_CHECKPOINT = "egma-mini"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """`--checkpoint` and `--device`, for every command that asks a model."""
    parser.add_argument(
        "--checkpoint",
        default=DEFAULT_CHECKPOINT,
        metavar="NAME",
        help="a name under checkpoints/, or a folder (default: %(default)s)",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps (default: %(default)s)")


def add_json_option(parser: argparse.ArgumentParser) -> None:
    """`--json`: one JSON object on standard output instead of lines for people."""
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def print_json(result: dict[str, Any]) -> None:
    """Print one JSON object on standard output. Numbers must be finite: JSON has no word for the others."""
    print(json.dumps(result, ensure_ascii=False, allow_nan=False))


def print_note(sentence: str) -> None:
    """Print progress, a warning or a caveat on standard error."""
    print(sentence, file=sys.stderr, flush=True)
