"""The Study tab: a film, words, and where the model finds what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.films import OpenFilm
from app.panels import FilmPanel, FindingsData, FindingsPanel, MessagePanel, NoticesPanel, PatchPanel, SentencesPanel
from app.services import Services
from app.tabs import cards, compare, screen, switch
from app.tabs.study_handlers import FilmRequest, StudyHandlers
from app.uploads import FilmButton
from app.viewer import CXRViewer

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
        second: the model it is compared with, beside it.
        request, request_words: what another tab asks for, see `open_film`.
    """

    film: gr.Textbox
    asked: gr.Textbox
    menu: switch.ModelMenu
    second: compare.SecondSide
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
            with gr.Row(equal_height=False, elem_id="egma-films"):
                with gr.Column(min_width=320):
                    viewer = CXRViewer(
                        screen.viewer_screen(first), link=compare.LINK, leads=True, elem_id="egma-viewer"
                    )
                    patch = PatchPanel(elem_id="egma-patch")
                side = compare.build_side()
            table = compare.build_table()
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            line, upload, picker = cards.build_film_card(services, first)
            menu, chosen = cards.build_model_card(services)
            words, said, ask, chips = cards.build_words_card()
            report, read, sentences = cards.build_report_card()
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown("## Findings", elem_classes="egma-h2")
                findings = FindingsPanel(FindingsData(state="loading", message=screen.LOADING), elem_id="egma-findings")
    tab = StudyTab(
        film=film,
        asked=asked,
        menu=menu,
        second=compare.SecondSide(*chosen, *side, *table),
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
    _wire_second(tab, compare.CompareHandlers(services))
    return tab


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


def _wire_second(tab: StudyTab, handlers: compare.CompareHandlers) -> None:
    """The second side follows film, phrases and both models; its own viewer asks and steps as the first does."""
    second, shown = tab.second, [tab.film, tab.asked, tab.checkpoint, tab.second.chooser]
    gr.on(
        [second.chooser.input, tab.film.change, tab.asked.change, tab.model_hash.change],
        handlers.refresh,
        shown,
        second.outputs,
        **MODEL,
    )
    second.polling.tick(handlers.follow, shown, second.outputs, **MODEL)
    second.chooser.focus(handlers.list_others, [tab.checkpoint, second.chooser], second.outputs, **AT_ONCE)
    question = [tab.film, tab.words]
    for viewer in (tab.viewer, second.viewer):
        viewer.patch_click(tab.handlers.match_patch, [*question, tab.checkpoint], tab.patch, **AT_ONCE)
        viewer.patch_click(tab.handlers.match_second_patch, [*question, second.chooser], second.patch, **AT_ONCE)
        viewer.layer_step(tab.handlers.follow_step, tab.report, tab.sentences, **MODEL)
