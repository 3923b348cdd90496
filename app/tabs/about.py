"""The About tab: what the model is, how to read its maps, limits, keys, licences, versions."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from app.services import Services
from egma import __version__

_TEXT = Path(__file__).with_name("about.md")


def build(services: Services) -> None:
    """Lay the tab out. Texts are rendered as sanitised Markdown; the card is a checkpoint's own words."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=1, min_width=320, elem_classes="egma-card"):
            gr.Markdown(_TEXT.read_text(encoding="utf-8"), elem_classes="egma-prose")
        with gr.Column(scale=1, min_width=320, elem_classes="egma-card"):
            gr.Markdown(_versions(services), elem_classes="egma-prose")
            gr.Markdown(services.models.entry().card, elem_classes="egma-prose", elem_id="egma-card-text")


def _versions(services: Services) -> str:
    card = services.models.entry()
    return (
        "## In use\n\n"
        f"EGMA Workbench {__version__} · checkpoint **{card.name}** · SHA-256 `{card.hash}`\n\n"
        "Licences: the checkpoint's and its training data's are in its card below; the libraries' are in the README."
    )
