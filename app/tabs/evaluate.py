"""The Evaluate tab: what to measure, how far it is, tables with intervals, and the films behind a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.menus import NameMenu, NamesMenu
from app.panels import MessagePanel
from app.panels.evaluation import EvaluationData, EvaluationPanel, PlotsData, PlotsPanel
from app.panels.training import RunPanel, RunsPanel
from app.services import Services
from app.tabs import evaluate_cards, evaluate_screen
from app.tabs.evaluate_films import FilmsHandlers
from app.tabs.evaluate_form import NO_DATA, TASKS, FormHandlers
from app.tabs.evaluate_handlers import EXPORTS, EvaluateHandlers
from app.tabs.study import AT_ONCE, QUIET, READING, StudyTab

LOOK_EVERY_S = 1.5
_SHOW_FILMS_JS = """() => document.querySelector('#egma-evaluate-behind')?.scrollIntoView({ block: 'nearest' })"""
INTRO = (
    "Measure checkpoints as the field does. Put a data set, as its owners lay it out, into the folder `datasets` of "
    "the data root. Research use only: a figure holds for its list of films, its prompts and its checkpoint."
)


@dataclass(frozen=True, eq=False)
class EvaluateTab:
    """The tab's components that take part in events."""

    task: gr.Dropdown
    data: NameMenu
    checkpoints: NamesMenu
    start: gr.Button
    find: gr.Button
    show: gr.Button
    said: MessagePanel
    run: gr.Textbox
    stamp: gr.Textbox
    runs: RunsPanel
    panel: RunPanel
    result: EvaluationPanel
    pictures: PlotsPanel
    exports: tuple[gr.DownloadButton, ...]
    command: gr.Textbox
    stop: gr.Button
    delete: gr.Button
    asking: gr.Row
    for_good: gr.Button
    keep: gr.Button
    behind: MessagePanel
    films: gr.Gallery
    chosen: gr.Textbox
    looking: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """The components in the order of `LookView`."""
        return [
            *(self.run, self.stamp, self.runs, self.panel, self.result, self.pictures),
            *(*self.exports, self.command, self.stop, self.delete, self.asking),
        ]


def build(services: Services, study: StudyTab, opened: gr.Tab) -> EvaluateTab:
    """Lay the tab out and wire it. Decisions belong in the handlers of form, runs and films."""
    run, stamp, chosen = (gr.Textbox("", visible="hidden") for _ in range(3))
    with gr.Tabs(elem_id="egma-evaluate-tabs"):
        with gr.Tab("Results", id="results") as results, gr.Row(equal_height=False):
            with gr.Column(scale=4, min_width=320, elem_classes="egma-side"):
                form = _build_form(services)
                with gr.Column(elem_classes="egma-card"):
                    gr.Markdown("## Evaluations", elem_classes="egma-h2")
                    runs = RunsPanel(elem_id="egma-evaluations")
            with gr.Column(scale=10, min_width=320, elem_classes="egma-side"):
                shown = _build_result()
        with gr.Tab("Model cards", id="cards") as cards:
            evaluate_cards.build(services, results, cards)
    tab = EvaluateTab(
        **form, **shown, run=run, stamp=stamp, chosen=chosen, runs=runs, looking=gr.Timer(LOOK_EVERY_S, active=False)
    )
    _wire(tab, services, study, opened)
    return tab


def _build_form(services: Services) -> dict[str, Any]:
    hosted = services.settings.on_space
    with gr.Column(elem_classes="egma-card"):
        gr.Markdown("## Measure", elem_classes="egma-h2")
        gr.Markdown(INTRO, elem_classes="egma-hint")
        task = gr.Dropdown(list(TASKS), value=TASKS[0][1], label="Task", filterable=False, elem_id="egma-evaluate-task")
        data = NameMenu(
            NO_DATA,
            value="",
            label="Data",
            info="A folder in datasets or gaze of the data root, as its owners lay it out, or with a labels.csv.",
            filterable=False,
            elem_id="egma-evaluate-data",
        )
        checkpoints = NamesMenu(
            services.models.choices(),
            value=[services.models.default.name],
            multiselect=True,
            label="Checkpoints",
            info="The others are compared with the first, on the same films.",
            elem_id="egma-evaluate-models",
        )
        start = gr.Button("Start", variant="primary", interactive=not hosted, elem_id="egma-evaluate-start")
        with gr.Row(elem_classes="egma-row"):
            find = gr.Button("What is in this data?", size="sm", min_width=120)
            show = gr.Button("Show command", size="sm", min_width=100)
        said = MessagePanel(elem_id="egma-evaluate-said")
    return {
        "task": task,
        "data": data,
        "checkpoints": checkpoints,
        "start": start,
        "find": find,
        "show": show,
        "said": said,
    }


