"""Decisions of the Train tab. A run is a folder and a process of its own; the page only starts, looks and asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from app.alerts import alerting, answering
from app.jobs import TrainingRoom, open_room
from app.panels.data import MessageData
from app.services import Services
from app.tabs import train_form, train_screen
from app.tabs.train_data import DataView, check_data, refuse_data, view_data, view_phantoms
from app.tabs.train_estimate import describe_estimate, estimate_settings
from app.tabs.train_look import look_at
from app.tabs.train_screen import id_of
from egma.errors import JobError
from egma.finetune.presets import DESCRIPTIONS
from egma.finetune.rules import PHANTOMS
from egma.finetune.settings import settings_values
from egma.jobs import delete_job, egma_argv, launch, new_job_folder, resume, stop

_BUSY = ("running", "queued", "stopping")


def say(sentence: str) -> MessageData:
    """One sentence in place of an answer."""
    return MessageData(text=sentence)


@dataclass(frozen=True)
class TrainHandlers:
    """The tab's event handlers."""

    services: Services

    @property
    def room(self) -> TrainingRoom:
        """Where runs, data and checkpoints lie."""
        return open_room(self.services)

    @alerting
    def choose_preset(self, preset: str) -> list[Any]:
        """The preset's words and its values in the folded fields."""
        if preset not in DESCRIPTIONS:
            raise JobError("choose one of the presets")
        return [DESCRIPTIONS[preset], *train_form.preset_fields(preset)]

    @answering(refuse_data)
    def check_data(self, *values: Any) -> DataView:
        """Open a few films of the data, count it, and name its problems by row."""
        given = dict(zip(train_form.FORM, values, strict=True))
        path = self.room.find_data(str(given["data"]))
        if path == PHANTOMS:
            return view_phantoms()
        return view_data(path, self.room.find_data(str(given["images"])) if given["images"] else "")

    @alerting
    def say_estimating(self) -> MessageData:
        """What is shown while the dry run is at work."""
        return MessageData(text="Three steps are tried on a few films…", kind="wait")

    @answering(say)
    def estimate(self, *values: Any) -> MessageData:
        """Time and memory from a dry run of three steps, in a process of its own."""
        self.room.check_allowed()
        settings = train_form.read_form(self.services, self.room, values)
        if self.room.is_busy():
            raise JobError("other work is under way, which would make the estimate wrong; wait until it has ended")
        return MessageData(text=describe_estimate(estimate_settings(settings)), kind="wait")

    @answering(say)
    def write_command(self, *values: Any) -> MessageData:
        """The command line of the form, or what is wrong in it."""
        settings = train_form.read_form(self.services, self.room, values)
        return MessageData(text=train_form.write_command(settings), kind="wait")

    @alerting
    def start(self, *values: Any) -> tuple[Any, ...]:
        """Start a run and look at it."""
        room = self.room
        room.check_allowed()
        settings = train_form.read_form(self.services, room, values)
        check_data(settings)
        job = launch(
            new_job_folder(room.runs),
            egma_argv("finetune", "{folder}"),
            resume_argv=egma_argv("finetune", "{folder}", "--resume"),
            device=settings.device,
            title=f"Fine-tune, {settings.preset}",
            config=settings_values(settings),
        )
        return look_at(self.room, job.id, "", "")

    @alerting
    def open_tab(self, run: str, other: str) -> tuple[Any, ...]:
        """What the tab shows when it is opened: the run chosen before, else the one at work, else the newest."""
        jobs = self.room.list_runs()
        busy = [job.id for job in jobs if job.state().name in _BUSY]
        known = {id_of(job) for job in jobs}
        chosen = run if run in known else busy[0] if busy else id_of(jobs[0])
        lists = (
            gr.update(choices=train_form.data_choices(self.room)),
            gr.update(choices=self.services.models.choices()),
        )
        return (gr.Timer(active=True), *lists, *look_at(self.room, chosen, other, ""))

    @alerting
    def look(self, run: str, other: str, stamp: str) -> tuple[Any, ...]:
        """What has changed since the last look."""
        return look_at(self.room, run, other, stamp)

    @alerting
    def choose(self, event: gr.EventData, other: str) -> tuple[Any, ...]:
        """Look at the run that was clicked."""
        return look_at(self.room, str(getattr(event, "id", ""))[:64], other, "")

    @alerting
    def stop(self, run: str) -> None:
        """Ask the run to stop."""
        stop(self.room.find_own(run).path)

    @alerting
    def resume(self, run: str) -> None:
        """Go on with a run that ended early."""
        resume(self.room.find_own(run).path)

    @alerting
    def duplicate(self, run: str) -> list[Any]:
        """The run's settings in the form, to be changed and started."""
        job = self.room.find_run(run)
        gr.Info(f"The settings of {train_screen.run_title(job)} are in the form: change what you like, then start.")
        values = train_form.fill_form(self.services, self.room, job.config())
        return [DESCRIPTIONS.get(values[0], ""), *values]

    @alerting
    def ask_delete(self) -> Any:
        """Show the question whether the run is to be deleted."""
        return gr.update(visible=True)

    @alerting
    def keep(self) -> Any:
        """Put the question away."""
        return gr.update(visible=False)

    @alerting
    def delete(self, run: str) -> tuple[Any, ...]:
        """Delete the run with its files, and look at the newest that is left."""
        room = self.room
        delete_job(room.find_own(run).path)
        return look_at(self.room, id_of(room.list_runs()[0]), "", "")

    @alerting
    def use(self, run: str) -> str:
        """Put the run's checkpoint among the reader's own and return its name."""
        from egma.finetune.publish import publish_checkpoint

        room = self.room
        job = room.find_own(run)
        config = job.config()
        name = str(config.get("name") or f"{config.get('preset', 'run')}-{job.id[:15]}")
        published = publish_checkpoint(job.path, room.checkpoints, name)
        gr.Info(f"{published} is on the list of models; the Study tab switches to it.")
        return published
