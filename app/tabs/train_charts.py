"""The Train tab's curves: a run's events in order, and one chart a figure. Values only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from app.panels.training import Chart, CurvesData, Series

MOST_POINTS = 300
_NO_CURVES = "Curves come with the first step."
_STEP_CHARTS = (
    ("loss", "Total loss", "The weighted sum of the terms below."),
    ("contrastive", "Contrastive", "Films and reports of a batch find each other."),
    ("gaze_alignment", "EGF, gaze alignment", "Sentences near the patches looked at."),
    ("gaze_mapping", "EGM, gaze mapping", "Sentences rebuilt from patches, and patches from sentences."),
    ("label_alignment", "Label alignment", "Labelled films near sentences of like findings."),
    ("learning_rate", "Learning rate", "Of the heads."),
)
_VALIDATION_CHARTS = (
    ("pointing", "Pointing game", "Share of lesions that the strongest patch lies in, on fresh phantoms. 1 is best."),
    ("auroc", "Macro AUROC", "Findings by prompts; 0.5 is chance, 1 is best."),
    ("gaze_correlation", "Agreement with gaze", "Correlation of a sentence's map with where was looked. 1 is best."),
    ("recall", "Report finds film, R@5", "Share of reports whose film is among the five nearest."),
    ("loss", "Validation loss", "The training's own loss, on films it does not train on."),
)


@dataclass(frozen=True, eq=False)
class RunEvents:
    """A run's events by kind, each step as it was taken last."""

    steps: list[dict[str, Any]]
    validations: list[dict[str, Any]]


def sort_events(events: Iterable[dict[str, Any]]) -> RunEvents:
    """Steps and validations in order; a resumed run takes some steps again."""
    kinds: dict[str, dict[int, dict[str, Any]]] = {"step": {}, "validation": {}}
    for event in events:
        step = event.get("step")
        if event.get("kind") in kinds and isinstance(step, int):
            kinds[event["kind"]][step] = event
    return RunEvents(*([each[step] for step in sorted(each)] for each in (kinds["step"], kinds["validation"])))


def curves_screen(runs: Sequence[tuple[str, RunEvents]]) -> CurvesData:
    """Charts of a run, and of a second one beside it."""
    charts = [
        *(_chart(name, title, meaning, "validation", runs) for name, title, meaning in _VALIDATION_CHARTS),
        *(_chart(name, title, meaning, "step", runs) for name, title, meaning in _STEP_CHARTS),
    ]
    drawn = [chart for chart in charts if chart.series and any(_has_value(line) for line in chart.series)]
    return CurvesData(charts=drawn, empty=_NO_CURVES)


def _chart(name: str, title: str, meaning: str, kind: str, runs: Sequence[tuple[str, RunEvents]]) -> Chart:
    series = [_series(run, name, events.steps if kind == "step" else events.validations) for run, events in runs]
    return Chart(title=title, meaning=meaning, kind=kind, series=[line for line in series if line.steps])


def _series(run: str, name: str, events: list[dict[str, Any]]) -> Series:
    """At most `MOST_POINTS` of the events, the last among them."""
    stride = max(1, -(-len(events) // MOST_POINTS))
    kept = events[::-1][::stride][::-1]
    return Series(name=run, steps=[event["step"] for event in kept], values=[value_of(event, name) for event in kept])


def value_of(event: dict[str, Any], name: str) -> float | None:
    """A figure of an event; "recall" is that at 5. None where it is none."""
    recalls = event.get("text_to_image")
    if name == "recall":
        value = recalls[1] if isinstance(recalls, list) and len(recalls) > 1 else None
    else:
        value = event.get(name)
    return round(float(value), 6) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _has_value(line: Series) -> bool:
    return any(value is not None for value in line.values)
