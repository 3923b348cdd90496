"""The page's evaluations as folders: where they lie, what they found, and the films behind their figures."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.services import Services
from egma.errors import JobError
from egma.evaluation.outcome import RESULT_NAME, RESULTS
from egma.evaluation.result import FILMS_NAME
from egma.jobs import JobFolder, find_job

CASES_NAME = "cases.csv"
_FOLDER = "evaluations"
_HOSTED = "Evaluations are switched off on this hosted demo; run the workbench on your own machine: python app.py"


@dataclass(frozen=True)
class EvaluationRoom:
    """The folders of one page's evaluations.

    Attributes:
        root: where evaluations have their folders.
        data: the reader's data root; None where there is none.
        hosted: on a hosted demo nothing may be started, stopped or deleted.
    """

    root: Path
    data: Path | None
    hosted: bool

    def check_allowed(self) -> None:
        """Refuse on a hosted demo, whatever the browser's buttons say.

        Raises:
            JobError: it is one.
        """
        if self.hosted:
            raise JobError(_HOSTED)

    def find(self, run: str) -> JobFolder:
        """The evaluation of that id."""
        return find_job(self.root, run)

    def find_film(self, job: JobFolder, name: str) -> Path | None:
        """The film of a case, only where it lies below the page's data root."""
        try:
            listed = json.loads((results_of(job) / FILMS_NAME).read_text(encoding="utf-8"))
            path = (results_of(job) / str(listed[name])).resolve(strict=True)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return path if self.data is not None and path.is_relative_to(self.data.resolve()) else None


def open_evaluations(services: Services) -> EvaluationRoom:
    """The evaluations of a page."""
    settings = services.settings
    return EvaluationRoom(services.runs.parent / _FOLDER, settings.data, settings.on_space)


def results_of(job: JobFolder) -> Path:
    """The folder of a job's tables and pictures."""
    return job.path / RESULTS


def read_result(job: JobFolder) -> dict[str, Any] | None:
    """result.json of an evaluation; None where it is missing or damaged."""
    try:
        found = json.loads((results_of(job) / RESULT_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def read_cases(job: JobFolder) -> list[dict[str, str]]:
    """What each model did on each film that was kept; none where the task keeps none."""
    try:
        with (results_of(job) / CASES_NAME).open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    except OSError:
        return []
