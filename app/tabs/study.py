"""The Study tab: a film, words, and where the model finds what they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.films import OpenFilm, example_key
from app.panels import FilmPanel, FindingsData, FindingsPanel, MessagePanel, NoticesPanel, PatchPanel, SentencesPanel
from app.services import Services
from app.tabs import screen
from app.tabs.study_handlers import MAX_REPORT_CHARS, MAX_WORDS_CHARS, StudyHandlers
from app.uploads import FilmButton
from app.viewer import CXRViewer

CHIPS = ("pleural effusion", "cardiomegaly", "pneumothorax", "consolidation in the right lower lobe", "lung mass")
PICK = "Example films…"
SHOW_VIEWER_JS = """
() => { if (innerWidth < 900) document.querySelector('#egma-viewer')?.scrollIntoView({ block: 'start' }); }
"""
"""On a phone the film is above the words: an answer nobody sees is none."""
PARALLEL = 2
"""Films read, or scored, side by side: more would only share the same cores."""


@dataclass(frozen=True, eq=False)
class StudyTab:
    """The tab's components that take part in events."""

    film: gr.Textbox
    viewer: CXRViewer
    line: FilmPanel
    notices: NoticesPanel
    upload: FilmButton
    picker: gr.Dropdown
    words: gr.Textbox
    said: MessagePanel
    ask: gr.Button
    chips: tuple[gr.Button, ...]
    findings: FindingsPanel
    report: gr.Textbox
    read: gr.Button
    sentences: SentencesPanel
    patch: PatchPanel
    waiting: gr.Timer


def build(services: Services, first: OpenFilm) -> StudyTab:
    """Lay the tab out and wire it. Decisions belong in `StudyHandlers`."""
    film = gr.Textbox(first.key, visible=False)
    waiting = gr.Timer(0.7, active=True)
    with gr.Row(equal_height=False):
        with gr.Column(scale=9, min_width=320):
            notices = NoticesPanel(screen.notices_screen(first), elem_id="egma-notices")
            viewer = CXRViewer(screen.viewer_screen(first), elem_id="egma-viewer")
            patch = PatchPanel(elem_id="egma-patch")
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            line, upload, picker = _build_film_card(services, first)
            words, said, ask, chips = _build_words_card()
            report, read, sentences = _build_report_card()
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown("## Findings", elem_classes="egma-h2")
                findings = FindingsPanel(FindingsData(state="loading", message=screen.LOADING), elem_id="egma-findings")
    tab = StudyTab(
        film=film,
        viewer=viewer,
        line=line,
        notices=notices,
        upload=upload,
        picker=picker,
        words=words,
        said=said,
        ask=ask,
        chips=chips,
        findings=findings,
        report=report,
        read=read,
        sentences=sentences,
        patch=patch,
        waiting=waiting,
    )
    _wire(tab, StudyHandlers(services))
    return tab


def _build_film_card(services: Services, first: OpenFilm) -> tuple[FilmPanel, FilmButton, gr.Dropdown]:
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


def _build_words_card() -> tuple[gr.Textbox, MessagePanel, gr.Button, tuple[gr.Button, ...]]:
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


def _build_report_card() -> tuple[gr.Textbox, gr.Button, SentencesPanel]:
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


def _wire(tab: StudyTab, handlers: StudyHandlers) -> None:
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    reading = {**quiet, "concurrency_id": "films", "concurrency_limit": PARALLEL}
    model = {**quiet, "concurrency_id": "model", "concurrency_limit": PARALLEL}
    # a question takes milliseconds, the framework's queue adds thirty; the engine takes one caller at a time anyway
    at_once = {**quiet, "queue": False}
    opened = [tab.film, tab.viewer, tab.line, tab.notices, tab.findings, tab.patch, tab.sentences, tab.picker]
    scores, stepped = [tab.findings, tab.waiting], [tab.sentences, tab.viewer]
    asked = [tab.words, tab.viewer, tab.said]
    question, pages = [tab.film, tab.words], [tab.film, tab.report]

    for opening in (
        tab.upload.upload(handlers.open_upload, tab.upload, opened, **reading),
        tab.picker.input(handlers.open_example, tab.picker, opened, **reading),
    ):
        opening.success(handlers.score, tab.film, scores, **model)
    tab.waiting.tick(handlers.score_when_ready, tab.film, scores, **model)
    for asking in (
        gr.on([tab.ask.click, tab.words.submit], handlers.ask, question, asked, **at_once),
        tab.findings.show_finding(handlers.show_finding, question, asked, **at_once),
        tab.read.click(handlers.read_report, pages, stepped, **model),
        *(chip.click(handlers.add_phrase, [*question, chip], asked, **at_once) for chip in tab.chips),
    ):
        asking.success(None, js=SHOW_VIEWER_JS, **quiet)
    tab.sentences.choose_sentence(handlers.choose_sentence, pages, stepped, **model)
    tab.viewer.layer_step(handlers.follow_step, tab.report, tab.sentences, **model)
    tab.viewer.patch_click(handlers.match_patch, question, tab.patch, **at_once)
