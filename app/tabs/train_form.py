"""The Train tab's form: one component a setting, made from the settings' own rules, and the values back as settings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.jobs import TrainingRoom
from app.menus import NameMenu
from app.services import Services
from egma.errors import CheckpointError
from egma.finetune.presets import DESCRIPTIONS
from egma.finetune.rules import PHANTOMS, RULES, Choice, Switch, Text
from egma.finetune.settings import FinetuneSettings, build_settings, settings_values

WORDS: dict[str, tuple[str, str]] = {
    "phantoms": ("Phantoms to train on", "Where the data is phantoms."),
    "validation_phantoms": ("Phantoms to measure pointing", "Fresh ones, in every run."),
    "gaze_share": ("Share of gaze", "Of the training films that have gaze, 0 to 1."),
    "gaze_threshold": ("Gaze threshold", "Share of a sentence's peak that counts as looked at."),
    "grids": ("Patch grids", "Which the method's terms are taken over."),
    "contrastive_weight": ("Weight: contrastive", "Films and reports find each other."),
    "gaze_alignment_weight": ("Weight: EGF", "Sentences are near the patches looked at."),
    "gaze_mapping_weight": ("Weight: EGM", "Sentences rebuilt from patches, and back."),
    "label_alignment_weight": ("Weight: labels", "Labelled films near sentences of like findings."),
    "new_heads": ("Start with new heads", "Forget what the base's heads know."),
    "learning_rate": ("Learning rate", "At its highest."),
    "tower_rate": ("Towers' rate", "As a share of it; LoRA and full."),
    "epochs": ("Epochs", "Passes over the training films."),
    "max_steps": ("Most steps", "0: no limit."),
    "batch": ("Batch", "Films a pass."),
    "accumulation": ("Accumulation", "Passes a step."),
    "lora_rank": ("LoRA rank", "LoRA alone."),
    "weight_decay": ("Weight decay", "On matrices."),
    "warmup": ("Warm-up", "Share of the steps."),
    "clip": ("Clip", "Largest norm of the gradient."),
    "augment": ("Change exposure", "Slower where towers are frozen."),
    "precision": ("Precision", "auto: bf16 where it is fast."),
    "device": ("Device", "auto, cpu, cuda, cuda:1, mps."),
    "seed": ("Seed", "Of everything drawn."),
    "validate_every": ("Validate every", "Steps; 0: once an epoch."),
    "patience": ("Patience", "Validations without a better one; 0: never stop early."),
    "best_by": ("Best by", "What the kept checkpoint is best in."),
    "keep_last": ("States kept", "For resuming."),
    "validation_films": ("Validation films", "At most."),
    "sentences": ("Sentences a film", "At most."),
}
GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Method: gaze, grids, weights",
        (
            *("gaze_share", "gaze_threshold", "grids", "contrastive_weight", "gaze_alignment_weight"),
            *("gaze_mapping_weight", "label_alignment_weight", "sentences", "new_heads"),
        ),
    ),
    (
        "Learning: rate, length, batch, device",
        (
            *("learning_rate", "tower_rate", "epochs", "max_steps", "batch", "accumulation", "lora_rank"),
            *("weight_decay", "warmup", "clip", "precision", "device", "seed", "augment"),
        ),
    ),
    (
        "Measuring, stopping, keeping",
        (
            *("validate_every", "patience", "best_by", "keep_last", "validation_films", "phantoms"),
            "validation_phantoms",
        ),
    ),
)
FOLDED = tuple(name for _, names in GROUPS for name in names)
FORM = ("preset", "data", "images", "base", "name", *FOLDED)
NO_IMAGES = ""


@dataclass(frozen=True, eq=False)
class TrainForm:
    """The form's components, in the order of `FORM`."""

    fields: tuple[Any, ...]
    described: gr.Markdown

    def field(self, name: str) -> Any:
        """The component of one setting."""
        return self.fields[FORM.index(name)]


