"""What a reader may set when starting the page: the command line first, then the environment, then the defaults."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from egma.checkpoints import DEFAULT_DATA
from egma.errors import SettingsError

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 7860
DEFAULT_CHECKPOINT = "egma-mini"
_EVERY_INTERFACE = frozenset({"0.0.0.0", "::", "[::]"})  # noqa: S104 - recognised, to warn about them


@dataclass(frozen=True)
class Settings:
    """How the page is started.

    Attributes:
        host: address to listen on.
        port: TCP port to listen on.
        checkpoint: a name under `checkpoints/`, or a folder.
        data: root of what the reader owns: `examples/`, `checkpoints/`. None where nothing may be kept (a Space).
        open_browser: open the page in the desktop's browser once it listens.
        on_space: running as a Hugging Face Space.
    """

    host: str = DEFAULT_HOST
    port: int = DEFAULT_PORT
    checkpoint: str = DEFAULT_CHECKPOINT
    data: Path | None = None
    open_browser: bool = False
    on_space: bool = False

    @property
    def is_open_to_others(self) -> bool:
        """Whether machines other than this one can reach the page."""
        return self.host in _EVERY_INTERFACE

    @property
    def address(self) -> str:
        """Where a reader on this machine finds the page."""
        host = "127.0.0.1" if self.is_open_to_others else self.host
        return f"http://{f'[{host}]' if ':' in host and not host.startswith('[') else host}:{self.port}"


class _Parser(argparse.ArgumentParser):
    """An argument parser that says what is wrong in one sentence and prints no usage block."""

    def error(self, message: str) -> NoReturn:
        raise SettingsError(f"{message[:1].upper()}{message[1:]}; `python app.py --help` lists the options.")


def load_settings(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read command line and environment.

    Args:
        arguments: what follows `python app.py`; None reads `sys.argv`.
        environ: `EGMA_HOST`, `EGMA_PORT`, `EGMA_CHECKPOINT`, `EGMA_DATA`, and `SPACE_ID` where hosted.

    Raises:
        SettingsError: a value that cannot be used, by name.
    """
    options = _build_parser().parse_args(arguments)
    on_space = bool(environ.get("SPACE_ID"))
    host, host_from = _choose(options.host, environ, "EGMA_HOST", "0.0.0.0" if on_space else DEFAULT_HOST)  # noqa: S104 - a Space's proxy needs it
    port, port_from = _choose(options.port, environ, "EGMA_PORT", str(DEFAULT_PORT))
    checkpoint, checkpoint_from = _choose(options.checkpoint, environ, "EGMA_CHECKPOINT", DEFAULT_CHECKPOINT)
    data, data_from = _choose(options.data, environ, "EGMA_DATA", "")
    return Settings(
        host=_checked_host(host, host_from),
        port=_checked_port(port, port_from),
        checkpoint=_checked_checkpoint(checkpoint, checkpoint_from),
        data=_checked_data(data, data_from, on_space),
        open_browser=not (options.no_browser or on_space),
        on_space=on_space,
    )


def _build_parser() -> _Parser:
    parser = _Parser(prog="python app.py", description="Open the EGMA Workbench in the browser.", allow_abbrev=False)
    parser.add_argument("--host", help=f"address to listen on (EGMA_HOST; {DEFAULT_HOST})")
    parser.add_argument("--port", help=f"port to listen on (EGMA_PORT; {DEFAULT_PORT})")
    parser.add_argument(
        "--checkpoint", metavar="NAME", help=f"model name or folder (EGMA_CHECKPOINT; {DEFAULT_CHECKPOINT})"
    )
    parser.add_argument("--data", metavar="DIR", help=f"your own examples and checkpoints (EGMA_DATA; {DEFAULT_DATA})")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser: for servers")
    return parser


def _choose(option: str | None, environ: Mapping[str, str], variable: str, default: str) -> tuple[str, str]:
    """The value that counts, and where it came from."""
    if option is not None:
        return option.strip(), f"--{variable.removeprefix('EGMA_').lower()}"
    if environ.get(variable, "").strip():
        return environ[variable].strip(), variable
    return default, "the default"


def _checked_host(value: str, origin: str) -> str:
    if not value or any(character.isspace() or character in "/\\@" for character in value) or "://" in value:
        raise SettingsError(f"The host from {origin} must be a name or an address such as 127.0.0.1, got {value!r}.")
    return value


def _checked_port(value: str, origin: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= 65535):
        raise SettingsError(f"The port from {origin} must be a whole number from 1 to 65535, got {value[:40]!r}.")
    return int(value)


def _checked_checkpoint(value: str, origin: str) -> str:
    if not value or "\0" in value:
        raise SettingsError(f"The checkpoint from {origin} must be a name or a folder, got {value!r}.")
    return value


def _checked_data(value: str, origin: str, on_space: bool) -> Path | None:
    """An existing or creatable folder. The default is used where it exists and is never created unasked."""
    if on_space:
        return None
    if "\0" in value:
        raise SettingsError(f"The data folder from {origin} holds a zero character.")
    folder = Path(value or DEFAULT_DATA).expanduser()
    if not value:
        return folder
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"The data folder from {origin} must be a folder, but {value!r} is a file.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        next(folder.iterdir(), None)
    except OSError as problem:
        raise SettingsError(
            f"The data folder from {origin}, {value!r}, cannot be used "
            f"({problem.strerror}); choose one you may read and write."
        ) from None
    return folder.resolve()
