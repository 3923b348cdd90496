"""Decisions of the Evaluate tab. An evaluation is a job in a folder of its own; the page starts it and looks."""

from __future__ import annotations

import csv
import json
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from app.alerts import alerting, answering
from app.jobs import TrainingRoom, open_room
from app.panels.data import MessageData
from app.panels.evaluation import EvaluationData
from app.panels.training import RunData, RunRow, RunsData
from app.services import Services
from app.tabs import evaluate_screen
from app.tabs.study import FilmRequest
from egma.errors import DataError, EgmaError, JobError, SettingsError
from egma.evaluation.outcome import RESULT_NAME, RESULTS
from egma.evaluation.result import FILMS_NAME, MACRO
from egma.jobs import JobFolder, delete_job, egma_argv, find_job, launch, list_jobs, new_job_folder, stop

TASKS = (
    ("Zero-shot classification", "zeroshot"),
    ("Retrieval, film and text", "retrieval"),
    ("Grounding: maps on marked regions", "grounding"),
    ("Linear probe at 1, 10, 100 % of labels", "probe"),
    ("Lesion segmentation, light decoder", "segmentation"),
    ("Agreement with readers' gaze", "gaze"),
    ("Model card: measure and write it again", "card"),
)
SAME: Any = gr.skip()
MOST_FILMS = 12
_FOLDER = "evaluations"
_THUMBNAIL_PX = 240
_BUSY = ("running", "queued", "stopping")
_PICTURES = ("roc.png", "reliability.png", "cnr.png", "gaze_share.png")
EXPORTS = (RESULT_NAME, "figures.csv", "table.md", "cases.csv")
_HOSTED = "Evaluations are switched off on this hosted demo; run the workbench on your own machine: python app.py"


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


class CellView(NamedTuple):
    """The films behind a figure: what they are, thumbnails, and which they are for a click on one."""

    said: Any
    films: Any
    chosen: Any


def refuse(sentence: str) -> MessageData:
    """A start that was refused, in place."""
    return MessageData(text=sentence)


