"""Frames a second of the gaze replay in Chromium, on a 2,048 px film: target 60, and no request while it plays.

    python benchmarks/replay_frames.py [--before REVISION] [--side 2048] [--seconds 8] [--rounds 3]

The page's own viewer plays a simulated reading with the reader's zoom and window; scripts of REVISION (default: the
last commit) are the baseline, measured in turn with those of the working tree in one browser. Without a display
Chromium draws in software: a machine with a graphics card is faster. Beside the rate, which the screen caps at 60, the
time of drawing one frame, the processor time a frame costs the browser in all (drawing and the screen, on all cores: it
holds on a busy machine too) and the share of frames that came late are given.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import gradio as gr
import numpy as np
from starlette.middleware import Middleware

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.films import FilmStore, OpenFilm
from app.gaze.store import OpenGaze, Reader
from app.security import SecurityHeaders
from app.tabs.gaze_screen import gaze_screen
from app.viewer import GazeViewer, component
from egma.gaze.track import GazeTrack, Word
from egma.testing.phantoms import build_phantom

ROOT = Path(__file__).resolve().parents[1]
STATIC = ROOT / "app" / "viewer" / "static"
FIXATIONS, GAP_S, FROM_S = 160, 0.28, 26.0
TARGET = 60.0
_PLAY = """async ({ seconds, from_s }) => {
  const { gazeStage: stage } = egmaViewer, { clock, viewer } = stage, times = [], gaps = [];
  const wait = (some_s) => new Promise((done) => setTimeout(done, some_s * 1000));
  const drawNow = viewer.drawNow.bind(viewer);
  viewer.drawNow = () => { const start = performance.now(); drawNow(); times.push(performance.now() - start); };
  clock.pause();
  stage.seek(from_s);
  stage.play();
  await wait(0.5);
  const first = clock.frames, began = performance.now();
  let last = began, on = true;
  const watch = (at) => { gaps.push(at - last); last = at; if (on) requestAnimationFrame(watch); };
  requestAnimationFrame(watch);
  times.length = 0;
  await wait(seconds);
  on = false;
  const passed = (performance.now() - began) / 1000, frames = clock.frames - first, { playing } = clock;
  clock.pause();
  delete viewer.drawNow;
  return { rate: frames / passed, times, late: gaps.filter((gap) => gap > 25).length / gaps.length, playing };
}"""


def main() -> None:
    """Print both rates, the time of a frame, and the requests while playing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default="HEAD", metavar="REVISION")
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        before = scripts_of(options.before, folder / "before")
        found = measure(folder, {options.before: before, "now": STATIC}, options)
    print(
        f"film of {options.side} px, {FIXATIONS} fixations, zoom and window replayed, {options.rounds} rounds in turn"
    )
    for name, rounds in found.items():
        rates, times = [each["rate"] for each in rounds], [time for each in rounds for time in each["times"]]
        print(
            f"{name:<10} {median(rates):5.1f} frames/s (each {', '.join(f'{rate:.0f}' for rate in rates)}; target "
            f"{TARGET:.0f}), a frame {median(times):.1f} ms, 95 % within {np.percentile(times, 95):.1f} ms, "
            f"{median(each['work_ms'] for each in rounds):.0f} ms of processor time, "
            f"{median(each['late'] for each in rounds):.0%} late, {sum(each['requests'] for each in rounds)} requests"
        )


