"""Filling a library from the page: a table whose columns a reader confirms, a folder, or Open-i; as a job."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from app.libraries import IMPORTS
from app.menus import NameMenu
from app.panels import MessagePanel
from app.panels.report_panels import JobPanel
from app.services import Services
from app.tabs.reports_import_handlers import NONE, PARTS, ImportHandlers
from app.tabs.study import AT_ONCE, READING
from app.uploads import FilmButton

POLL_S = 1.0


@dataclass(frozen=True, eq=False)
class ImportCard:
    """The wizard's components."""

    name: gr.Textbox
    said: MessagePanel
    upload: FilmButton
    pending: gr.Textbox
    box: gr.Column
    rows: gr.Dataframe
    parts: tuple[NameMenu, ...]
    confirm: gr.Button
    folder: NameMenu
    add_folder: gr.Button
    open_i: gr.Button
    job: JobPanel
    polling: gr.Timer


def build(services: Services) -> ImportCard:
    """Lay the wizard out; `wire` makes it act."""
    job = JobPanel(elem_id="egma-library-job")
    polling = gr.Timer(POLL_S, active=False)
    with gr.Accordion("Add reports", open=False, elem_id="egma-import"):
        name = gr.Textbox(
            "my reports", label="Library", info="A new one, or one that reports are added to.", max_length=60
        )
        said = MessagePanel(elem_id="egma-import-said")
        pending = gr.Textbox(NONE, visible="hidden")
        upload = FilmButton("Choose a table (CSV)…", size="sm", elem_id="egma-import-table")
        with gr.Column(visible=False, elem_id="egma-import-columns") as box:
            gr.Markdown("## Which column holds what?", elem_classes="egma-h2")
            rows = gr.Dataframe(
                interactive=False,
                datatype="str",
                label="First rows",
                max_height=220,
                wrap=False,
                elem_id="egma-import-rows",
            )
            with gr.Row(elem_classes="egma-row"):
                parts = tuple(
                    NameMenu([("not there", NONE)], value=NONE, label=label, min_width=130) for label in PARTS.values()
                )
            confirm = gr.Button("Add these reports", variant="primary", elem_id="egma-import-confirm")
        with gr.Row(elem_classes="egma-row"):
            folder = NameMenu(
                [(each, each) for each in services.libraries.folders()],
                value=None,
                label="Or a folder of .txt or DICOM SR",
                info=f"Put it below {IMPORTS} in your data folder.",
                min_width=200,
                scale=3,
            )
            add_folder = gr.Button("Add the folder", size="sm", min_width=120, scale=1)
        open_i = gr.Button("Build the Open-i library (3,955 reports)", size="sm", elem_id="egma-import-open-i")
    return ImportCard(name, said, upload, pending, box, rows, parts, confirm, folder, add_folder, open_i, job, polling)


def wire(card: ImportCard, services: Services, checkpoint: gr.Textbox) -> ImportHandlers:
    """Uploading previews, confirming begins a job, the job's buttons stop and resume it."""
    handlers = ImportHandlers(services)
    table = [card.said, card.pending, card.box, card.rows, *card.parts]
    started = [card.said, card.box, card.job, card.polling]
    card.upload.upload(handlers.take_table, card.upload, table, **READING)
    card.confirm.click(handlers.add_table, [card.name, card.pending, checkpoint, *card.parts], started, **READING)
    card.folder.focus(handlers.list_folders, None, card.folder, **AT_ONCE)
    card.add_folder.click(handlers.add_folder, [card.name, card.folder, checkpoint], started, **READING)
    card.open_i.click(handlers.build_openi, checkpoint, started, **READING)
    card.job.stop_job(handlers.stop, None, started, **AT_ONCE)
    card.job.resume_job(handlers.resume, None, started, **AT_ONCE)
    card.job.dismiss_job(handlers.dismiss, None, started, **AT_ONCE)
    return handlers
