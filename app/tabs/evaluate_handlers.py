"""Decisions of the Evaluate tab on its runs. An evaluation is a job in a folder of its own; the page looks at it."""

from __future__ import annotations

import json
import secrets
import shutil
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr
from gradio.data_classes import FileData

from app.alerts import alerting
from app.evaluations import CASES_NAME, EvaluationRoom, open_evaluations, read_cases, read_result, results_of
from app.panels.data import PictureData
from app.panels.evaluation import EvaluationData, PlotsData
from app.panels.training import RunData, RunRow, RunsData
from app.services import Services
from app.tabs import evaluate_screen
from app.tabs.evaluate_form import NO_DATA, FormHandlers
from egma.evaluation.looks import dark_name
from egma.evaluation.outcome import RESULT_NAME
from egma.jobs import JobFolder, JobState, delete_job, list_jobs, stop

SAME: Any = gr.skip()
_BUSY = ("running", "queued", "stopping")
_PICTURES = {
    "roc.png": "ROC of each class with enough films. Bands hold 95 % of draws by patient; dotted, a guess.",
    "reliability.png": "How often a finding was there, by the probability that was said, in tenths. Dotted: a "
    "probability that means what it says; below it, the model says too much.",
    "cnr.png": "Contrast-to-noise ratio of maps by finding, with 95 % intervals: how far a map stands out inside the "
    "marked region. 0 is no contrast.",
    "gaze_share.png": "Figures of runs trained with a growing share of gaze; points are runs, the line their mean.",
}
"""What each figure of a result shows."""
EXPORTS = (RESULT_NAME, "figures.csv", "table.md", CASES_NAME)


_TABLES_TO_COME = "Its tables come when it has run to its end; this page may be closed until then."
_NO_TABLES = "No result: it ended before its end. Start it again with the same settings."


class LookView(NamedTuple):
    """New values of what shows evaluations, in wiring order."""

    run: Any
    stamp: Any
    runs: Any
    panel: Any
    result: Any
    pictures: Any
    result_json: Any
    figures_csv: Any
    table_md: Any
    cases_csv: Any
    command: Any
    stop: Any
    delete: Any
    asking: Any


@dataclass(frozen=True, eq=False)
class EvaluateHandlers:
    """What the tab shows of its runs, and what can be done to one."""

    services: Services

    @property
    def room(self) -> EvaluationRoom:
        """Where evaluations have their folders."""
        return open_evaluations(self.services)

    @alerting
    def open_tab(self, run: str, data: str) -> tuple[Any, ...]:
        """The lists as they are now, and the run chosen before, else one at work, else the newest."""
        names = FormHandlers(self.services).data_names()
        chosen = data if data in names else (names[0] if names else "")
        lists = (
            gr.Timer(active=True),
            gr.update(choices=[(name, name) for name in names] or NO_DATA, value=chosen),
            gr.update(choices=self.services.models.choices()),
        )
        return (*lists, *self._look(run, ""))

    @alerting
    def look(self, run: str, stamp: str) -> tuple[Any, ...]:
        """What changed since the last look."""
        return self._look(run, stamp)

    @alerting
    def choose(self, event: gr.EventData) -> tuple[Any, ...]:
        """Look at the run that was clicked."""
        return self._look(str(getattr(event, "id", ""))[:60], "")

    @alerting
    def stop(self, run: str) -> None:
        """Ask the run to stop."""
        self.room.check_allowed()
        stop(self.room.find(run).path)

    @alerting
    def ask_delete(self) -> Any:
        """Ask before a run is deleted."""
        return gr.update(visible=True)

    @alerting
    def keep(self) -> Any:
        """Delete nothing."""
        return gr.update(visible=False)

    @alerting
    def delete(self, run: str) -> tuple[Any, ...]:
        """Delete a run that is over, with its figures."""
        self.room.check_allowed()
        delete_job(self.room.find(run).path)
        return self._look("", "")

    def _look(self, run: str, stamp: str) -> tuple[Any, ...]:
        jobs = list_jobs(self.room.root)
        job = next((each for each in jobs if each.id == run), jobs[0] if jobs else None)
        states = {each.id: each.state() for each in jobs}
        now = _stamp(states, job)
        if now == stamp:
            return tuple(LookView(*[SAME] * len(LookView._fields)))
        state = states[job.id] if job else None
        values = read_result(job) if job and state and state.name == "finished" else None
        return tuple(
            LookView(
                run=job.id if job else "",
                stamp=now,
                runs=_runs_data(jobs, states, job.id if job else ""),
                panel=run_data(job, state) if job and state else RunData(),
                result=_screen(job, state, values)
                if job and state
                else EvaluationData(empty=evaluate_screen.NO_RESULT),
                pictures=self._pictures(job, values),
                **self._exports(job, values),
                command=gr.update(value=_command(job) if job else "", visible=job is not None),
                stop=gr.update(visible=bool(state and state.name in _BUSY)),
                delete=gr.update(visible=bool(state and state.is_over)),
                asking=gr.update(visible=False),
            )
        )

    def _pictures(self, job: JobFolder | None, values: Any) -> PlotsData:
        """The result's figures, each for light and, where it was drawn for them, dark pages."""
        if job is None or not values:
            return PlotsData()
        drawn = ((self._file(job, name), said, self._file(job, dark_name(name))) for name, said in _PICTURES.items())
        return PlotsData(pictures=[PictureData(image=a, caption=said, dark=b) for a, said, b in drawn if a is not None])

    def _file(self, job: JobFolder, name: str) -> FileData | None:
        there = (results_of(job) / name).is_file()
        return FileData(path=self._copied(job, name), orig_name=name, mime_type="image/png") if there else None

    def _exports(self, job: JobFolder | None, values: Any) -> dict[str, Any]:
        """A button for each file that the result has."""
        found = {}
        for name in EXPORTS:
            there = job is not None and bool(values) and (results_of(job) / name).is_file()
            copy = self._copied(job, name) if job is not None and there else None
            found[name.replace(".", "_")] = gr.update(value=copy, visible=there)
        return found

    def _copied(self, job: JobFolder, name: str) -> str:
        """A copy under a random name in the page's own folder, which alone is served."""
        folder = self.services.folder.views / secrets.token_hex(16)
        folder.mkdir()
        return str(shutil.copyfile(results_of(job) / name, folder / name))