def build_form(services: Services, room: TrainingRoom) -> TrainForm:
    """Lay the form out: preset, data, base and name in sight, the rest folded."""
    start = build_settings("demo")
    preset = gr.Radio(list(DESCRIPTIONS), value=start.preset, label="Preset", elem_id="egma-preset")
    described = gr.Markdown(DESCRIPTIONS[start.preset], elem_classes="egma-hint", elem_id="egma-preset-words")
    with gr.Row(elem_classes="egma-row"):
        data = NameMenu(data_choices(room), value=PHANTOMS, label="Data", elem_id="egma-train-data", min_width=160)
        base = NameMenu(
            services.models.choices(),
            value=services.models.entry().name,
            label="Start from",
            elem_id="egma-train-base",
            min_width=160,
        )
    with gr.Row(elem_classes="egma-row"):
        name = gr.Textbox("", label="Name of the checkpoint", placeholder="the run's own", max_length=64, min_width=160)
        images = NameMenu(
            [("in the data set", NO_IMAGES), *data_choices(room)[1:]],
            value=NO_IMAGES,
            label="Films of a gaze data set",
            min_width=160,
        )
    folded = {}
    for title, names in GROUPS:
        with gr.Accordion(title, open=False), gr.Row(elem_classes="egma-row"):
            for each in names:
                folded[each] = _build_field(each, getattr(start, each))
    first = {"preset": preset, "data": data, "images": images, "base": base, "name": name}
    return TrainForm(tuple({**first, **folded}[each] for each in FORM), described)


def data_choices(room: TrainingRoom) -> list[tuple[str, str]]:
    """(label, name) of the data sets that may be chosen."""
    return [("Phantoms (synthetic)", PHANTOMS), *((name, name) for name in room.data_names()[1:])]


def preset_fields(preset: str) -> list[Any]:
    """New values of the folded fields for a preset."""
    settings = build_settings(preset)
    return [getattr(settings, name) for name in FOLDED]


def read_form(services: Services, room: TrainingRoom, values: Sequence[Any]) -> FinetuneSettings:
    """The settings that the form says; names become what the job can open.

    Raises:
        EgmaError: one sentence with everything that is wrong.
    """
    given = dict(zip(FORM, values, strict=True))
    given["data"] = room.find_data(str(given["data"]))
    given["images"] = room.find_data(str(given["images"])) if given["images"] else ""
    given["base"] = find_base(services, str(given["base"]))
    for name, value in given.items():
        if isinstance(RULES[name], Text) and isinstance(value, str):
            given[name] = value.strip()
    return build_settings(str(given.pop("preset")), given)


def fill_form(services: Services, room: TrainingRoom, values: dict[str, Any]) -> list[Any]:
    """The form's values for a run's config: what is no longer on a list becomes the first of it."""
    known = {path: name for name in room.data_names() if (path := _path_of(room, name))}
    bases = {entry.name for entry in services.models.entries()} | {services.models.entry().name}
    shown = {**settings_values(FinetuneSettings()), **{name: values[name] for name in FORM if name in values}}
    shown["data"] = known.get(str(shown["data"]), PHANTOMS)
    shown["images"] = known.get(str(shown["images"]), NO_IMAGES)
    base = str(shown["base"]).rstrip("/").rpartition("/")[2]
    shown["base"] = base if base in bases else services.models.entry().name
    return [shown[name] for name in FORM]


def find_base(services: Services, name: str) -> str:
    """What a job finds the checkpoint by: its name where a list has it, else its folder.

    Raises:
        CheckpointError: it is not on the page's list.
    """
    from egma.checkpoints import list_checkpoints

    entry = next((each for each in services.models.entries() if each.name == name), None)
    if entry is None:
        raise CheckpointError(f"there is no checkpoint {name[:60]!r} on the list any more; open the tab again")
    found = {info.name: info.folder.resolve() for info in list_checkpoints()}
    return name if found.get(name) == entry.folder.resolve() else str(entry.folder)


def write_command(settings: FinetuneSettings, folder: str = "RUN_DIR") -> str:
    """The command line that runs these settings: the preset, and what differs from it."""
    usual = settings_values(build_settings(settings.preset))
    changes = [
        f"--set {name}={shlex.quote(_say(value))}"
        for name, value in settings_values(settings).items()
        if value != usual[name] and name != "preset"
    ]
    return " ".join(["python -m egma finetune", shlex.quote(folder), f"--preset {settings.preset}", *changes])


def _say(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _path_of(room: TrainingRoom, name: str) -> str:
    from egma.errors import DataError

    try:
        return room.find_data(name)
    except DataError:
        return ""


def _build_field(name: str, value: Any) -> Any:
    label, info = WORDS[name]
    rule = RULES[name]
    if isinstance(rule, Switch):
        return gr.Checkbox(value=value, label=label, info=info, min_width=130)
    if isinstance(rule, Choice):
        return gr.Dropdown(list(rule.words), value=value, label=label, info=info, min_width=130, filterable=False)
    if isinstance(rule, Text):
        return gr.Textbox(value, label=label, info=info, max_length=rule.longest, min_width=130)
    return gr.Number(value, label=label, info=info, precision=0 if rule.whole else None, min_width=130)
