"""What the page may start and look at: where runs lie, which data may be trained on, and whether it may at all.

Names come from lists made here; a path from the browser is never opened.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from egma.errors import DataError, JobError
from egma.finetune.rules import PHANTOMS, PRESETS
from egma.jobs import JobFolder, find_job, list_jobs

if TYPE_CHECKING:
    from app.services import Services

DATA_FOLDERS = ("datasets", "gaze")
"""Below the data root: tables and folders of films; data sets of gaze."""
EXAMPLE = "example"
EXAMPLE_RUN = Path(__file__).resolve().parents[1] / "assets" / "example-run"
HOSTED = "Training is switched off on this hosted demo; run the workbench on your own machine: python app.py"
_MOST_NAMES = 200


@dataclass(frozen=True)
class TrainingRoom:
    """The folders of one page's training.

    Attributes:
        runs: where run folders are made.
        data: the reader's data root; None where there is none.
        checkpoints: where "use this checkpoint" puts them.
        hosted: on a hosted demo nothing may be started, stopped or deleted.
    """

    runs: Path
    data: Path | None
    checkpoints: Path
    hosted: bool

    def check_allowed(self) -> None:
        """Refuse on a hosted demo, whatever the browser's buttons say.

        Raises:
            JobError: it is one.
        """
        if self.hosted:
            raise JobError(HOSTED)

    def data_names(self) -> list[str]:
        """ "phantoms", and what lies in the data root's folders, such as "datasets/mine" and "gaze/reflacx"."""
        found = []
        for folder in DATA_FOLDERS if self.data is not None else ():
            place = self.data / folder  # type: ignore[operator]
            inside = sorted(place.iterdir()) if place.is_dir() else []
            found += [f"{folder}/{each.name}" for each in inside if _may_be_data(each)]
        return [PHANTOMS, *found[:_MOST_NAMES]]

    def find_data(self, name: str) -> str:
        """The path of a data set on the list, or "phantoms".

        Raises:
            DataError: it is not on the list, or a link that leads out of the data root.
        """
        if name == PHANTOMS:
            return PHANTOMS
        if self.data is None or name not in self.data_names():
            raise DataError(
                f"there is no data set {name[:60]!r} on the list; put it into the folder datasets or gaze of the data "
                "root and open the tab again"
            )
        root, place = self.data.resolve(), (self.data / name).resolve()
        if not place.is_relative_to(root):
            raise DataError(f"the data set {name[:60]!r} is a link that leads out of the data root; copy it there")
        return str(place)

    def list_runs(self) -> list[JobFolder]:
        """The fine-tunings, newest first; the example where there is none. Other long work has tabs of its own."""
        own = [] if self.hosted else [job for job in list_jobs(self.runs) if is_finetune(job)]
        return own or [JobFolder(EXAMPLE_RUN)]

    def is_busy(self) -> bool:
        """Whether any long work is waiting or under way, of whatever kind."""
        return any(not job.state().is_over for job in list_jobs(self.runs))

    def find_run(self, run_id: str) -> JobFolder:
        """The run of that id, or the example.

        Raises:
            JobError: there is none.
        """
        return JobFolder(EXAMPLE_RUN) if is_example(run_id) else self._find(run_id)

    def find_own(self, run_id: str) -> JobFolder:
        """A run that may be changed.

        Raises:
            JobError: on a hosted demo, or for the example.
        """
        self.check_allowed()
        if is_example(run_id):
            raise JobError("this is the example that came along; start a run of your own")
        return self._find(run_id)

    def _find(self, run_id: str) -> JobFolder:
        job = find_job(self.runs, run_id)
        if not is_finetune(job):
            raise JobError(f"job {job.id} is no fine-tuning; look at it where it was started")
        return job


def open_room(services: Services) -> TrainingRoom:
    """The training room of a page."""
    settings = services.settings
    own = settings.data if settings.data is not None else services.folder.root
    return TrainingRoom(services.runs, settings.data, own / "checkpoints", settings.on_space)


def is_example(run_id: str) -> bool:
    """Whether an id is the example run's."""
    return run_id in (EXAMPLE, EXAMPLE_RUN.name)


def is_finetune(job: JobFolder) -> bool:
    """Whether a job is a fine-tuning: by its command, or by its settings where a terminal started it."""
    argv = job.job.get("argv")
    return "finetune" in argv if isinstance(argv, list) else job.config().get("preset") in PRESETS


def _may_be_data(place: Path) -> bool:
    return not place.name.startswith(".") and (place.is_dir() or place.suffix.lower() == ".csv")
