"""The Reports tab: reports by words, by the film on screen or by another report, each beside the film; and a draft."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.films import OpenFilm
from app.menus import NameMenu
from app.panels.report_data import DraftData, HitsData, ReportData, StripData
from app.panels.report_panels import DownloadPanel, DraftPanel, HitsPanel, ReportPanel, StripPanel
from app.services import Services
from app.tabs import reports_filters, reports_import, screen
from app.tabs import reports_screen as show
from app.tabs.archive_handlers import ArchiveHandlers
from app.tabs.draft_handlers import DraftHandlers
from app.tabs.reports_handlers import MAX_WORDS_CHARS, ReportsHandlers
from app.tabs.study import AT_ONCE, MODEL, QUIET, READING, StudyTab
from app.viewer import CXRViewer

SHOW_REPORT_JS = """
() => { if (innerWidth < 1100) document.querySelector('#egma-open-report')?.scrollIntoView({ block: 'start' }); }
"""
"""On a phone the report is below the results: one that nobody sees was not opened."""
SHOW_FILM_JS = """
() => { if (innerWidth < 1100) document.querySelector('#egma-report-viewer')?.scrollIntoView({ block: 'start' }); }
"""


@dataclass(frozen=True, eq=False)
class ReportsTab:
    """The tab's components that take part in events."""

    library: NameMenu
    archive: NameMenu
    words: gr.Textbox
    ask: gr.Button
    use_film: gr.Button
    filters: reports_filters.FilterCard
    hits: HitsPanel
    strip: StripPanel
    download: DownloadPanel
    wizard: reports_import.ImportCard
    viewer: CXRViewer
    report: ReportPanel
    opened: gr.Textbox
    drafting: gr.Button
    draft: DraftPanel
    shown_film: gr.Textbox


def build(services: Services, study: StudyTab, first: OpenFilm, selected: gr.Tab) -> ReportsTab:
    """Lay the tab out and wire it. Decisions belong in the handlers."""
    opened, shown_film = gr.Textbox("", visible="hidden"), gr.Textbox(first.key, visible="hidden")
    download = DownloadPanel(elem_id="egma-download")
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            with gr.Column(elem_classes="egma-card"):
                library, archive, words, ask, use_film = _build_question()
                filters = reports_filters.build()
                wizard = reports_import.build(services)
            strip = StripPanel(StripData(), elem_id="egma-strip")
            hits = HitsPanel(HitsData(message=show.WELCOME), elem_id="egma-hits")
        with gr.Column(scale=6, min_width=320):
            viewer = CXRViewer(screen.viewer_screen(first), elem_id="egma-report-viewer")
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            with gr.Column(elem_classes="egma-card"):
                report = ReportPanel(ReportData(hint=show.NO_REPORT), elem_id="egma-open-report")
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown("## Draft", elem_classes="egma-h2")
                drafting = gr.Button(
                    "Draft from reports of films like this one", size="sm", elem_id="egma-draft-button"
                )
                draft = DraftPanel(DraftData(message=show.NO_DRAFT), elem_id="egma-draft")
    tab = ReportsTab(
        library=library,
        archive=archive,
        words=words,
        ask=ask,
        use_film=use_film,
        filters=filters,
        hits=hits,
        strip=strip,
        download=download,
        wizard=wizard,
        viewer=viewer,
        report=report,
        opened=opened,
        drafting=drafting,
        draft=draft,
        shown_film=shown_film,
    )
    _wire(tab, services, study, selected)
    return tab


def _build_question() -> tuple[NameMenu, NameMenu, gr.Textbox, gr.Button, gr.Button]:
    with gr.Row(elem_classes="egma-row"):
        library = NameMenu([], value=None, label="Library", filterable=False, elem_id="egma-library", min_width=180)
        archive = NameMenu(
            [],
            value=None,
            label="Archive of films",
            filterable=False,
            visible=False,
            elem_id="egma-archive",
            min_width=160,
        )
    words = gr.Textbox(
        label="Search reports",
        placeholder='left pleural effusion, or "no pneumothorax" word for word',
        lines=1,
        max_lines=3,
        max_length=MAX_WORDS_CHARS,
        elem_id="egma-search",
    )
    with gr.Row(elem_classes="egma-row"):
        ask = gr.Button("Search", variant="primary", size="md", min_width=90, scale=2, elem_id="egma-search-button")
        use_film = gr.Button("Use the film on screen", size="md", min_width=200, scale=3, elem_id="egma-search-film")
    return library, archive, words, ask, use_film


def _wire(tab: ReportsTab, services: Services, study: StudyTab, selected: gr.Tab) -> None:
    handlers, drafts = ReportsHandlers(services), DraftHandlers(services)
    wizard = reports_import.wire(tab.wizard, services, study.checkpoint)
    asked = [tab.library, tab.archive, study.film, study.checkpoint, *tab.filters.inputs]
    on_film = [study.film, study.checkpoint]
    shown: list[Any] = [tab.report, tab.viewer, tab.opened]
    found = [tab.hits, tab.strip]
    drafted = [tab.draft, tab.viewer]
    looked = [tab.library, tab.archive, tab.hits, tab.wizard.job, tab.wizard.polling]

    arriving = selected.select(wizard.arrive, [tab.library, tab.archive, study.checkpoint], looked, **READING)
    showing = [tab.report, tab.viewer, tab.opened, tab.draft, tab.shown_film]
    gr.on([selected.select, study.film.change], handlers.show_film, [*on_film, tab.shown_film], showing, **READING)
    study.model_hash.change(handlers.change_model, on_film, tab.viewer, **READING)
    looking = tab.wizard.polling.tick(wizard.follow, [tab.library, tab.archive], looked, **AT_ONCE)
    reports_filters.wire(tab.filters, services, tab.library, arriving.success, looking.success, tab.library.input)

    gr.on([tab.ask.click, tab.words.submit], handlers.search_words, [tab.words, *asked], found, **AT_ONCE)
    tab.use_film.click(handlers.search_film, asked, found, **MODEL)
    tab.hits.more_like(handlers.search_like, asked, found, **AT_ONCE)
    for panel in (tab.hits, tab.draft):
        opening = panel.open_hit(handlers.open_hit, [tab.library, *on_film], shown, **READING)
        opening.success(None, js=SHOW_REPORT_JS, **QUIET)
    for asking in (
        tab.report.choose_sentence(handlers.ask_sentence, [tab.library, *on_film, tab.opened], shown, **AT_ONCE),
        tab.draft.choose_sentence(drafts.ask_draft, [tab.draft, *on_film], drafted, **AT_ONCE),
    ):
        asking.success(None, js=SHOW_FILM_JS, **QUIET)
    tab.report.close_report(handlers.close_report, on_film, shown, **AT_ONCE)
    tab.hits.export_hits(handlers.export, tab.library, tab.download, **READING)
    tab.drafting.click(drafts.draft, asked, drafted, **MODEL)
    study.open_film(tab.strip.open_archived, ArchiveHandlers(services).open_archived, tab.archive)
