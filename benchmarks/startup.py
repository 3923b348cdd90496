"""From `python app.py` to a page that answers: `python benchmarks/startup.py [CHECKPOINT]`.

Time to the page and to a green /healthz (target 8 s), memory when idle (target 1.5 GB), and a film sent over HTTP until
its map is back. The baseline in the same run: the bare interpreter importing torch and the web framework.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
PATIENCE_S = 120
SETTLE_S = 5  # after which memory counts as idle
QUESTIONS = 5


def main() -> None:
    """Start the page, measure, stop it."""
    checkpoint = sys.argv[1] if len(sys.argv) > 1 else _default_checkpoint()
    print(f"baseline  importing torch and gradio alone   {_import_s():6.2f} s")
    with _page(checkpoint) as (process, address, started):
        page_s = _wait_until(address + "/", started)
        green_s = _wait_until(address + "/healthz", started)
        print(f"page      answers after                      {page_s:6.2f} s")
        print(f"healthz   green after            (target  8) {green_s:6.2f} s")
        time.sleep(SETTLE_S)
        print(f"memory    idle, children too  (target 1500) {_resident_mb(process.pid):6.0f} MB")
        times = [_ask(address, seed) for seed in range(QUESTIONS)]
        print(f"question  new film and phrase over HTTP      {np.median(times):6.2f} s (median of {QUESTIONS})")
        print(f"memory    after that                         {_resident_mb(process.pid):6.0f} MB")


def _default_checkpoint() -> str:
    """egma-mini where it is there, else the same network untrained: it takes the same time."""
    from egma.checkpoints import list_checkpoints

    if "egma-mini" in [info.name for info in list_checkpoints()]:
        return "egma-mini"
    from _subject import load_subject

    folder = load_subject("egma-mini").checkpoint.folder
    return str(folder)


def _import_s() -> float:
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import torch, gradio"], check=True)
    return time.perf_counter() - started


@contextmanager
def _page(checkpoint: str) -> Iterator[tuple[subprocess.Popen[bytes], str, float]]:
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        port = trial.getsockname()[1]
    arguments = [sys.executable, str(ROOT / "app.py"), "--no-browser", "--port", str(port), "--checkpoint", checkpoint]
    started = time.perf_counter()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        yield process, f"http://127.0.0.1:{port}", started
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _wait_until(url: str, started: float) -> float:
    """Seconds since the start until a 200."""
    while time.perf_counter() - started < PATIENCE_S:
        try:
            if httpx.get(url, timeout=10).status_code == 200:
                return time.perf_counter() - started
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    raise SystemExit(f"{url} did not answer within {PATIENCE_S} s")


def _resident_mb(pid: int) -> float:
    """Resident memory of a process and its children, MB."""
    tasks = Path(f"/proc/{pid}/task")
    children = [int(each) for task in tasks.iterdir() for each in (task / "children").read_text().split()]
    status = Path(f"/proc/{pid}/status").read_text()
    own = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return own / 1024 + sum(_resident_mb(child) for child in children)


def _ask(address: str, seed: int) -> float:
    """Seconds from the first byte of a film sent to the last byte of its map."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "film.jpg"
        noise = np.random.default_rng(seed).normal(128, 30, (64, 64)).clip(0, 255).astype(np.uint8)
        Image.fromarray(noise).resize((1024, 1024)).save(path, quality=90)
        content = path.read_bytes()
    started = time.perf_counter()
    with httpx.Client(base_url=address, timeout=60) as client:
        uploaded = client.post("/gradio_api/upload", files={"files": ("film", content)}).json()[0]
        film = {"path": uploaded, "meta": {"_type": "gradio.FileData"}}
        asked = client.post("/gradio_api/call/ground", json={"data": [film, f"nodule number {seed}"]}).json()
        answer = client.get(f"/gradio_api/call/ground/{asked['event_id']}").text
    if "event: complete" not in answer:
        raise SystemExit(f"the page did not answer: {answer[:200]}")
    return time.perf_counter() - started


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    main()
