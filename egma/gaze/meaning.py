"""What each measure of agreement means, in words a radiologist can use, and its rows as a table or CSV."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass

from egma.cells import safe_cell
from egma.gaze.agreement import Agreement
from egma.gaze.versus import Versus


@dataclass(frozen=True)
class Measure:
    """One measure: its attribute in `Agreement`, its name, and how to read it."""

    key: str
    name: str
    meaning: str


MEASURES = (
    Measure(
        "auc_judd",
        "AUC-Judd",
        "The chance that a fixated pixel scores above any pixel of the film. 0.5 is chance, 1 is perfect; a bright "
        "middle of the map already earns more than chance.",
    ),
    Measure(
        "auc_shuffled",
        "Shuffled AUC",
        "The same against where readers looked on other films, so that the middle earns nothing: 0.5 is chance. Empty "
        "without recordings of other films.",
    ),
    Measure(
        "nss",
        "NSS",
        "How many standard deviations above its mean the map is where the reader looked. 0 is chance; below 0 "
        "the reader looked where the map is low.",
    ),
    Measure(
        "information_gain",
        "Information gain",
        "Bits a fixation by which the map predicts better than the centre bias does; below 0 it predicts worse.",
    ),
    Measure(
        "cc",
        "CC",
        "Correlation of the map with the reader's density over all pixels: 1 the same shape, 0 unrelated, -1 opposite.",
    ),
    Measure("sim", "SIM", "The share of looking that both maps put into the same places: 0 nothing, 1 everything."),
    Measure(
        "kl",
        "KL",
        "Divergence of the map from the reader's density, in nats: 0 is perfect, more is worse. One place the reader "
        "looked at and the map leaves empty weighs heavily.",
    ),
)


@dataclass(frozen=True)
class MeasureLine:
    """A measure of one comparison: the model's value, the ceiling and the floor; None where there is none."""

    measure: Measure
    model: float | None
    ceiling: float | None
    floor: float | None


def measure_lines(found: Versus) -> list[MeasureLine]:
    """Every measure of a comparison, in the order in which they are shown."""
    return [
        MeasureLine(
            each,
            _value(found.measures, each.key),
            None if found.ceiling is None else _value(found.ceiling, each.key),
            _value(found.floor, each.key),
        )
        for each in MEASURES
    ]


def write_measures_csv(lines: Sequence[tuple[str, str, Versus]]) -> str:
    """CSV text of (reader, sentence, comparison) rows, one line a measure; an empty cell where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["reader", "sentence", "measure", "model", "other_readers", "centre_bias", "meaning"])
    for reader, sentence, found in lines:
        for line in measure_lines(found):
            values = ["" if value is None else round(value, 6) for value in (line.model, line.ceiling, line.floor)]
            writer.writerow([safe_cell(reader), safe_cell(sentence), line.measure.name, *values, line.measure.meaning])
    return text.getvalue()


def _value(agreement: Agreement, key: str) -> float | None:
    value = float(getattr(agreement, key))
    return value if math.isfinite(value) else None
