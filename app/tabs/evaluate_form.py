"""Decisions of the Evaluate tab's form: what may be measured, the command that measures it, and the start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.alerts import answering
from app.evaluations import EvaluationRoom, open_evaluations
from app.jobs import TrainingRoom, open_room
from app.panels.data import MessageData
from app.services import Services
from egma.errors import DataError, SettingsError
from egma.jobs import egma_argv, launch, new_job_folder

TASKS = (
    ("Zero-shot classification", "zeroshot"),
    ("Retrieval, film and text", "retrieval"),
    ("Grounding: maps on marked regions", "grounding"),
    ("Linear probe at 1, 10, 100 % of labels", "probe"),
    ("Fine-tuning at 1, 10, 100 % of labels", "finetune"),
    ("Lesion segmentation, light decoder", "segmentation"),
    ("Lesion segmentation, trunk trained too", "segmentation --full"),
    ("Report drafts from other patients' reports", "drafts"),
    ("Agreement with readers' gaze", "gaze"),
)
NO_DATA = [("no data set in the data root yet", "")]


def refuse(sentence: str) -> MessageData:
    """A start that was refused, in place."""
    return MessageData(text=sentence)


@dataclass(frozen=True, eq=False)
class FormHandlers:
    """What the form's buttons do."""

    services: Services

    @property
    def data(self) -> TrainingRoom:
        """Names of data sets; the same lists as for training."""
        return open_room(self.services)

    @property
    def room(self) -> EvaluationRoom:
        """Where evaluations have their folders."""
        return open_evaluations(self.services)

    def data_names(self) -> list[str]:
        """Folders of the data root that can be measured on."""
        return [name for name in self.data.data_names() if "/" in name]

    @answering(refuse)
    def start(self, task: str, data: str, checkpoints: list[str]) -> MessageData:
        """Start an evaluation; the list of runs shows it at the next look."""
        self.room.check_allowed()
        argv = self.build_argv(task, data, checkpoints)
        words = {key: said for said, key in TASKS}[task].split(":")[0]
        title = f"{words}, {', '.join(checkpoints) or 'default'}"
        config = {"task": task, "data": data, "checkpoints": checkpoints}
        launch(new_job_folder(self.room.root), argv, title=title, config=config)
        return MessageData(text="Started. It goes on when this page is closed.", kind="wait")

    @answering(refuse)
    def write_command(self, task: str, data: str, checkpoints: list[str]) -> MessageData:
        """The command a terminal would run for the form."""
        argv = self.build_argv(task, data, checkpoints)
        words = argv[argv.index("egma") :]
        kept = words[: words.index("--job")] if "--job" in words else words
        return MessageData(text="python -m " + " ".join(kept) + " --out FOLDER", kind="wait")

    @answering(refuse)
    def find_sets(self, data: str) -> MessageData:
        """Which data sets the chosen folder holds, and where one applies for the others."""
        from egma.evaluation.sets.catalogue import list_sets, look_for

        if not data:
            raise DataError("choose a folder of the data root first; data sets go into its folder datasets")
        place = Path(self.data.find_data(data))
        found = [info.title for info in list_sets() if look_for(info, place).folder is not None]
        missing = [info.name for info in list_sets() if info.title not in found]
        there = "; ".join(found) or "none that the suite knows"
        text = (
            f"Found: {there}. Not there: {', '.join(missing)}. `python -m egma evaluate doctor` says where one applies."
        )
        return MessageData(text=text, kind="wait")

    def build_argv(self, task: str, data: str, checkpoints: list[str]) -> tuple[str, ...]:
        """The job's command; every name is looked up in a list made here."""
        if task not in {key for _, key in TASKS}:
            raise SettingsError(f"there is no task {task[:40]!r}; choose one of the list")
        if not data:
            raise DataError("choose the data to measure on: a folder below datasets or gaze of the data root")
        names = [str(self.services.models.entry(name).folder) for name in checkpoints or [""]]
        words = ("--data", self.data.find_data(data), "--checkpoint", ",".join(names))
        return egma_argv("evaluate", *task.split(), *words, "--job", "{folder}")
