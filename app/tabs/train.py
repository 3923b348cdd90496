"""The Train tab: a form to start a fine-tuning, the runs there are, and how the one looked at is doing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import gradio as gr

from app.jobs import HOSTED, open_room
from app.menus import NameMenu
from app.panels import MessagePanel, NoticesPanel, RowsPanel
from app.panels.training import CurvesPanel, RunPanel, RunsPanel
from app.services import Services
from app.tabs.study import AT_ONCE, QUIET, SHOW_TAB_JS, StudyTab
from app.tabs.train_form import FOLDED, TrainForm, build_form
from app.tabs.train_handlers import TrainHandlers

LOOK_EVERY_S = 1.5
BESIDE = {**QUIET, "concurrency_id": "train", "concurrency_limit": 1}
"""Checks of data and dry runs: one at a time, beside everything else."""
INTRO = (
    "Fine-tune a model on your films, or on phantoms to see how it goes. A run is a folder and a process of its own: "
    "it goes on when this page is closed."
)
_COPY_JS = "(text) => { navigator.clipboard && navigator.clipboard.writeText(text); }"


@dataclass(frozen=True, eq=False)
class StartCard:
    """The form and what answers to it."""

    form: TrainForm
    check: gr.Button
    estimate: gr.Button
    start: gr.Button
    show: gr.Button
    said: MessagePanel
    data: tuple[Any, ...]


@dataclass(frozen=True, eq=False)
class RunCard:
    """What shows runs, in the order of `LookView`, and the buttons beside it."""

    run: gr.Textbox
    stamp: gr.Textbox
    runs: RunsPanel
    panel: RunPanel
    curves: CurvesPanel
    config: RowsPanel
    log: gr.Textbox
    command: gr.Textbox
    compare: NameMenu
    stop: gr.Button
    resume: gr.Button
    duplicate: gr.Button
    use: gr.Button
    delete: gr.Button
    asking: gr.Row
    for_good: gr.Button
    keep: gr.Button
    copy: gr.Button
    looking: gr.Timer

    @property
    def outputs(self) -> list[Any]:
        """The components in the order of `LookView`."""
        return [
            *(self.run, self.stamp, self.runs, self.panel, self.curves, self.config, self.log, self.command),
            *(self.compare, self.stop, self.resume, self.duplicate, self.use, self.delete, self.asking),
        ]


def build(services: Services, study: StudyTab, opened: gr.Tab) -> RunCard:
    """Lay the tab out and wire it. Decisions belong in `TrainHandlers`."""
    hosted = services.settings.on_space
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            start = _build_start(services, hosted)
        with gr.Column(scale=9, min_width=320, elem_classes="egma-side"):
            card = _build_runs()
    _wire(start, card, TrainHandlers(services), study, opened, services)
    return card


def _build_start(services: Services, hosted: bool) -> StartCard:
    with gr.Column(elem_classes="egma-card", elem_id="egma-train-form"):
        gr.Markdown("## New run", elem_classes="egma-h2")
        gr.Markdown(HOSTED if hosted else INTRO, elem_classes="egma-hint")
        form = build_form(services, open_room(services))
        start = _build_ask("Start", "start", hosted, primary=True)
        with gr.Row(elem_classes="egma-row"):
            check = _build_ask("Check data", "check", hosted)
            estimate = _build_ask("Estimate time", "estimate", hosted)
            show = _build_ask("Show command", "show", False)
        said = MessagePanel(elem_id="egma-train-said")
        problems = NoticesPanel(elem_id="egma-train-problems")
        films = gr.Gallery(
            [],
            label="Some of its films",
            columns=3,
            height=180,
            visible=False,
            elem_id="egma-train-films",
            preview=False,
        )
        counts, table = RowsPanel(elem_id="egma-train-counts"), RowsPanel(elem_id="egma-train-classes")
    return StartCard(form, check, estimate, start, show, said, (table, counts, films, problems, said))


def _build_runs() -> RunCard:
    run, stamp = (gr.Textbox("", visible="hidden") for _ in range(2))
    with gr.Column(elem_classes="egma-card"):
        gr.Markdown("## Runs", elem_classes="egma-h2")
        runs = RunsPanel(elem_id="egma-runs")
    with gr.Column(elem_classes="egma-card"):
        panel = RunPanel(elem_id="egma-run")
        actions = _build_actions()
        compare = NameMenu(
            [("nothing", "")], value="", label="Compare with", elem_id="egma-run-compare", filterable=False
        )
        curves = CurvesPanel(elem_id="egma-curves")
    with gr.Column(elem_classes="egma-card"):
        records = _build_records()
    looking = gr.Timer(LOOK_EVERY_S, active=False)
    return RunCard(
        run=run, stamp=stamp, runs=runs, panel=panel, curves=curves, compare=compare, looking=looking,
        **actions, **records,
    )  # fmt: skip


def _build_actions() -> dict[str, Any]:
    """Buttons for the run looked at, and the question before it is deleted."""
    with gr.Row(elem_classes="egma-row"):
        built: dict[str, Any] = {
            "stop": _build_action("Stop", "stop", "stop"),
            "resume": _build_action("Resume", "primary", "resume"),
            "use": _build_action("Use this checkpoint", "primary", "use"),
            "duplicate": _build_action("Duplicate", "secondary", "duplicate"),
            "delete": _build_action("Delete…", "secondary", "delete"),
        }
    with gr.Row(visible=False, elem_classes="egma-row", elem_id="egma-run-asking") as asking:
        gr.Markdown("Delete this run with its checkpoint, states and log?")
        for_good = gr.Button("Delete for good", size="sm", variant="stop", elem_id="egma-run-for-good", min_width=120)
        keep = gr.Button("Keep it", size="sm", min_width=90)
    return {**built, "asking": asking, "for_good": for_good, "keep": keep}


def _build_records() -> dict[str, Any]:
    """The run's command, settings and log."""
    with gr.Row(elem_classes="egma-row", elem_id="egma-run-command-row"):
        command = gr.Textbox(
            "",
            label="Command of this run",
            interactive=False,
            lines=1,
            max_lines=3,
            elem_id="egma-run-command",
            scale=5,
        )
        copy = gr.Button("Copy", size="sm", min_width=70, scale=1, elem_id="egma-run-copy")
    with gr.Accordion("Settings", open=False, elem_id="egma-run-settings"):
        config = RowsPanel(elem_id="egma-run-config")
    with gr.Accordion("Log", open=False, elem_id="egma-run-log"):
        log = gr.Textbox("", label="End of the log", interactive=False, lines=8, max_lines=14, show_label=False)
    return {"command": command, "copy": copy, "config": config, "log": log}