def scripts_of(revision: str, folder: Path) -> Path:
    """The viewer's scripts as they were."""
    folder.mkdir()
    where = STATIC.relative_to(ROOT).as_posix()
    listed = subprocess.run(
        ["git", "ls-tree", "--name-only", revision, where + "/"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.split():
        shown = subprocess.run(["git", "show", f"{revision}:{name}"], cwd=ROOT, capture_output=True, check=True)
        (folder / Path(name).name).write_bytes(shown.stdout)
    for name in component.CXRViewer.scripts:
        (folder / name).touch()  # one that came later
    return folder


def measure(folder: Path, scripts: dict[str, Path], options: argparse.Namespace) -> dict[str, list[dict[str, Any]]]:
    """Play with each set of scripts in turn, in one browser; each round a fresh page."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    film, gaze = build_reading(folder, options.side)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in scripts}
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(options.rounds):
            for name, where in scripts.items():
                with served(where, folder, film, gaze) as address:
                    found[name].append(play(browser, address, options.seconds))
        browser.close()
    return found


def play(browser: Any, address: str, seconds: float) -> dict[str, Any]:
    """One round: what the page says of its frames, and how often it asked the server meanwhile."""
    page = browser.new_page(viewport={"width": 1360, "height": 900}, reduced_motion="reduce")
    page.goto(address)
    page.wait_for_function("window.egmaViewer?.gazeStage?.viewer.state.film", timeout=120_000)
    page.wait_for_timeout(1500)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    before = spent_s()
    result = page.evaluate(_PLAY, {"seconds": seconds, "from_s": FROM_S})
    work_ms = 1000 * (spent_s() - before) / max(1, result["rate"] * (seconds + 0.5))
    page.close()
    assert_playing(result)
    return {**result, "requests": len(requests), "work_ms": work_ms}


def spent_s() -> float:
    """Processor time of the browser's processes until now; other programs on the machine do not change it."""
    children: dict[int, list[int]] = {}
    ticks: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        pid = int(stat.parent.name)
        children.setdefault(int(fields[1]), []).append(pid)
        ticks[pid] = int(fields[11]) + int(fields[12])
    wanted, own = [], [os.getpid()]
    while own:
        own = [child for pid in own for child in children.get(pid, [])]
        wanted += own
    return sum(ticks.get(pid, 0) for pid in wanted) / os.sysconf("SC_CLK_TCK")


def assert_playing(result: dict[str, Any]) -> None:
    """Refuse a round whose recording ended before the measuring did."""
    if not result["playing"]:
        raise SystemExit(f"the recording ended before the measuring did, at {result['rate']:.1f} frames/s")


def build_reading(folder: Path, side: int) -> tuple[OpenFilm, OpenGaze]:
    """A phantom film and a simulated reading of it with zoom, window and dictation."""
    study = build_phantom(3, finding="Effusion", side="left", size=(side, side - side // 16)).study
    film = FilmStore(folder).add(study, "Phantom")
    random = np.random.default_rng(0)
    start_s = GAP_S * np.arange(FIXATIONS)
    height, width = study.shape
    centre = np.array([width, height]) * random.uniform(0.3, 0.7, (FIXATIONS, 2))
    whole = np.array([0.0, 0.0, width, height])
    near = np.array([width * 0.2, height * 0.3, width * 0.8, height * 0.9])
    rows = np.arange(FIXATIONS)
    track = GazeTrack(
        centre,
        start_s,
        np.full(FIXATIONS, GAP_S * 0.9),
        shown_px=np.where((rows // 12 % 2 == 1)[:, None], near, whole),
        window=np.column_stack([0.6 + 0.05 * (rows // 8 % 4), np.full(FIXATIONS, 0.5)]),
        words=tuple(Word(f"word{at}." if at % 8 == 7 else f"word{at}", s, s + GAP_S) for at, s in enumerate(start_s)),
        frame_hw=study.shape,
        source="simulated",
        simulated=True,
    )
    return film, OpenGaze(film.key, "reading", (Reader("Simulated reader", track),))


@contextmanager
def served(scripts: Path, folder: Path, film: OpenFilm, gaze: OpenGaze) -> Iterator[str]:
    """The viewer alone on a page, under the product's own headers, with one set of scripts."""
    gr.set_static_paths([folder, scripts])
    component._SCRIPTS = scripts
    with gr.Blocks(title="Replay", fill_width=True, analytics_enabled=False) as page:
        GazeViewer(gaze_screen(film, gaze), elem_id="egma-gaze-viewer")
    middleware = [Middleware(SecurityHeaders, on_space=False)]
    settings = {"prevent_thread_lock": True, "quiet": True, "footer_links": [], "ssr_mode": False}
    _, address, _ = page.launch(**settings, app_kwargs={"middleware": middleware})
    try:
        yield address
    finally:
        page.close(verbose=False)


if __name__ == "__main__":
    main()