@dataclass(frozen=True, eq=False)
class EvaluateHandlers:
    """What the tab's events do."""

    services: Services

    @property
    def room(self) -> TrainingRoom:
        """Names of data sets; the same lists as for training."""
        return open_room(self.services)

    @property
    def root(self) -> Path:
        """Where evaluations have their folders."""
        return self.services.runs.parent / _FOLDER

    @alerting
    def open_tab(self, run: str) -> tuple[Any, ...]:
        """The lists as they are now, and the run chosen before, else one at work, else the newest."""
        names = [name for name in self.room.data_names() if "/" in name]
        checkpoints = self.services.models.choices()
        lists = (
            gr.Timer(active=True),
            gr.update(choices=[("none: phantoms only", ""), *((name, name) for name in names)]),
            gr.update(choices=checkpoints),
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

    @answering(refuse)
    def start(self, task: str, data: str, checkpoints: list[str]) -> MessageData:
        """Start an evaluation; the list of runs shows it at the next look."""
        self._check_allowed()
        argv = self.build_argv(task, data, checkpoints)
        words = {key: said for said, key in TASKS}[task].split(":")[0]
        title = f"{words}, {', '.join(checkpoints) or 'default'}"
        config = {"task": task, "data": data, "checkpoints": checkpoints}
        launch(new_job_folder(self.root), argv, title=title, config=config)
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
        place = Path(self.room.find_data(data))
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
        if not data and task != "card":
            raise DataError("choose the data to measure on: a folder below datasets or gaze of the data root")
        names = [str(self.services.models.entry(name).folder) for name in checkpoints or [""]]
        words = [task, *(["--data", self.room.find_data(data)] if data else [])]
        if task == "card" and len(names) > 1:
            raise SettingsError("a card is written for one checkpoint at a time; choose one")
        return egma_argv("evaluate", *words, "--checkpoint", ",".join(names), "--job", "{folder}")

    @alerting
    def stop(self, run: str) -> None:
        """Ask the run to stop."""
        self._check_allowed()
        stop(find_job(self.root, run).path)

    @alerting
    def delete(self, run: str) -> tuple[Any, ...]:
        """Delete a run that is over, with its figures."""
        self._check_allowed()
        delete_job(find_job(self.root, run).path)
        return self._look("", "")

    @alerting
    def choose_cell(self, run: str, event: gr.EventData) -> CellView:
        """The films behind a figure, worst first."""
        model, item = str(getattr(event, "model", ""))[:200], str(getattr(event, "item", ""))[:200]
        job = find_job(self.root, run)
        rows = [row for row in _cases(job) if row["model"] == model and item in (MACRO, row["item"])]
        rows = sorted(rows, key=lambda row: -float(row["badness"]))[:MOST_FILMS]
        if not rows:
            raise DataError("no films were kept of this figure; measure again to see them")
        films, kept = [], []
        for row in rows:
            path = self._find_film(job, row["film"])
            if path is not None:
                said = f"{row['truth']}, said {row['answer']}" + (f", {row['item']}" if item == MACRO else "")
                films.append((_thumbnail(path), said))
                kept.append({"film": row["film"], "phrase": row["phrase"] or row["item"]})
        what = "all classes" if item == MACRO else item
        text = f"{model}, {what}: {len(films)} films, worst first. Click one to open it in the Study tab."
        return CellView(MessageData(text=text, kind="wait"), gr.update(value=films, visible=True), json.dumps(kept))

    @alerting
    def open_case(self, run: str, chosen: str, event: gr.SelectData) -> FilmRequest:
        """Open the film that was clicked in the Study tab, with its finding asked."""
        from egma.imaging import load_study

        kept = json.loads(chosen) if chosen else []
        if not isinstance(event.index, int) or not 0 <= event.index < len(kept):
            raise DataError("choose a figure first, then one of its films")
        path = self._find_film(find_job(self.root, run), str(kept[event.index]["film"]))
        if path is None:
            raise DataError("the film is no longer below the data root; was it moved?")
        opened = self.services.films.add(load_study(path), "Film of an evaluation")
        return FilmRequest(film=opened.key, words=str(kept[event.index]["phrase"])[:200])

    def _look(self, run: str, stamp: str) -> tuple[Any, ...]:
        jobs = list_jobs(self.root) if self.root.is_dir() else []
        job = next((each for each in jobs if each.id == run), jobs[0] if jobs else None)
        states = {each.id: each.state() for each in jobs}
        now = json.dumps(
            [[key, state.name, state.done, state.total, state.text] for key, state in states.items()] + [job and job.id]
        )
        if now == stamp:
            return tuple(LookView(*[SAME] * len(LookView._fields)))
        rows = [
            RunRow(
                id=each.id,
                title=each.title or each.id,
                state=states[each.id].name,
                detail=_detail(states[each.id]),
                share=None if states[each.id].is_over else _share(states[each.id]),
            )
            for each in jobs
        ]
        note = "" if jobs else "No evaluation yet."
        state = states[job.id] if job else None
        values = _result(job) if job and state and state.name == "finished" else None
        return tuple(
            LookView(
                run=job.id if job else "",
                stamp=now,
                runs=RunsData(rows=rows, current=job.id if job else "", note=note),
                panel=_run_data(job, state) if job else RunData(),
                result=_screen(job, values) if job else EvaluationData(empty=evaluate_screen.NO_RESULT),
                pictures=self._pictures(job, values),
                **self._exports(job, values),
                command=gr.update(value=_command(job) if job else "", visible=job is not None),
                stop=gr.update(visible=bool(state and state.name in _BUSY)),
                delete=gr.update(visible=bool(state and state.is_over)),
            )
        )

    def _pictures(self, job: JobFolder | None, values: Any) -> Any:
        found = [self._copied(job, name) for name in _PICTURES if job is not None and (_place(job) / name).is_file()]
        return gr.update(value=found if values else [], visible=bool(values and found))

    def _exports(self, job: JobFolder | None, values: Any) -> dict[str, Any]:
        """A button for each file that the result has."""
        found = {}
        for name in EXPORTS:
            there = job is not None and bool(values) and (_place(job) / name).is_file()
            copy = self._copied(job, name) if job is not None and there else None
            found[name.replace(".", "_")] = gr.update(value=copy, visible=there)
        return found

    def _copied(self, job: JobFolder, name: str) -> str:
        """A copy under a random name in the page's own folder, which alone is served."""
        folder = self.services.folder.views / secrets.token_hex(16)
        folder.mkdir()
        return str(shutil.copyfile(_place(job) / name, folder / name))

    def _find_film(self, job: JobFolder, name: str) -> Path | None:
        """The film of a case, only where it lies below the page's data root."""
        data = self.services.settings.data
        try:
            listed = json.loads((_place(job) / FILMS_NAME).read_text(encoding="utf-8"))
            path = (_place(job) / str(listed[name])).resolve(strict=True)
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return path if data is not None and path.is_relative_to(data.resolve()) else None

    def _check_allowed(self) -> None:
        if self.services.settings.on_space:
            raise JobError(_HOSTED)


def _place(job: JobFolder) -> Path:
    return job.path / RESULTS


def _result(job: JobFolder) -> dict[str, Any] | None:
    try:
        found = json.loads((_place(job) / RESULT_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def _cases(job: JobFolder) -> list[dict[str, str]]:
    try:
        with (_place(job) / "cases.csv").open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))
    except OSError:
        return []


def _screen(job: JobFolder, values: dict[str, Any] | None) -> EvaluationData:
    if values is None and job.state().name == "finished":
        return EvaluationData(empty="The result's file is missing or damaged; measure again.")
    return evaluate_screen.result_screen(
        values, {(row["model"], row["item"]) for row in _cases(job)} if values else set()
    )


def _run_data(job: JobFolder, state: Any) -> RunData:
    config = job.config()
    facts = [
        ["Data", str(config.get("data") or "phantoms")],
        ["Models", ", ".join(config.get("checkpoints") or []) or "default"],
    ]
    share = None if state.is_over else _share(state)
    return RunData(title=job.title or job.id, state=state.name, sentence=_detail(state), share=share, facts=facts)


def _detail(state: Any) -> str:
    if state.name in ("failed", "lost"):
        return f"{state.cause}: {state.text}" if state.cause else state.text
    if not state.is_over and state.total:
        return f"{state.text}: {state.done:,} of {state.total:,}"
    return state.text


def _share(state: Any) -> float:
    return min(1.0, state.done / state.total) if state.total else 0.0


def _command(job: JobFolder) -> str:
    config = job.config()
    words = ["python -m egma evaluate", str(config.get("task", "TASK"))]
    words += ["--data", f"DATA/{config['data']}"] if config.get("data") else []
    return " ".join([*words, "--checkpoint", ",".join(config.get("checkpoints") or ["egma-mini"]), "--out FOLDER"])


def _thumbnail(path: Path) -> np.ndarray:
    from PIL import Image

    from egma.imaging import load_study

    try:
        pixels = load_study(path).pixels
    except EgmaError:
        return np.zeros((_THUMBNAIL_PX, _THUMBNAIL_PX), np.uint8)
    picture = Image.fromarray(np.rint(pixels * 255).astype(np.uint8))
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    return np.asarray(picture)


__all__ = ["EXPORTS", "TASKS", "CellView", "EvaluateHandlers", "LookView"]
