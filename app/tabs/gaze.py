"""The Gaze tab: a film, where readers looked on it, and how that agrees with the model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.films import OpenFilm
from app.gaze.example import GAZE_EXAMPLES
from app.gaze.exports import LABELS, PERSONAL
from app.gaze.store import OpenGaze
from app.gaze.tables import FRAMES, PARTS, UNITS
from app.menus import NameMenu
from app.panels import FilmPanel, MessagePanel, NoticesPanel, RowsPanel, TranscriptPanel, VersusPanel
from app.services import Services
from app.tabs.gaze_answers import GazeAnswers
from app.tabs.gaze_handlers import GazeHandlers
from app.tabs.gaze_screen import gaze_screen, line_screen
from app.tabs.gaze_sets import DataSetHandlers
from app.tabs.study import MODEL, QUIET, READING, StudyTab
from app.uploads import FilesButton
from app.viewer import GazeViewer

PICK = "Example recordings…"
WAIT_JS = "() => { window.egmaViewer?.gazeStage?.viewer.wait(); }"
DONE_JS = "() => { window.egmaViewer?.gazeStage?.viewer.ready(); }"
PICK_SET = "Data sets in your folder…"
_EXPECTED = (
    "Where the model would expect a reader to look on this film: its findings' maps, pooled and mixed with the centre "
    "bias. Predicted, never recorded; where a recording is open, its agreement with it is measured."
)
_CHECK = "Guessed from the header. Check it against the first rows, then open the recording."
_PICTURES = "What is on the film is saved above it: PNG beside the zoom, the replay as WebM beside the colours."
PART_LABELS = {
    "x": "x (across)",
    "y": "y (down)",
    "start": "Start of a fixation",
    "end": "End of a fixation",
    "duration": "Duration",
    "time": "Time of a sample",
    "recording": "Recording's name",
}


@dataclass(frozen=True, eq=False)
class ColumnsCard:
    """Where a reader says which columns of a table hold what."""

    box: gr.Column
    pending: gr.Textbox
    preview: gr.Dataframe
    parts: tuple[NameMenu, ...]
    said: MessagePanel
    confirm: gr.Button


@dataclass(frozen=True, eq=False)
class AnswersCard:
    """Below the film: what is answered about the recordings that are open."""

    reader: NameMenu
    sentence: NameMenu
    compare: gr.Button
    versus: VersusPanel
    regions: RowsPanel
    expect: gr.Button
    agreement: RowsPanel
    kinds: gr.CheckboxGroup
    raw: gr.Checkbox
    export: gr.Button
    files: gr.File
    said: tuple[MessagePanel, MessagePanel, MessagePanel]


@dataclass(frozen=True, eq=False)
class GazeTab:
    """The tab's components that take part in events."""

    film: gr.Textbox
    gaze: gr.Textbox
    viewer: GazeViewer
    line: FilmPanel
    said: MessagePanel
    notices: NoticesPanel
    upload: FilesButton
    beside: gr.Checkbox
    examples: gr.Dropdown
    back: gr.Button
    choice: NameMenu
    data_set: NameMenu
    progress: MessagePanel
    watching: gr.Timer
    columns: ColumnsCard
    transcript: TranscriptPanel
    answers: AnswersCard


def build(services: Services, study: StudyTab, first: OpenFilm, opened: gr.Tab) -> GazeTab:
    """Lay the tab out and wire it. Decisions belong in `GazeHandlers`."""
    film, gaze = (gr.Textbox(key, visible="hidden") for key in (first.key, ""))
    watching = gr.Timer(0.7, active=False)
    empty = OpenGaze(first.key)
    with gr.Row(equal_height=False):
        with gr.Column(scale=9, min_width=320):
            viewer = GazeViewer(gaze_screen(first, empty), scripts=False, elem_id="egma-gaze-viewer")
            answers = _build_answers()
        with gr.Column(scale=5, min_width=320, elem_classes="egma-side"):
            with gr.Column(elem_classes="egma-card"):
                line = FilmPanel(line_screen(first, empty), elem_id="egma-gaze-line")
                upload, beside, examples, back, choice, data_set, said, progress = _build_opening(services)
            notices = NoticesPanel(elem_id="egma-gaze-notices")
            columns = _build_columns()
            with gr.Column(elem_classes="egma-card"):
                gr.Markdown("## Dictation", elem_classes="egma-h2")
                transcript = TranscriptPanel(elem_id="egma-transcript")
    tab = GazeTab(
        film=film,
        gaze=gaze,
        viewer=viewer,
        line=line,
        said=said,
        notices=notices,
        upload=upload,
        beside=beside,
        examples=examples,
        back=back,
        choice=choice,
        data_set=data_set,
        progress=progress,
        watching=watching,
        columns=columns,
        transcript=transcript,
        answers=answers,
    )
    _wire_opening(tab, services, study, opened)
    _wire_answers(tab, GazeAnswers(services), study)
    return tab


