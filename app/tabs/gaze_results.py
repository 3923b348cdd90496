"""What the Gaze tab answers, as panels show it: model against reader, expected gaze against readers, regions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from app.gaze.store import Reader
from app.panels import MapData, MeasureRow, RowsData, VersusData
from app.tabs.gaze_screen import SHOWN_SIDE
from egma.gaze.meaning import MEASURES, MeasureLine, measure_lines
from egma.gaze.regions import RegionGaze
from egma.gaze.versus import CENTRE_SHARE, Versus, shrink_map
from egma.types import Float32

MEANING = (
    "All three maps in times an even spread: 1× is what every place would get if looking were spread evenly over the "
    "film. Orange: the model expects more looking than there was; blue: the reader looked more than the model expects."
)


def versus_screen(found: Versus, reader: Reader, words: str, checkpoint: str) -> VersusData:
    """A comparison: three maps in one unit, and every measure between its ceiling and its floor."""
    maps = [shrink_map(each, _shown(each.shape)) for each in (found.model, found.reader, found.difference)]
    count = found.measures.fixations_used
    label = "simulated gaze" if reader.simulated else "recorded gaze"
    ceiling = (
        f"Ceiling: how well the other readers of this film predict this one ({CENTRE_SHARE:.0%} centre bias mixed in)."
        if found.ceiling is not None
        else "No ceiling: only one reader of this film is open."
    )
    return VersusData(
        title=f"“{words}”",
        model=_map(maps[0]),
        reader=_map(maps[1]),
        difference=_map(maps[2]),
        model_label=f"{checkpoint}",
        reader_label=f"{reader.name}, {label}, {count} fixations",
        top=_round_up(max(_peak(maps[0]), _peak(maps[1]))),
        swing=_round_up(_peak(np.abs(maps[2]))),
        meaning=MEANING,
        caption=f"Agreement, on the film reduced to {found.model.shape[1]} × {found.model.shape[0]} pixels",
        rows=[_measure_row(line) for line in measure_lines(found)],
        notes=[f"{ceiling} Floor: a map that knows only that readers look at the middle of a film."],
    )


def expected_rows(rows: Sequence[tuple[Reader, Versus]], checkpoint: str) -> RowsData:
    """How well expected gaze predicts the recordings that are open, beside the centre bias."""
    notes = [f"Predicted by {checkpoint} from its findings' maps, pooled and mixed with the centre bias; not recorded."]
    if not rows:
        notes.append("No recording is open on this film, so that its agreement with a reader is not known here.")
        return RowsData(caption="Expected gaze", head=["Reader"], rows=[["none"]], notes=notes)
    head = ["Reader", *(f"{each.name} (floor)" for each in MEASURES if each.key != "auc_shuffled")]
    table = []
    for reader, found in rows:
        lines = [line for line in measure_lines(found) if line.measure.key != "auc_shuffled"]
        name = f"{reader.name} (simulated)" if reader.simulated and "simulated" not in reader.name else reader.name
        table.append([name, *(f"{_figure(line.model)} ({_figure(line.floor)})" for line in lines)])
    notes.append("In brackets: the centre bias alone. Information gain above 0 is more than it knows. " + _meanings())
    return RowsData(caption="Expected gaze against the readers that are open", head=head, rows=table, notes=notes)


def regions_screen(rows: Sequence[RegionGaze], reader: Reader) -> RowsData:
    """What gaze did in each region."""
    head = ["Region", "First look", "Dwell", "Share", "Fixations", "Visits", "Revisits", "Coverage"]
    table = [
        [
            row.region,
            "never" if row.first_look_s is None else f"{row.first_look_s:.2f} s",
            f"{row.dwell_s:.2f} s",
            f"{row.dwell_share:.0%}",
            str(row.fixations),
            str(row.visits),
            str(row.revisits),
            f"{row.coverage:.0%}",
        ]
        for row in rows
    ]
    label = " Simulated gaze." if reader.simulated else ""
    note = (
        "First look: from the recording's first fixation. Dwell: time of fixations inside; share: of all looking on "
        "the film. Visits: runs of fixations inside, revisits those after the first. Coverage: the part of the region "
        f"within one degree of a fixation.{label}"
    )
    return RowsData(caption=f"Regions: {reader.name}", head=head, rows=table, notes=[note])


def _measure_row(line: MeasureLine) -> MeasureRow:
    return MeasureRow(
        name=line.measure.name,
        model=_rounded(line.model),
        ceiling=_rounded(line.ceiling),
        floor=_rounded(line.floor),
        meaning=line.measure.meaning,
    )


def _meanings() -> str:
    return " ".join(f"{each.name}: {each.meaning}" for each in MEASURES if each.key in ("auc_judd", "nss", "sim"))


def _shown(shape: tuple[int, ...]) -> tuple[int, int]:
    scale = min(1.0, SHOWN_SIDE / max(shape))
    return max(1, round(shape[0] * scale)), max(1, round(shape[1] * scale))


def _map(values: Float32) -> MapData:
    data = [None if math.isnan(value) else round(value, 3) for value in values.ravel().tolist()]
    return MapData(rows=values.shape[0], cols=values.shape[1], data=data)


def _peak(values: Float32) -> float:
    seen = values[np.isfinite(values)]
    return float(seen.max(initial=0.0))


def _round_up(value: float) -> float:
    """The next round number at or above a value, for the end of a scale."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(round(factor * power, 6) for factor in (1, 1.5, 2, 3, 5, 7, 10) if factor * power >= value * 0.999)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")
