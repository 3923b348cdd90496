"""The cards at the Study tab's side: film, model, words, report. Layout alone; `app.tabs.study` wires them."""

from __future__ import annotations

import gradio as gr

from app.films import OpenFilm, example_key
from app.menus import NameMenu
from app.panels import FilmPanel, MessagePanel, SentencesPanel
from app.services import Services
from app.tabs import compare, screen, switch
from app.tabs.study_handlers import MAX_REPORT_CHARS, MAX_WORDS_CHARS
from app.uploads import FilmButton

CHIPS = ("pleural effusion", "cardiomegaly", "pneumothorax", "consolidation in the right lower lobe", "lung mass")
PICK = "Example films…"


def build_film_card(services: Services, first: OpenFilm) -> tuple[FilmPanel, FilmButton, gr.Dropdown]:
    """What is on screen, and the ways to open another."""
    choices = [(PICK, ""), *((example.title, example.name) for example in services.examples.list_examples())]
    shown = first.key.removeprefix(example_key(""))
    with gr.Column(elem_classes="egma-card"):
        line = FilmPanel(screen.film_screen(first), elem_id="egma-film")
        with gr.Row(elem_classes="egma-row"):
            upload = FilmButton(
                "Open a film…", variant="secondary", size="md", elem_id="egma-open", min_width=120, scale=1
            )
            picker = gr.Dropdown(
                choices,
                value=shown if shown in dict(choices).values() else "",
                label="Examples",
                container=False,
                show_label=False,
                filterable=False,
                elem_id="egma-examples",
                min_width=190,
                scale=2,
            )
        gr.Markdown("DICOM, PNG, JPEG or TIFF; or drop it anywhere on the page.", elem_classes="egma-hint")
    return line, upload, picker


def build_model_card(services: Services) -> tuple[switch.ModelMenu, tuple[NameMenu, MessagePanel, gr.Timer]]:
    """Which model answers, and which it is compared with."""
    with gr.Column(elem_classes="egma-card"):
        with gr.Row(elem_classes="egma-row"):
            chooser, other = switch.build_chooser(services), compare.build_chooser(services)
        menu = switch.build(services, chooser)
        return menu, (other, *compare.build_status())


def build_words_card() -> tuple[gr.Textbox, MessagePanel, gr.Button, tuple[gr.Button, ...]]:
    """The box of words, what is said of it, and suggestions."""
    with gr.Column(elem_classes="egma-card"):
        words = gr.Textbox(
            label="Ask in words",
            placeholder="left pleural effusion",
            info="One phrase a line. Enter asks, Shift+Enter starts a new line.",
            lines=1,
            max_lines=8,
            max_length=MAX_WORDS_CHARS,
            elem_id="egma-words",
        )
        said = MessagePanel(elem_id="egma-said")
        with gr.Row(elem_classes="egma-chips"):
            chips = tuple(gr.Button(phrase, size="sm", variant="secondary") for phrase in CHIPS)
        ask = gr.Button("Show where", variant="primary", elem_id="egma-ask")
    return words, said, ask, chips


def build_report_card() -> tuple[gr.Textbox, gr.Button, SentencesPanel]:
    """A report, to be stepped through sentence by sentence."""
    with gr.Accordion("Step through a report", open=False, elem_id="egma-report"):
        report = gr.Textbox(
            label="Report",
            placeholder="Paste a report. It is read here and kept nowhere.",
            lines=4,
            max_lines=10,
            max_length=MAX_REPORT_CHARS,
            elem_id="egma-report-text",
        )
        read = gr.Button("Read sentence by sentence", size="sm")
        sentences = SentencesPanel(elem_id="egma-sentences")
    return report, read, sentences
