"""A whole fine-tuning as one job in one folder: what `python -m egma finetune RUN_DIR` runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from egma.errors import JobError, SettingsError
from egma.finetune.settings import (
    PROVENANCE,
    FinetuneSettings,
    build_settings,
    load_object,
    read_settings,
    settings_values,
)
from egma.jobs import RunningJob, running, write_json
from egma.jobs.state import CONFIG_FILE, RESULT_FILE

if TYPE_CHECKING:
    from egma.finetune.run import Run
    from egma.finetune.states import RunState

_RUN_FILES = ("events.jsonl", RESULT_FILE, "states", "best", "checkpoint")
_SECONDS_FILE = "seconds.json"


def choose_settings(
    folder: Path, preset: str | None, config: Path | None, changes: dict[str, Any] | None = None
) -> FinetuneSettings:
    """The settings of a run: of the file given, else of the folder's own config.json, else of the preset.

    Raises:
        SettingsError: one sentence with everything that is wrong.
    """
    own = folder / CONFIG_FILE
    path = config or (own if own.is_file() else None)
    if path is None:
        return build_settings(preset or "heads", changes)
    settings = read_settings(path, preset)
    return build_settings(settings.preset, {**settings_values(settings), **(changes or {})})


def check_folder(folder: Path, *, resume: bool) -> None:
    """Refuse to mix two runs in one folder.

    Raises:
        JobError: there is a run and nobody asked to resume it; or nothing to resume, or it has finished.
    """
    if folder.exists() and not folder.is_dir():
        raise JobError(f"{folder.name}: wanted a folder for the run, but this is a file")
    if resume:
        if not (folder / CONFIG_FILE).is_file():
            raise JobError(f"{folder.name}: there is no run to resume in this folder; leave --resume out to start one")
        if (folder / RESULT_FILE).is_file():
            raise JobError(f"{folder.name}: this run has finished; start another in a new folder")
        return
    if any((folder / name).exists() for name in _RUN_FILES):
        raise JobError(f"{folder.name}: the folder holds a run already; add --resume, or choose a new folder")


def run_finetune(folder: Path, settings: FinetuneSettings, *, resume: bool = False) -> dict[str, Any] | None:
    """Wait for the device, prepare, train, and write the checkpoint; None when it was asked to stop.

    Raises:
        EgmaError: one sentence with what is wrong; the folder's state says it too.
    """
    folder = Path(folder).resolve()
    check_folder(folder, resume=resume)
    with running(folder, settings.device) as job:
        job.progress(0, 0, "loading the base and the data")
        return _run(folder, settings, job, resume)


def _run(folder: Path, settings: FinetuneSettings, job: RunningJob, resume: bool) -> dict[str, Any] | None:
    from egma.finetune.finish import write_checkpoint
    from egma.finetune.loop import Loop
    from egma.finetune.run import StoppedWhilePreparingError, build_run

    started = time.monotonic()
    before_s = _spent(folder) if resume else 0.0
    old = load_object(folder / CONFIG_FILE) if resume else {}
    write_json(folder / CONFIG_FILE, {**settings_values(settings), PROVENANCE: old.get(PROVENANCE)}, durable=True)
    try:
        run = build_run(settings, job.device, job.progress, job.should_stop, cache=folder / "gaze")
    except StoppedWhilePreparingError:
        return None
    config = _write_config(folder, run, old)
    loop = Loop(run, folder, job)
    if resume and loop.restore():
        job.event("state", state="resumed", text=f"It goes on after step {loop.state.step}.", step=loop.state.step)
    loop.train()
    seconds = before_s + time.monotonic() - started
    write_json(folder / _SECONDS_FILE, {"seconds": round(seconds, 1)})
    if loop.state.best_step is None:
        return None
    job.progress(loop.state.step, run.steps, "writing the checkpoint")
    saved, measures = write_checkpoint(run, folder, config, loop.state, seconds)
    if job.should_stop() and loop.state.step < run.steps:
        return None
    result = {
        "checkpoint": saved.folder.name if saved.folder else "",
        "checkpoint_hash": saved.hash,
        **_describe_end(run, loop.state),
        "after": measures.as_event(),
        "seconds": round(seconds, 1),
        "device": str(run.device),
    }
    job.finish(result)
    return result


def _describe_end(run: Run, state: RunState) -> dict[str, Any]:
    """How a run ended, as result.json says it, with the figures it began with."""
    return {
        "steps": state.step,
        "planned_steps": run.steps,
        "best_step": state.best_step,
        "best_by": state.best_by,
        "stopped_early": state.step < run.steps,
        "gained": _has_gained(state),
        "before": state.before,
    }


def _has_gained(state: RunState) -> bool:
    """Whether the checkpoint measured better than the base that it came from."""
    best, start = state.best_score, state.start_score
    return best is not None and (start is None or best > start)


def _write_config(folder: Path, run: Run, old: dict[str, Any]) -> dict[str, Any]:
    """config.json, complete. A resumed run must find the data and the base it began with.

    Raises:
        SettingsError: one of them has changed.
    """
    from egma.finetune.provenance import build_provenance

    provenance = build_provenance(run.data.digest, run.data.counts, run.base.hash)
    first = old.get(PROVENANCE)
    if isinstance(first, dict):
        _check_unchanged(first, provenance)
        provenance = {
            **first,
            "resumed": [*first.get("resumed", []), provenance["versions"] | {"revision": provenance["revision"]}],
        }
    config = {**settings_values(run.settings), PROVENANCE: provenance}
    write_json(folder / CONFIG_FILE, config, durable=True)
    return config


def _check_unchanged(first: dict[str, Any], now: dict[str, Any]) -> None:
    if first.get("data", {}).get("sha256") != now["data"]["sha256"]:
        raise SettingsError(
            f"the data has changed since this run began (SHA-256 {str(first.get('data', {}).get('sha256'))[:12]}, now "
            f"{now['data']['sha256'][:12]}); start a new run"
        )
    if first.get("base_hash") != now["base_hash"]:
        raise SettingsError(
            f"the base has changed since this run began (hash {str(first.get('base_hash'))[:12]}, now "
            f"{now['base_hash'][:12]}); start a new run"
        )


def _spent(folder: Path) -> float:
    try:
        return float(load_object(folder / _SECONDS_FILE)["seconds"])
    except (SettingsError, KeyError, TypeError, ValueError):
        return 0.0