def _build_opening(services: Services) -> tuple[Any, ...]:
    with gr.Row(elem_classes="egma-row"):
        upload = FilesButton(
            "Open recording…",
            file_count="multiple",
            variant="primary",
            size="md",
            elem_id="egma-gaze-open",
            min_width=150,
            scale=1,
        )
        examples = gr.Dropdown(
            [(PICK, ""), *((example.title, example.name) for example in GAZE_EXAMPLES)],
            value="",
            label="Example recordings",
            container=False,
            show_label=False,
            filterable=False,
            elem_id="egma-gaze-examples",
            min_width=190,
            scale=2,
        )
    gr.Markdown(
        "It goes onto the film shown here, or bring its film along; and its dictation and regions (REFLACX: "
        "fixations.csv with timestamps_transcription.csv). REFLACX, EyeGaze, MIMIC-EYE, scan-path JSON, EyeLink, "
        "Tobii, or any table; or drop the files anywhere on the page.",
        elem_classes="egma-hint",
    )
    said = MessagePanel(elem_id="egma-gaze-said")
    beside = gr.Checkbox(label="Add to the readers that are open", value=False, elem_id="egma-gaze-beside")
    choice = NameMenu([], label="Recording", visible=False, elem_id="egma-gaze-choice", filterable=True)
    names = services.gaze_library.names()
    data_set = NameMenu(
        [(PICK_SET, ""), *names],
        value="",
        label="Data set",
        visible=bool(names),
        elem_id="egma-gaze-sets",
        filterable=False,
    )
    progress = MessagePanel(elem_id="egma-gaze-progress")
    back = gr.Button("Show the film of the Study tab", size="sm", elem_id="egma-gaze-back")
    return upload, beside, examples, back, choice, data_set, said, progress


def _build_columns() -> ColumnsCard:
    """The card that asks which column holds what; shown while a table waits for it."""
    pending = gr.Textbox("", visible="hidden")
    with gr.Column(visible=False, elem_classes="egma-card", elem_id="egma-gaze-columns") as box:
        gr.Markdown("## Which column holds what?", elem_classes="egma-h2")
        gr.Markdown(_CHECK, elem_classes="egma-hint")
        preview = gr.Dataframe(
            interactive=False, datatype="str", label="First rows", max_height=230, wrap=False, elem_id="egma-gaze-rows"
        )
        with gr.Row(elem_classes="egma-row"):
            parts = [NameMenu([("none", "")], value="", label=PART_LABELS[part], min_width=130) for part in PARTS]
            frame = NameMenu(
                [(words, key) for key, words in FRAMES.items()], value="", label="Positions are", min_width=200
            )
            unit = NameMenu(
                [(words, key) for key, words in UNITS.items()], value="", label="Times are in", min_width=160
            )
        said = MessagePanel(elem_id="egma-gaze-columns-said")
        confirm = gr.Button("Open with these columns", variant="primary", elem_id="egma-gaze-confirm")
    return ColumnsCard(box, pending, preview, (*parts, frame, unit), said, confirm)


