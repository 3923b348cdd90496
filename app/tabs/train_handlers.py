"""Decisions of the Train tab. A run is a folder and a process of its own; the page only starts, looks and asks."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
import numpy as np

from app.alerts import alerting, answering
from app.jobs import HOSTED, TrainingRoom, is_example, open_room
from app.panels.data import MessageData, NoticesData, RowsData
from app.services import Services
from app.tabs import train_form, train_screen
from egma.errors import DataError, EgmaError, JobError
from egma.finetune.presets import DESCRIPTIONS
from egma.finetune.publish import CHECKPOINT
from egma.finetune.rules import PHANTOMS
from egma.finetune.settings import FinetuneSettings, settings_values
from egma.jobs import JobFolder, delete_job, egma_argv, launch, new_job_folder, resume, stop

SAME: Any = gr.skip()
ESTIMATE_S = 240
_THUMBNAIL_PX = 160
_BUSY = ("running", "queued", "stopping")


class LookView(NamedTuple):
    """New values of what shows runs, in wiring order."""

    run: Any
    stamp: Any
    runs: Any
    panel: Any
    curves: Any
    config: Any
    log: Any
    command: Any
    compare: Any
    stop: Any
    resume: Any
    duplicate: Any
    use: Any
    delete: Any
    asking: Any


class DataView(NamedTuple):
    """What a data set holds, in wiring order."""

    table: Any
    counts: Any
    films: Any
    problems: Any
    said: Any


def refuse_data(sentence: str) -> DataView:
    """The data cannot be looked at; the sentence says why."""
    return DataView(RowsData(), RowsData(), _gallery([]), NoticesData(), MessageData(text=sentence))


def _gallery(films: list[Any]) -> Any:
    return gr.update(value=films, visible=bool(films))


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
            return self._phantom_view()
        from egma.data.opening import examine_data
        from egma.finetune.examples import build_reading

        images = self.room.find_data(str(given["images"])) if given["images"] else ""
        found = examine_data(path, build_reading(FinetuneSettings(data=path, images=images)))
        has_labels = any(any(row[:3]) for row in found.classes.values())
        counts = [[split, f"{found.counts[split]:,}", f"{found.with_gaze[split]:,}"] for split in found.counts]
        classes = [[name, *(f"{count:,}" for count in row)] for name, row in found.classes.items()]
        all_said, with_gaze = found.sentences
        ready = "Ready to train on." if found.ready else "Not ready: mend what is named below."
        return DataView(
            RowsData(
                caption="Findings",
                head=["", "present", "absent", "uncertain", "unknown"],
                rows=classes if has_labels else [],
            ),
            RowsData(
                caption=f"{all_said:,} sentences, {with_gaze:,} with gaze",
                head=["Split", "films", "with gaze"],
                rows=counts,
            ),
            _gallery([_thumbnail(sample) for sample in found.opened]),
            NoticesData(title="Before this data is trained on", sentences=[each.sentence for each in found.problems]),
            MessageData(text=ready, kind="wait" if found.ready else "alert"),
        )

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
        return MessageData(text=_say_estimate(_estimate(settings)), kind="wait")

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
        _check_data(settings)
        job = launch(
            new_job_folder(room.runs),
            egma_argv("finetune", "{folder}"),
            resume_argv=egma_argv("finetune", "{folder}", "--resume"),
            device=settings.device,
            title=f"Fine-tune, {settings.preset}",
            config=settings_values(settings),
        )
        return self._look(job.id, "", "")

    @alerting
    def open_tab(self, run: str, other: str) -> tuple[Any, ...]:
        """What the tab shows when it is opened: the run chosen before, else the one at work, else the newest."""
        jobs = self.room.list_runs()
        busy = [job.id for job in jobs if job.state().name in _BUSY]
        known = {_id_of(job) for job in jobs}
        chosen = run if run in known else busy[0] if busy else _id_of(jobs[0])
        lists = (
            gr.update(choices=train_form.data_choices(self.room)),
            gr.update(choices=self.services.models.choices()),
        )
        return (gr.Timer(active=True), *lists, *self._look(chosen, other, ""))

    @alerting
    def look(self, run: str, other: str, stamp: str) -> tuple[Any, ...]:
        """What has changed since the last look."""
        return self._look(run, other, stamp)

    @alerting
    def choose(self, event: gr.EventData, other: str) -> tuple[Any, ...]:
        """Look at the run that was clicked."""
        return self._look(str(getattr(event, "id", ""))[:64], other, "")

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
        return self._look(_id_of(room.list_runs()[0]), "", "")

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

    def _look(self, run: str, other: str, stamp: str) -> tuple[Any, ...]:
        """`LookView` with the parts that are as they were left out."""
        room = self.room
        jobs = room.list_runs()
        job = _find_or_first(room, run, jobs)
        second = room.find_run(other) if other and other != run else None
        runs, panel = train_screen.runs_screen(jobs, _id_of(job)), train_screen.run_screen(job, _events(job))
        shown = [job] if second is None else [job, second]
        stamps = [
            _stamp(runs.model_dump_json()),
            _stamp(panel.model_dump_json()),
            _stamp(*(f"{each.path}{_size(each, 'events.jsonl')}" for each in shown)),
            _stamp(*(json.dumps(each.config(), default=str) for each in shown), job.id),
            _stamp(job.id, str(_size(job, "log.txt"))),
            _stamp(job.id, job.state().name, str((job.path / CHECKPOINT).exists())),
        ]
        old = [*stamp.split(" "), *[""] * len(stamps)]
        new = [each != before for each, before in zip(stamps, old)]
        curves = [(train_screen.run_title(each), _events(each)) for each in shown] if new[2] else []
        buttons = _buttons(job, room.hosted) if new[5] else (SAME,) * 6
        view = LookView(
            run=_id_of(job),
            stamp=" ".join(stamps),
            runs=runs if new[0] else SAME,
            panel=panel if new[1] else SAME,
            curves=train_screen.curves_screen(curves) if new[2] else SAME,
            config=train_screen.config_screen(shown) if new[3] else SAME,
            log=(job.log_tail() or "The log is empty.") if new[4] else SAME,
            command=_command(job) if new[5] else SAME,
            compare=gr.update(choices=_others(jobs, job), value=other if second is not None else "")
            if new[0]
            else SAME,
            stop=buttons[0],
            resume=buttons[1],
            duplicate=buttons[2],
            use=buttons[3],
            delete=buttons[4],
            asking=buttons[5],
        )
        return tuple(view)

    def _phantom_view(self) -> DataView:
        """What phantoms are, and three of them."""
        from egma.testing.phantoms import build_phantoms

        built = list(build_phantoms(3, seed=0, size=(_THUMBNAIL_PX, _THUMBNAIL_PX)))
        films = [(np.rint(each.study.pixels * 255).astype(np.uint8), each.sentences[0]) for each in built]
        said = "Synthetic films with known lesions and simulated gaze, built when the run starts. Ready to train on."
        return DataView(RowsData(), RowsData(), _gallery(films), NoticesData(), MessageData(text=said, kind="wait"))


def _check_data(settings: FinetuneSettings) -> None:
    """Refuse data with problems before a job starts. A gaze data set's root takes minutes: its job checks it.

    Raises:
        DataError: one sentence with what is wrong, by row.
    """
    from egma.data.build import Source
    from egma.data.opening import examine_data
    from egma.finetune.examples import build_reading, check_ready

    if settings.data != PHANTOMS and not Source(Path(settings.data)).kind:
        check_ready(examine_data(settings.data, build_reading(settings)))


def _find_or_first(room: TrainingRoom, run: str, jobs: list[JobFolder]) -> JobFolder:
    """The run looked at; the newest where it is gone, as another reader may have deleted it."""
    return next((job for job in jobs if _id_of(job) == run), jobs[0]) if not is_example(run) else room.find_run(run)


def _id_of(job: JobFolder) -> str:
    return "example" if is_example(job.id) else job.id


def _others(jobs: list[JobFolder], job: JobFolder) -> list[tuple[str, str]]:
    others = [(train_screen.run_title(each), _id_of(each)) for each in jobs if each.id != job.id]
    return [("nothing", ""), *others]


def _buttons(job: JobFolder, hosted: bool) -> tuple[Any, ...]:
    """Only what can be done with the run now: stop, resume, duplicate, use, delete, the question."""
    state, own = job.state(), not hosted and not is_example(job.id)
    visible = (
        own and state.name in ("running", "queued"),
        own and state.may_resume and bool(job.job),
        not hosted,
        own and (job.path / CHECKPOINT / "model.safetensors").is_file(),
        own and state.is_over,
    )
    return (*(gr.update(visible=each) for each in visible), gr.update(visible=False))


def _command(job: JobFolder) -> str:
    """What runs, resumes or makes this run again in a terminal."""
    if is_example(job.id):
        return "python -m egma finetune RUN_DIR --preset demo"
    folder, state = shlex.quote(str(job.path)), job.state()
    if state.name == "finished":
        return f"python -m egma finetune NEW_FOLDER --config {folder}/config.json"
    return f"python -m egma finetune {folder}" + (" --resume" if state.may_resume else "")


def _events(job: JobFolder) -> train_screen.RunEvents:
    return _read_events(str(job.path), _size(job, "events.jsonl"))


@lru_cache(maxsize=16)
def _read_events(path: str, size: int) -> train_screen.RunEvents:  # noqa: ARG001 - a file that grew is read again
    return train_screen.sort_events(JobFolder(Path(path)).events().events)


def _size(job: JobFolder, name: str) -> int:
    try:
        return (job.path / name).stat().st_size
    except OSError:
        return 0


def _stamp(*parts: str) -> str:
    from hashlib import sha256

    return sha256("\n".join(parts).encode()).hexdigest()[:12]


def _estimate(settings: FinetuneSettings) -> dict[str, Any]:
    """The dry run, as a process that cannot take the page's memory with it."""
    folder = Path(tempfile.mkdtemp(prefix="egma-estimate-"))
    try:
        path = folder / "settings.json"
        path.write_text(json.dumps(settings_values(settings)), encoding="utf-8")
        done = subprocess.run(  # noqa: S603 - a list, no shell
            [
                sys.executable,
                "-m",
                "egma",
                "finetune",
                str(folder / "run"),
                "--config",
                str(path),
                "--estimate",
                "--json",
            ],
            capture_output=True,
            text=True,
            timeout=ESTIMATE_S,
            check=False,
            cwd=Path(__file__).resolve().parents[2],
        )
    except subprocess.TimeoutExpired:
        raise JobError(f"the dry run took more than {ESTIMATE_S} s; try a smaller batch or fewer films") from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        raise JobError(f"the dry run failed: {last[0].removeprefix('egma: ')[:300]}")
    return json.loads(done.stdout)


def _say_estimate(found: dict[str, Any]) -> str:
    seconds = train_screen.write_seconds
    return (
        f"About {seconds(found['total_s'])} on {found['device']}: {seconds(found['prepare_s'])} to prepare "
        f"{found['films']:,} films, {found['steps']:,} steps of {seconds(found['step_s'])}, validations of "
        f"{seconds(found['validate_s'])}; about {found['memory_mb'] / 1000:.1f} GB of memory."
    )


def _thumbnail(sample: Any) -> tuple[np.ndarray, str]:
    """A small picture of a film, and its name on the list; the film's own text is not shown."""
    from PIL import Image

    from egma.imaging import load_study

    if sample.image_path is None:
        raise DataError(f"the film of {sample.id[:60]!r} is missing")
    try:
        study = load_study(sample.image_path)
    except EgmaError as error:
        raise DataError(f"the film of {sample.id[:60]!r} cannot be opened: {error}") from None
    picture = Image.fromarray(np.rint(study.pixels * 255).astype(np.uint8))
    picture.thumbnail((_THUMBNAIL_PX, _THUMBNAIL_PX))
    return np.asarray(picture), sample.split


__all__ = ["HOSTED", "TrainHandlers"]
