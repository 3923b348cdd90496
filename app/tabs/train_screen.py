"""What the Train tab shows of runs: values from their folders, made into the panels' data. No decisions, no files."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from app.jobs import is_example
from app.panels.data import RowsData
from app.panels.training import RunData, RunRow, RunsData
from app.tabs.train_charts import RunEvents, value_of
from egma.jobs import JobFolder, JobState

_EXAMPLE_NOTE = "This run came along as an example; nothing can be changed in it."
_CHOSEN_BY = {"auroc": "auroc", "gaze": "gaze_correlation", "loss": "loss", "pointing": "pointing"}
_SHORT = {"auroc": "macro AUROC", "gaze_correlation": "agreement with gaze", "loss": "loss", "pointing": "pointing"}
_OUTCOME = (
    ("pointing", "Pointing game (lesions of fresh phantoms: {pointing_of})"),
    ("auroc", "Macro AUROC by prompts (findings: {auroc_findings})"),
    ("gaze_correlation", "Agreement with gaze (correlation; sentences: {gaze_of})"),
    ("loss", "Validation loss"),
)


def runs_screen(jobs: Sequence[JobFolder], current: str) -> RunsData:
    """The list of runs."""
    note = "No runs of yours yet: start one, or look at this example." if [*map(id_of, jobs)] == ["example"] else ""
    return RunsData(rows=[_run_row(job) for job in jobs], current=current, note=note)


def run_screen(job: JobFolder, events: RunEvents) -> RunData:
    """One run: state, figures of the moment, outcome."""
    state = job.state()
    result = job.result() or {}
    return RunData(
        title=run_title(job),
        state=state.name,
        sentence=_sentence(state, result),
        share=None if state.is_over else _share(state, events),
        facts=_facts(job, state, events),
        outcome_head=["", "Before", "Now" if not result else "After"],
        outcome=_outcome(events, result),
        note=_EXAMPLE_NOTE if is_example(job.id) else _meaning(events),
    )


def config_screen(jobs: Sequence[JobFolder]) -> RowsData:
    """The settings of a run; of two, what differs comes first and is marked."""
    configs = [job.config() for job in jobs]
    names = [name for name in configs[0] if name != "provenance"]
    values = {name: [_word(config.get(name)) for config in configs] for name in names}
    provenance = [config.get("provenance") or {} for config in configs]
    values["data SHA-256"] = [str((each.get("data") or {}).get("sha256", ""))[:12] or "unknown" for each in provenance]
    values["revision"] = [str(each.get("revision", ""))[:12] or "none" for each in provenance]
    rows = [[name, *told] for name, told in values.items()]
    if len(jobs) > 1:
        rows = sorted(rows, key=lambda row: len(set(row[1:])) == 1)
        rows = [[f"{row[0]} (differs)" if len(set(row[1:])) > 1 else row[0], *row[1:]] for row in rows]
    return RowsData(caption="", head=["Setting", *(run_title(job) for job in jobs)], rows=rows)


def run_title(job: JobFolder) -> str:
    """A run's name for people: preset, checkpoint name where it has one, and when."""
    if is_example(job.id):
        return "Example: demo on phantoms"
    config = job.config()
    name = str(config.get("name") or "")
    return f"{name or config.get('preset') or job.title}, {_when(job.id)}"


def id_of(job: JobFolder) -> str:
    """The id by which the page names a run."""
    return "example" if is_example(job.id) else job.id


def _run_row(job: JobFolder) -> RunRow:
    state = job.state()
    return RunRow(
        id=id_of(job),
        title=run_title(job),
        state=state.name,
        detail=_detail(job, state),
        share=None if state.is_over else _share(state),
    )


def _detail(job: JobFolder, state: JobState) -> str:
    if state.name in ("failed", "lost"):
        return f"{state.cause}: {state.text}" if state.cause else state.text
    result = job.result()
    told = _gains(result) if result is not None else ""
    if told:
        return told
    return state.text


