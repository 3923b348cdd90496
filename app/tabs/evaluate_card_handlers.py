"""Decisions on model cards: which one is on show, and the job that writes it again."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from app.alerts import alerting, answering
from app.evaluations import EvaluationRoom, open_evaluations, results_of
from app.panels.data import MessageData
from app.panels.training import RunData
from app.services import Services
from app.tabs.about_handlers import NO_CARD, AboutHandlers
from app.tabs.evaluate_form import FormHandlers, refuse
from app.tabs.evaluate_handlers import SAME, run_data
from egma.catalogue import CheckpointEntry, split_pictures
from egma.errors import CheckpointError
from egma.jobs import JobFolder, egma_argv, launch, list_jobs, new_job_folder

FROM_RESULTS, MEASURE = "results", "measure"
WAYS = (("evaluations kept here, in seconds", FROM_RESULTS), ("a new measurement, in minutes", MEASURE))
PHANTOMS = [("phantoms alone", "")]
STARTED = "Started. The card changes when it is done; the run is listed under Results."
STAYS = (
    "Started. {name} lies outside the data root's checkpoints, so its own card stays as it is: the new one is shown "
    "here and kept with the run."
)
_FRESH = "*Written by the run of {when}; the checkpoint's own card stays as it was.*\n\n"
_CARD_FILE = "table.md"
_MOST_CHARS = 400_000


class CardsView(NamedTuple):
    """New values of what shows a card, in wiring order."""

    rows: Any
    card: Any
    words: Any
    shown: Any
    stamp: Any
    run: Any


@dataclass(frozen=True, eq=False)
class CardHandlers:
    """What the model cards show and do."""

    services: Services
    about: AboutHandlers

    @property
    def room(self) -> EvaluationRoom:
        """Where evaluations have their folders."""
        return open_evaluations(self.services)

    @alerting
    def open_cards(self, shown: str) -> tuple[Any, ...]:
        """The lists as they are now, and the card chosen before, else the default's."""
        names = FormHandlers(self.services).data_names()
        choices = gr.update(choices=[*PHANTOMS, *((each, each) for each in names)])
        return gr.Timer(active=True), choices, *self._show(shown)

    @alerting
    def leave(self) -> Any:
        """Nobody looks at the cards any more."""
        return gr.Timer(active=False)

    @alerting
    def look(self, shown: str, stamp: str) -> tuple[Any, ...]:
        """What changed since the last look."""
        return self._show(shown, stamp)

    @alerting
    def choose(self, event: gr.EventData) -> tuple[Any, ...]:
        """The card of the row that was clicked."""
        return MessageData(), *self._show(str(getattr(event, "name", ""))[:200])

    @alerting
    def choose_way(self, way: str) -> Any:
        """A new measurement asks for data."""
        return gr.update(visible=way == MEASURE)

    @answering(refuse)
    def write(self, shown: str, way: str, data: str) -> MessageData:
        """Start the job that writes the card again."""
        self.room.check_allowed()
        entry = self.services.models.entry(shown)
        if entry.problem:
            raise CheckpointError(entry.problem)
        options = self._options(entry, way, data)
        argv = egma_argv("evaluate", "card", str(entry.folder), *options, "--job", "{folder}")
        told = [each for each in options if each in ("--from-results", "--dry")]
        config = {"task": "card", "data": data if way == MEASURE else "", "checkpoints": [entry.name], "options": told}
        launch(new_job_folder(self.room.root), argv, title=f"Model card, {entry.name}", config=config)
        text = STARTED if self._is_own(entry) else STAYS.format(name=entry.name)
        return MessageData(text=text, kind="wait")

    def _options(self, entry: CheckpointEntry, way: str, data: str) -> list[str]:
        """What follows the checkpoint; refused at once what the job would refuse."""
        from egma.checkpoints import load_checkpoint
        from egma.evaluation.card import read_measured
        from egma.evaluation.card_results import read_results
        from egma.evaluation.tasks.card import check_any, check_kept, check_writable

        checkpoint = load_checkpoint(entry.folder, verify=False)
        earlier, own = read_measured(checkpoint), self._is_own(entry)
        options = ["--results", str(self.room.root)] if self.room.root.is_dir() else []
        if way == MEASURE:
            options += ["--data", FormHandlers(self.services).data.find_data(data)] if data else []
        else:
            options.append("--from-results")
            told = read_results(self.room.root, checkpoint.hash) if self.room.root.is_dir() else {}
            check_any(entry.name, earlier, told)
        if own:
            check_writable(checkpoint)
            check_kept(entry.name, earlier, measures=way == MEASURE, films=bool(data))
        return options if own else [*options, "--dry"]

    def _is_own(self, entry: CheckpointEntry) -> bool:
        """Whether it lies in the reader's own folder; others' cards are not written over."""
        data = self.services.settings.data
        return data is not None and entry.folder.resolve().is_relative_to((data / "checkpoints").resolve())

    def _show(self, shown: str, stamp: str = "") -> tuple[Any, ...]:
        entry = self.services.models.entry(shown)
        job = self._last_job(entry)
        state = job.state() if job is not None else None
        now = json.dumps([entry.name, entry.hash, hash(entry.card), job and job.id, state and [state.name, state.done]])
        if now == stamp:
            return CardsView(*[SAME] * len(CardsView._fields))
        fresh = self._fresh_words(entry, job) if job and state and state.name == "finished" else ""
        return CardsView(
            rows=self.about.list_screen(entry.name, self.services.models.default.name),
            card=self.about.card_screen(entry),
            words=fresh or entry.card or ("" if entry.problem else NO_CARD),
            shown=entry.name,
            stamp=now,
            run=run_data(job, state) if job and state else RunData(),
        )

    def _last_job(self, entry: CheckpointEntry) -> JobFolder | None:
        """The newest job that wrote this checkpoint's card."""
        jobs = ((job, job.config()) for job in list_jobs(self.room.root))
        wanted = ("card", [entry.name])
        return next((job for job, config in jobs if (config.get("task"), config.get("checkpoints")) == wanted), None)

    def _fresh_words(self, entry: CheckpointEntry, job: JobFolder) -> str:
        """The card that a run kept with itself; "" where it wrote it into the checkpoint."""
        if "--dry" not in (job.config().get("options") or []):
            return ""
        try:
            text = (results_of(job) / _CARD_FILE).read_text(encoding="utf-8")[:_MOST_CHARS]
        except (OSError, ValueError):
            return ""
        return _FRESH.format(when=f"{job.id[:4]}-{job.id[4:6]}-{job.id[6:8]}") + split_pictures(text, entry.folder)[0]
