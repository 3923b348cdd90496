"""The Study tab: a film, words, and where the model finds what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.films import OpenFilm, example_key
from app.panels import FilmPanel, FindingsData, FindingsPanel, MessagePanel, NoticesPanel, PatchPanel, SentencesPanel
from app.services import Services
from app.tabs import screen, switch
from app.tabs.study_handlers import MAX_REPORT_CHARS, MAX_WORDS_CHARS, FilmRequest, StudyHandlers
from app.uploads import FilmButton
from app.viewer import CXRViewer

CHIPS = ("pleural effusion", "cardiomegaly", "pneumothorax", "consolidation in the right lower lobe", "lung mass")
PICK = "Example films…"
SHOW_VIEWER_JS = """
() => { if (innerWidth < 900) document.querySelector('#egma-viewer')?.scrollIntoView({ block: 'start' }); }
"""
"""On a phone the film is above the words: an answer nobody sees is none."""
SHOW_TAB_JS = "() => { document.querySelector('#egma-tabs [role=tab]')?.click(); }"
"""The first tab is this one; on a phone the others may be in a menu, the first never is."""
PARALLEL = 2
"""Films read, or scored, side by side: more would only share the same cores."""
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
READING = {**QUIET, "concurrency_id": "films", "concurrency_limit": PARALLEL}
MODEL = {**QUIET, "concurrency_id": "model", "concurrency_limit": PARALLEL}
# a question takes milliseconds, the framework's queue adds thirty; the engine takes one caller at a time anyway
AT_ONCE = {**QUIET, "queue": False}

__all__ = ["FilmRequest", "StudyTab", "build"]


@dataclass(frozen=True, eq=False)
class StudyTab:
    """The tab's components that take part in events, and what other tabs may do with them.

    Attributes:
        film: key of the film on screen; pass it as an input, `services.films.find(key)` gives the film.
        asked: the phrases on the film, one a line.
        menu: the choice of a model.
        request, request_words: what another tab asks for, see `open_film`.
    """

    film: gr.Textbox
    asked: gr.Textbox
    menu: switch.ModelMenu
    request: gr.Textbox
    request_words: gr.Textbox
    handlers: StudyHandlers
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

    @property
    def checkpoint(self) -> gr.Textbox:
        """Name of the checkpoint in use: pass it as an input, `services.models.engine(name)` gives the engine."""
        return self.menu.checkpoint

    @property
    def model_hash(self) -> gr.Textbox:
        """Its hash: `.change` tells of a switch that is complete."""
        return self.menu.model_hash

    @property
    def opened(self) -> list[Any]:
        """The components that a new film changes, in the order of `OpenedView`."""
        return [
            *(self.film, self.viewer, self.asked, self.line, self.notices),
            *(self.findings, self.patch, self.sentences, self.picker),
        ]

    @property
    def answers(self) -> list[Any]:
        """The components that asking words changes, in the order of `AskedView`."""
        return [self.words, self.viewer, self.asked, self.said]

    def open_film(self, event: Callable[..., Any], choose: Callable[..., Any], inputs: Any = None) -> Any:
        """Let another tab's event open a film here, ask for words, and bring this tab to the front.

        Args:
            event: a listener such as `button.click`.
            choose: an `@alerting` handler that returns a `FilmRequest`; where it raises, nothing changes.
            inputs: of `choose`.
        """
        chosen = event(choose, inputs, [self.request, self.request_words], **AT_ONCE)
        opening = chosen.success(self.handlers.open_requested, [self.request, self.checkpoint], self.opened, **READING)
        opening.success(None, js=SHOW_TAB_JS, **QUIET)
        asking = opening.success(
            self.handlers.ask_requested,
            [self.film, self.request_words, self.checkpoint],
            self.answers,
            **AT_ONCE,
        )
        return asking.success(self.handlers.score, [self.film, self.checkpoint], [self.findings, self.waiting], **MODEL)

    def use_checkpoint(
        self, services: Services, event: Callable[..., Any], choose: Callable[..., Any], inputs: Any = None
    ) -> Any:
        """Let another tab's event switch the model: `choose` returns a checkpoint's name, as it is in the list."""
        chosen = event(choose, inputs, self.menu.wanted, **AT_ONCE)
        begin = switch.SwitchHandlers(services).choose
        return chosen.success(begin, [self.menu.wanted, self.checkpoint], self.menu.outputs, **AT_ONCE)


def build(services: Services, first: OpenFilm) -> StudyTab:
    """Lay the tab out and wire it. Decisions belong in `StudyHandlers`."""
    film, asked, request, request_words = (gr.Textbox(key, visible="hidden") for key in (first.key, "", "", ""))
    waiting = gr.Timer(0.7, active=True)
    with gr.Row(equal_height=False):
        with gr.Column(scale=9, min_width=320):
            notices = NoticesPanel(screen.notices_screen(first), elem_id="egma-notices")
            viewer = CXRViewer(screen.viewer_screen(first), elem_id="egma-viewer")
            patch = PatchPanel(elem_id="egma-patch")
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            line, upload, picker = _build_film_card(services, first)
            with gr.Column(elem_classes="egma-card"):
                menu = switch.build(services)
            words, said, ask, chips = _build_words_card()
            report, read, sentences = _build_report_card()
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown("## Findings", elem_classes="egma-h2")
                findings = FindingsPanel(FindingsData(state="loading", message=screen.LOADING), elem_id="egma-findings")
    tab = StudyTab(
        film=film,
        asked=asked,
        menu=menu,
        request=request,
        request_words=request_words,
        handlers=StudyHandlers(services),
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
    _wire(tab)
    switch.wire(menu, services)
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


def _wire(tab: StudyTab) -> None:
    handlers, checkpoint = tab.handlers, tab.checkpoint
    film, scores, stepped = [tab.film, checkpoint], [tab.findings, tab.waiting], [tab.sentences, tab.viewer, tab.asked]
    question, pages = [tab.film, tab.words, checkpoint], [tab.film, tab.report, checkpoint]
    for opening in (
        tab.upload.upload(handlers.open_upload, [tab.upload, checkpoint], tab.opened, **READING),
        tab.picker.input(handlers.open_example, [tab.picker, checkpoint], tab.opened, **READING),
    ):
        opening.success(handlers.score, film, scores, **MODEL)
    tab.waiting.tick(handlers.score_when_ready, film, scores, **MODEL)
    resumed = [tab.viewer, *scores, tab.patch]
    tab.model_hash.change(handlers.resume, [tab.film, tab.asked, checkpoint], resumed, **MODEL)
    for asking in (
        gr.on([tab.ask.click, tab.words.submit], handlers.ask, question, tab.answers, **AT_ONCE),
        tab.findings.show_finding(handlers.show_finding, question, tab.answers, **AT_ONCE),
        tab.read.click(handlers.read_report, pages, stepped, **MODEL),
        *(chip.click(handlers.add_phrase, [*question, chip], tab.answers, **AT_ONCE) for chip in tab.chips),
    ):
        asking.success(None, js=SHOW_VIEWER_JS, **QUIET)
    tab.sentences.choose_sentence(handlers.choose_sentence, pages, stepped, **MODEL)
    tab.viewer.layer_step(handlers.follow_step, tab.report, tab.sentences, **MODEL)
    tab.viewer.patch_click(handlers.match_patch, question, tab.patch, **AT_ONCE)
