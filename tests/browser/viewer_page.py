"""A page that holds the viewer and little else, for tests: a small film whose every pixel is known, and two maps."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import gradio as gr
import numpy as np
from gradio.data_classes import FileData
from PIL import Image
from starlette.middleware import Middleware

from app.security import SecurityHeaders
from app.viewer import CXRViewer, LayerData, ViewerData
from app.views.pixels import pack16

FILM_HW = (80, 120)
GRID_HW = (4, 6)
HOT = (1, 4)
"""Row and column of the only patch of the first map above the threshold."""
EVIL = "<img src=x onerror=window.pwned=1> ${window.pwned=2} {{value}}"
_asked = count(1)


def film_values() -> np.ndarray:
    """uint16 (80, 120): a ramp that uses both bytes, no two pixels alike."""
    return (np.arange(FILM_HW[0] * FILM_HW[1]).reshape(FILM_HW) * 6 + 1000).astype(np.uint16)


def hot_layer(name: str = "effusion", hot: tuple[int, int] = HOT) -> LayerData:
    grid = np.full(GRID_HW, 0.05)
    grid[hot] = 0.4
    peak = [(hot[1] + 0.5) / GRID_HW[1], (hot[0] + 0.5) / GRID_HW[0]]
    return LayerData(id=name, phrase=name, rows=GRID_HW[0], cols=GRID_HW[1], data=grid.ravel().tolist(), peak=peak)


def film_data(folder: Path, layers: list[LayerData] | None = None, **changes: object) -> ViewerData:
    fields = {
        "image": FileData(path=str(folder / "film.png")),
        "packed16": True,
        "center": 30_000.0,
        "width": 60_000.0,
        "spacing_mm": [0.5, 0.5],
        "film_id": "first",
        "title": "A film",
        "layers": layers or [],
        "low": 0.0,
        "high": 0.5,
        "checkpoint": "egma-test 12345678",
    }
    return ViewerData(**(fields | changes))


def build_page(folder: Path) -> gr.Blocks:
    """The viewer, a button for each thing a server may send, and a box for what was clicked."""

    def ask() -> ViewerData:
        return film_data(folder, [hot_layer(), hot_layer("mass", (3, 0))], show=next(_asked))

    def ask_evil() -> ViewerData:
        return film_data(folder, [hot_layer(EVIL)], title=EVIL, checkpoint=EVIL, window_note=EVIL, show=next(_asked))

    def read_report() -> ViewerData:
        sentences = [hot_layer("First sentence."), hot_layer("Second sentence.", (0, 0)), hot_layer("Third.", (2, 2))]
        return film_data(folder, sentences, show=next(_asked), step=True, current="Second sentence.")

    def other_film() -> ViewerData:
        return film_data(folder, [hot_layer()], film_id="second")

    def broken_film() -> ViewerData:
        return film_data(folder, film_id="third", image=FileData(path=str(folder / "broken.png")))

    def clicked(event: gr.EventData) -> str:
        return f"{event.u:.4f} {event.v:.4f}"

    with gr.Blocks(title="Viewer", fill_width=True, analytics_enabled=False) as page:
        gr.Markdown("# Viewer")
        viewer = CXRViewer(film_data(folder), elem_id="viewer")
        point = gr.Textbox(label="Clicked", elem_id="clicked")
        for act in (ask, ask_evil, read_report, other_film, broken_film):
            button = gr.Button(act.__name__.replace("_", " ").capitalize())
            button.click(act, None, viewer, show_progress="hidden", api_visibility="private")
        viewer.patch_click(clicked, None, point, show_progress="hidden", api_visibility="private")
    return page


@contextmanager
def served_page(folder: Path) -> Iterator[str]:
    """The page under the product's own security headers. Yields its address."""
    Image.fromarray(pack16(film_values())).save(folder / "film.png")
    (folder / "broken.png").write_bytes(b"no picture")
    gr.set_static_paths([folder])
    page = build_page(folder)
    headers = Middleware(SecurityHeaders, on_space=False)
    _, address, _ = page.launch(
        prevent_thread_lock=True,
        quiet=True,
        footer_links=[],
        run_history=False,
        ssr_mode=False,
        app_kwargs={"middleware": [headers]},
    )
    try:
        yield address
    finally:
        page.close(verbose=False)
