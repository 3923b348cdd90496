"""The About tab: what the model is, how to read its maps, limits, keys, licences, versions."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from app.panels import CardPanel, CheckpointsPanel
from app.pictures import CardPictures
from app.services import Services
from app.tabs import study
from app.tabs.about_handlers import AboutHandlers
from egma import __version__

_TEXT = Path(__file__).with_name("about.md")


def build(services: Services, shown: study.StudyTab, tab: gr.Tab) -> None:
    """Lay the tab out and wire it: the card follows the model in use each time the tab is opened.

    Texts are rendered as sanitised Markdown; the card is a checkpoint's own words.
    """
    handlers = AboutHandlers(services, CardPictures(services.folder.views))
    name = services.models.default.name
    entry = services.models.entry()
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown(_versions(), elem_classes="egma-prose")
                rows = CheckpointsPanel(handlers.list_screen(name, name), elem_id="egma-checkpoints")
                use = gr.Button("Use this model", size="sm", visible=False, elem_id="egma-use-model")
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown(_TEXT.read_text(encoding="utf-8"), elem_classes="egma-prose")
        with gr.Column(scale=6, min_width=320, elem_classes="egma-card"):
            card = CardPanel(handlers.card_screen(entry, with_pictures=False), elem_id="egma-card-facts")
            words = gr.Markdown(entry.card, elem_classes="egma-prose", elem_id="egma-card-text")
            on_show = gr.Textbox(name, visible="hidden")
    outputs = [rows, card, words, on_show, use]
    tab.select(handlers.show_in_use, shown.checkpoint, outputs, **study.AT_ONCE)
    shown.model_hash.change(handlers.show_in_use, shown.checkpoint, outputs, **study.AT_ONCE)
    rows.show_card(handlers.show_chosen, shown.checkpoint, outputs, **study.AT_ONCE)
    using = shown.use_checkpoint(services, use.click, handlers.use, on_show)
    using.success(None, js=study.SHOW_TAB_JS, **study.QUIET)


def _versions() -> str:
    return (
        f"## Models\n\nEGMA Workbench {__version__}. Each checkpoint's licence and training data are in its card; the "
        "libraries' licences are in the README."
    )
