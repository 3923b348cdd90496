"""The command line: `python -m egma COMMAND`. Results on standard output, everything else on standard error.

Exit status: 0 done, 2 the caller's mistake (one sentence says which), 130 interrupted. Anything else is a bug and
shows its traceback.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from egma import __version__
from egma.cli import classify, convert, doctor, embed, evaluate, finetune, gaze, gaze_data, ground, index
from egma.errors import EgmaError

COMMANDS = (classify, ground, gaze, gaze_data, embed, index, finetune, evaluate, convert, doctor)
CALLERS_MISTAKE = 2
INTERRUPTED = 130


def build_parser() -> argparse.ArgumentParser:
    """The parser of every command, each defined beside the code that runs it."""
    parser = argparse.ArgumentParser(
        prog="python -m egma",
        description="Ask a chest X-ray in words and see where a model finds what the sentence says. Research use only.",
    )
    parser.add_argument("--version", action="version", version=f"egma {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        command.add_parser(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    parsed = build_parser().parse_args(arguments)
    try:
        return parsed.run(parsed)
    except EgmaError as error:
        print(f"egma: {error}", file=sys.stderr)
        return CALLERS_MISTAKE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not a failure, but Python would complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


if __name__ == "__main__":
    sys.exit(main())