def _build_answers() -> AnswersCard:
    with gr.Tabs(elem_id="egma-gaze-answers"):
        with gr.Tab("Model versus reader"):
            with gr.Row(elem_classes="egma-row"):
                reader = NameMenu([], label="Reader", min_width=170, scale=1, elem_id="egma-gaze-reader")
                sentence = NameMenu([], label="Sentence", min_width=260, scale=3, elem_id="egma-gaze-sentence")
            compare = gr.Button("Compare", variant="primary", size="sm", elem_id="egma-gaze-compare")
            versus_said = MessagePanel(elem_id="egma-gaze-versus-said")
            versus = VersusPanel(elem_id="egma-gaze-versus")
        with gr.Tab("Regions"):
            regions = RowsPanel(elem_id="egma-gaze-regions")
        with gr.Tab("Expected gaze"):
            gr.Markdown(_EXPECTED, elem_classes="egma-hint")
            expect = gr.Button("Predict where a reader would look", size="sm", elem_id="egma-gaze-expect")
            expected_said = MessagePanel(elem_id="egma-gaze-expected-said")
            agreement = RowsPanel(elem_id="egma-gaze-agreement")
        with gr.Tab("Files"):
            choices = [(words, kind) for kind, words in LABELS.items()]
            kinds = gr.CheckboxGroup(choices, value=["density", "regions"], label="Files", elem_id="egma-gaze-kinds")
            raw = gr.Checkbox(label=PERSONAL, value=False, elem_id="egma-gaze-raw")
            export = gr.Button("Make the files", variant="primary", size="sm", elem_id="egma-gaze-export")
            files_said = MessagePanel(elem_id="egma-gaze-files-said")
            files = gr.File(label="Ready", file_count="multiple", interactive=False, elem_id="egma-gaze-files")
            gr.Markdown(_PICTURES, elem_classes="egma-hint")
    said = (versus_said, expected_said, files_said)
    return AnswersCard(reader, sentence, compare, versus, regions, expect, agreement, kinds, raw, export, files, said)


def _wire_opening(tab: GazeTab, services: Services, study: StudyTab, opened: gr.Tab) -> None:
    handlers, sets = GazeHandlers(services), DataSetHandlers(services)
    card = tab.columns
    shown = [tab.film, tab.gaze, tab.viewer, tab.line, tab.said, tab.notices, tab.choice, card.box]
    table = [card.pending, card.preview, *card.parts]
    open_now = [tab.film, tab.gaze, tab.beside]
    indexed = [tab.gaze, tab.choice, tab.said, tab.progress, tab.watching]

    opened.select(handlers.show, [tab.film, tab.gaze, study.film], shown, **READING)
    tab.upload.upload(handlers.open_files, [tab.upload, *open_now], [*shown, *table], **READING)
    tab.examples.input(handlers.open_example, tab.examples, shown, **READING)
    tab.back.click(handlers.use_study_film, study.film, shown, **READING)
    confirmed = [card.said if each is tab.said else each for each in shown]  # beside the button that was pressed
    card.confirm.click(handlers.confirm_columns, [card.pending, *open_now, *card.parts], confirmed, **READING)
    tab.choice.input(handlers.choose_recording, [tab.choice, *open_now], shown, **READING)
    tab.data_set.input(sets.open_data_set, [tab.data_set, tab.film, tab.gaze], indexed, **READING)
    tab.watching.tick(sets.watch_data_set, [tab.data_set, tab.film, tab.gaze], indexed, **READING)


def _wire_answers(tab: GazeTab, answers: GazeAnswers, study: StudyTab) -> None:
    card = tab.answers
    on_film = [tab.film, tab.gaze]
    menus = [card.reader, card.sentence, card.regions, card.versus, card.agreement, card.files]
    versus_said, expected_said, files_said = card.said
    versus = [card.versus, card.sentence, versus_said]
    asked = [*on_film, card.reader, card.sentence, study.checkpoint]

    for button in (card.compare, card.expect, card.export):
        button.click(None, js=WAIT_JS, **QUIET)
    comparing = gr.on([card.compare.click, card.sentence.input], answers.compare, asked, versus, **MODEL)
    tab.gaze.change(answers.follow, on_film, menus, **READING)
    card.reader.input(answers.choose_reader, [*on_film, card.reader], menus, **READING)
    tab.transcript.choose_sentence(answers.compare_clicked, [*on_film, study.checkpoint], versus, **MODEL)
    expected = [tab.viewer, card.agreement, expected_said]
    expecting = card.expect.click(answers.expect, [*on_film, study.checkpoint], expected, **MODEL)
    chosen = [card.kinds, card.raw, *on_film, study.checkpoint]
    exporting = card.export.click(answers.export, chosen, [card.files, files_said], **MODEL)
    for asking in (comparing, expecting, exporting):
        asking.then(None, js=DONE_JS, **QUIET)