def _stamp(states: dict[str, JobState], job: JobFolder | None) -> str:
    """Changes when anything that is shown does."""
    told = [[key, state.name, state.done, state.total, state.text] for key, state in states.items()]
    return json.dumps([*told, job and job.id])


def _runs_data(jobs: list[JobFolder], states: dict[str, JobState], current: str) -> RunsData:
    rows = [
        RunRow(
            id=each.id,
            title=each.title or each.id,
            state=states[each.id].name,
            detail=_detail(states[each.id]),
            share=_share(states[each.id]),
        )
        for each in jobs
    ]
    return RunsData(rows=rows, current=current, note="" if jobs else "No evaluation yet.")


def _screen(job: JobFolder, state: JobState, values: dict[str, Any] | None) -> EvaluationData:
    if values is None:
        if state.name == "finished":
            return EvaluationData(empty="The result's file is missing or damaged; measure again.")
        return EvaluationData(empty=_NO_TABLES if state.is_over else _TABLES_TO_COME)
    return evaluate_screen.result_screen(values, {(row["model"], row["item"]) for row in read_cases(job)})


def run_data(job: JobFolder, state: JobState) -> RunData:
    """How a run stands, in words."""
    config = job.config()
    facts = [
        ["Data", str(config.get("data") or "phantoms")],
        ["Models", ", ".join(config.get("checkpoints") or []) or "default"],
    ]
    return RunData(
        title=job.title or job.id, state=state.name, sentence=_detail(state), share=_share(state), facts=facts
    )


def _detail(state: JobState) -> str:
    if state.name in ("failed", "lost"):
        return f"{state.cause}: {state.text}" if state.cause else state.text
    if not state.is_over and state.total:
        return f"{state.text}: {state.done:,} of {state.total:,}"
    return state.text


def _share(state: JobState) -> float | None:
    """How far a run is; None once it is over."""
    if state.is_over:
        return None
    return min(1.0, state.done / state.total) if state.total else 0.0


def _command(job: JobFolder) -> str:
    config = job.config()
    words = ["python -m egma evaluate", str(config.get("task", "TASK"))]
    words += ["--data", f"DATA/{config['data']}"] if config.get("data") else []
    names = ",".join(config.get("checkpoints") or ["egma-mini"])
    return " ".join([*words, "--checkpoint", names, *map(str, config.get("options") or []), "--out FOLDER"])
