"""The whole page: banner, heading, tabs, public endpoints."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

import app.api
import app.tabs.about
import app.tabs.evaluate
import app.tabs.gaze
import app.tabs.reports
import app.tabs.study
import app.tabs.train
from app.films import OpenFilm
from app.services import Services
from app.theme import TOGGLE_DARK_JS

TITLE = "EGMA Workbench"
CAVEAT = "Research use only. Not a medical device; not for diagnosis."
SWEEP_S = (600, 3600)
"""The framework's own sweep of its files: every ten minutes, those older than an hour."""
_PAGE_JS = Path(__file__).with_name("page.js")


def build_page(services: Services, first: OpenFilm) -> gr.Blocks:
    """Build the page around a film that is on screen at once."""
    gr.set_static_paths([services.folder.views])  # pictures are served from where they lie, not copied
    with gr.Blocks(title=TITLE, fill_width=True, analytics_enabled=False, delete_cache=SWEEP_S) as page:
        gr.Markdown(CAVEAT, elem_id="egma-banner")
        with gr.Row(elem_id="egma-header"):
            gr.Markdown(
                f"# {TITLE}\n\nAsk a chest X-ray in words; see where a model finds them.", elem_id="egma-heading"
            )
            theme = gr.Button("Dark / light", size="sm", elem_id="egma-theme")
        with gr.Tabs(elem_id="egma-tabs"):
            with gr.Tab("Study", id="study"):
                study = app.tabs.study.build(services, first)
            with gr.Tab("Gaze", id="gaze") as gaze:
                app.tabs.gaze.build(services, study, first, gaze)
            with gr.Tab("Reports", id="reports") as reports:
                app.tabs.reports.build(services, study, first, reports)
            with gr.Tab("Train", id="train") as train:
                app.tabs.train.build(services, study, train)
            with gr.Tab("Evaluate", id="evaluate") as evaluate:
                app.tabs.evaluate.build(services, study, evaluate)
            with gr.Tab("About", id="about") as about:
                app.tabs.about.build(services, study, about)
        app.api.build(services)
        theme.click(None, js=TOGGLE_DARK_JS, api_visibility="private", show_progress="hidden")
        page.load(None, js=_PAGE_JS.read_text(encoding="utf-8"), api_visibility="private", show_progress="hidden")
    return page