def _gains(result: dict[str, Any]) -> str:
    """Before and after of what the kept step was chosen by, and of pointing, which every run measures."""
    before, after = result.get("before") or {}, result.get("after") or {}
    keys = dict.fromkeys((_CHOSEN_BY.get(str(result.get("best_by")), "pointing"), "pointing"))
    told = [(_SHORT[key], _figure(before.get(key)), _figure(after[key])) for key in keys if after.get(key) is not None]
    return "; ".join(f"{name} {start} to {end}" for name, start, end in told)


def _sentence(state: JobState, result: dict[str, Any]) -> str:
    """How it stands; of a finished run also how it ended and whether it was of use."""
    cause = f"{state.cause[:1].upper()}{state.cause[1:]}. " if state.cause else ""
    if state.name != "finished":
        return f"{cause}{state.text}"
    early = "It stopped early, as validations brought nothing better." if result.get("stopped_early") else state.text
    lost = " By the measure it was chosen by, its base was no worse." if result.get("gained") is False else ""
    return f"{early}{lost}"


def _share(state: JobState, events: RunEvents | None = None) -> float:
    """How far it is: by steps where there are any, else by what it prepares."""
    if events is not None and events.steps:
        return min(1.0, events.steps[-1]["step"] / max(1, _planned(events) or 1))
    return min(1.0, state.done / state.total) if state.total else 0.0


def _planned(events: RunEvents) -> int | None:
    planned = events.steps[-1].get("steps") if events.steps else None
    return planned if isinstance(planned, int) else None


def _facts(job: JobFolder, state: JobState, events: RunEvents) -> list[list[str]]:
    facts: list[list[str]] = []
    planned = _planned(events)
    if events.steps:
        last = events.steps[-1]
        facts.append(["Step", f"{last['step']} of {planned}" if planned else str(last["step"])])
        facts.append(["Step time", write_seconds(float(last.get("step_s") or 0))])
        if not state.is_over:
            facts.append(["Time left", write_seconds(float(last.get("left_s") or 0))])
        facts.append(["Memory", f"{float(last.get('device_mb') or 0):,.0f} MB"])
    elif not state.is_over and state.total:
        facts.append(["Preparing", f"{state.done} of {state.total}"])
    seconds = (job.result() or {}).get("seconds")
    if seconds:
        facts.append(["Took", write_seconds(float(seconds))])
    if state.heartbeat_s is not None and not state.is_over:
        facts.append(["Heard of", f"{state.heartbeat_s:.0f} s ago"])
    return facts


def _outcome(events: RunEvents, result: dict[str, Any]) -> list[list[str]]:
    if not events.validations:
        return []
    before = result.get("before") or events.validations[0]
    after = result.get("after") or (events.validations[-1] if len(events.validations) > 1 else {})
    rows = [
        [label.format(**_counts(events.validations[-1])), _figure(before.get(key)), _figure(after.get(key))]
        for key, label in _OUTCOME
    ]
    rows.append(["Report finds film among the nearest 5", _recall(before), _recall(after)])
    return [row for row in rows if row[1] != "none" or row[2] != "none"]


def _counts(measures: dict[str, Any]) -> dict[str, int]:
    """How many cases each figure stands on."""
    names = ("pointing_of", "auroc_findings", "gaze_of")
    return {name: value if isinstance(value := measures.get(name), int) else 0 for name in names}


def _meaning(events: RunEvents) -> str:
    if not events.validations:
        return ""
    return (
        "Measured on films it does not train on, which also choose the step that is kept (an AUROC counts findings "
        "with 5 positives or more): expect less on others."
    )


def _recall(measures: dict[str, Any]) -> str:
    return _figure(value_of(measures, "recall"))


def _figure(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, (int, float)) and not isinstance(value, bool) else "none"


def write_seconds(value: float) -> str:
    """A span of time in the unit that a reader would use."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 90:
        return f"{value:.1f} s" if value < 10 else f"{value:.0f} s"
    minutes = value / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"


def _word(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "none"}[value]
    return f"{value:g}" if isinstance(value, (int, float)) else str(value) or "none"


def _when(job_id: str) -> str:
    try:
        moment = datetime.strptime(job_id[:15], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return job_id[:40]
    return f"{moment:%d %b %H:%M:%S}"