def _build_ask(words: str, key: str, hosted: bool, *, primary: bool = False) -> gr.Button:
    """A button under the form; on a hosted demo it is there to be seen."""
    return gr.Button(
        words,
        size="md" if primary else "sm",
        variant="primary" if primary else "secondary",
        interactive=not hosted,
        elem_id=f"egma-train-{key}",
        min_width=76,
    )


def _build_action(words: str, kind: Literal["primary", "secondary", "stop"], key: str) -> gr.Button:
    """A button for the run looked at; shown where it can be done."""
    return gr.Button(words, size="sm", visible=False, variant=kind, elem_id=f"egma-run-{key}", min_width=90)


def _wire(
    start: StartCard, card: RunCard, handlers: TrainHandlers, study: StudyTab, opened: gr.Tab, services: Services
) -> None:
    form = start.form
    values, now = list(form.fields), [card.run, card.compare, card.stamp]
    folded = [form.field(name) for name in FOLDED]
    lists = [card.looking, form.field("data"), form.field("base")]
    opened.select(handlers.open_tab, [card.run, card.compare], [*lists, *card.outputs], **AT_ONCE)
    card.looking.tick(handlers.look, now, card.outputs, trigger_mode="once", **AT_ONCE)
    form.field("preset").input(handlers.choose_preset, form.field("preset"), [form.described, *folded], **AT_ONCE)
    start.check.click(handlers.check_data, values, list(start.data), **BESIDE)
    start.estimate.click(handlers.say_estimating, None, start.said, **AT_ONCE)
    start.estimate.click(handlers.estimate, values, start.said, **BESIDE)
    start.show.click(handlers.write_command, values, start.said, **AT_ONCE)
    start.start.click(handlers.start, values, card.outputs, **AT_ONCE)
    card.runs.choose_run(handlers.choose, card.compare, card.outputs, **AT_ONCE)
    card.compare.input(handlers.look, now, card.outputs, **AT_ONCE)
    for button, act in ((card.stop, handlers.stop), (card.resume, handlers.resume)):
        button.click(act, card.run, None, **AT_ONCE).success(handlers.look, now, card.outputs, **AT_ONCE)
    card.duplicate.click(handlers.duplicate, card.run, [form.described, *values], **AT_ONCE)
    card.delete.click(handlers.ask_delete, None, card.asking, **AT_ONCE)
    card.keep.click(handlers.keep, None, card.asking, **AT_ONCE)
    card.for_good.click(handlers.delete, card.run, card.outputs, **AT_ONCE)
    card.copy.click(None, card.command, None, js=_COPY_JS, **QUIET)
    study.use_checkpoint(services, card.use.click, handlers.use, card.run).success(None, js=SHOW_TAB_JS, **QUIET)
