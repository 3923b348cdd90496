"""`python app.py` in a process of its own, for a browser to visit."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 240


def find_checkpoint(folder: Path) -> str:
    """egma-mini where it is there; elsewhere a tiny model, written into `folder`, whose maps mean nothing."""
    from egma.checkpoints import list_checkpoints, save_checkpoint
    from egma.testing.models import build_tiny_model

    if "egma-mini" in [info.name for info in list_checkpoints()]:
        return "egma-mini"
    model = build_tiny_model()
    save_checkpoint(model, model.config, folder / "tiny", "# Tiny\n\nA double for tests.")
    return str(folder / "tiny")


@dataclass(frozen=True, eq=False)
class Server:
    """A page that listens.

    Attributes:
        address: of its root.
        process: `python app.py`.
    """

    address: str
    process: subprocess.Popen[bytes]


@contextmanager
def running_page(checkpoint: str, *, wait: bool = True, data: Path | None = None, **variables: str) -> Iterator[str]:
    """The address of a page that listens and, with `wait`, whose model has answered; arguments as `running_server`."""
    with running_server(checkpoint, wait=wait, data=data, **variables) as server:
        yield server.address


@contextmanager
def running_server(
    checkpoint: str, *, wait: bool = True, data: Path | None = None, **variables: str
) -> Iterator[Server]:
    """A page's process; it is asked to end with the block, unless it has ended.

    Args:
        checkpoint: a name or a folder.
        wait: for the model too.
        data: the reader's own folder.
        variables: of the environment, beside those of this process.
    """
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    arguments = [sys.executable, str(ROOT / "app.py"), "--no-browser", "--port", str(port), "--checkpoint", checkpoint]
    arguments += ["--data", str(data)] if data is not None else []
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("EGMA_", "GRADIO_", "SPACE_"))}
    process = subprocess.Popen(arguments, cwd=ROOT, env=environ | variables, stdout=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(process, address, {200} if wait else {200, 503})
        yield Server(address, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_S)


def _wait(process: subprocess.Popen[bytes], address: str, wanted: set[int]) -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(address + "/healthz").status_code in wanted:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"the page did not come up; exit status {process.poll()}")