def _build_result() -> dict[str, Any]:
    with gr.Column(elem_classes="egma-card"):
        shown = _build_run()
        result = EvaluationPanel(EvaluationData(empty=evaluate_screen.NO_RESULT), elem_id="egma-evaluate-result")
        behind = MessagePanel(elem_id="egma-evaluate-behind")
        films = gr.Gallery(
            [],
            label="Films behind the figure",
            show_label=False,
            columns=4,
            height="auto",
            visible=False,
            allow_preview=False,
            buttons=[],
            elem_id="egma-evaluate-films",
        )
    with gr.Column(elem_classes="egma-card", elem_id="egma-evaluate-more"):
        pictures = PlotsPanel(PlotsData(), elem_id="egma-evaluate-plots")
        exports, command = _build_exports()
    return {
        **shown,
        "result": result,
        "behind": behind,
        "films": films,
        "pictures": pictures,
        "exports": exports,
        "command": command,
    }


def _build_run() -> dict[str, Any]:
    """How the run looked at stands, and what can be done to it."""
    panel = RunPanel(elem_id="egma-evaluation")
    with gr.Row(elem_classes="egma-row egma-actions"):
        stop = gr.Button("Stop", size="sm", variant="stop", visible=False, min_width=90, elem_id="egma-evaluate-stop")
        delete = gr.Button("Delete…", size="sm", visible=False, min_width=90, elem_id="egma-evaluate-delete")
    with gr.Row(visible=False, elem_classes="egma-row egma-actions", elem_id="egma-evaluate-asking") as asking:
        gr.Markdown("Delete this evaluation with its tables and figures?")
        for_good = gr.Button(
            "Delete for good", size="sm", variant="stop", elem_id="egma-evaluate-for-good", min_width=120
        )
        keep = gr.Button("Keep it", size="sm", min_width=90)
    return {"panel": panel, "stop": stop, "delete": delete, "asking": asking, "for_good": for_good, "keep": keep}


def _build_exports() -> tuple[tuple[gr.DownloadButton, ...], gr.Textbox]:
    with gr.Row(elem_classes="egma-row egma-actions"):
        exports = tuple(
            gr.DownloadButton(
                name, size="sm", visible=False, min_width=110, elem_id=f"egma-export-{name.split('.')[0]}"
            )
            for name in EXPORTS
        )
    command = gr.Textbox(
        "",
        label="The same in a terminal",
        interactive=False,
        visible=False,
        lines=1,
        max_lines=3,
        elem_id="egma-evaluate-command",
    )
    return exports, command


def _wire(tab: EvaluateTab, services: Services, study: StudyTab, opened: gr.Tab) -> None:
    form, runs, films = FormHandlers(services), EvaluateHandlers(services), FilmsHandlers(services)
    filled, now = [tab.task, tab.data, tab.checkpoints], [tab.run, tab.stamp]
    opened.select(runs.open_tab, [tab.run, tab.data], [tab.looking, tab.data, tab.checkpoints, *tab.outputs], **AT_ONCE)
    tab.looking.tick(runs.look, now, tab.outputs, trigger_mode="once", **AT_ONCE)
    tab.start.click(form.start, filled, tab.said, **AT_ONCE)
    tab.find.click(form.find_sets, tab.data, tab.said, **AT_ONCE)
    tab.show.click(form.write_command, filled, tab.said, **AT_ONCE)
    tab.runs.choose_run(runs.choose, None, tab.outputs, **AT_ONCE)
    tab.stop.click(runs.stop, tab.run, None, **AT_ONCE)
    tab.delete.click(runs.ask_delete, None, tab.asking, **AT_ONCE)
    tab.keep.click(runs.keep, None, tab.asking, **AT_ONCE)
    tab.for_good.click(runs.delete, tab.run, tab.outputs, **AT_ONCE)
    chosen = tab.result.choose_cell(films.choose_cell, tab.run, [tab.behind, tab.films, tab.chosen], **READING)
    chosen.success(None, js=_SHOW_FILMS_JS, **QUIET)
    study.open_film(tab.films.select, films.open_case, [tab.run, tab.chosen])
