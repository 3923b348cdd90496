"""How well expected gaze predicts where readers look, between the centre bias (floor) and another reader (ceiling).

Expected gaze is measured as the page draws it: a model's maps pooled, of its findings where nobody dictated, or of the
sentences of a report. Every film counts once; intervals are drawn over patients; differences are paired by film.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

import numpy as np

from egma.errors import DataError, EgmaError, GazeError
from egma.evaluation.intervals import Figure, bootstrap
from egma.gaze.agreement import Agreement
from egma.gaze.asking import ask_expected
from egma.gaze.simulate import Statement, simulate_reading
from egma.gaze.track import GazeTrack
from egma.gaze.transcript import split_words
from egma.gaze.versus import compare_with_reader
from egma.types import Study

if TYPE_CHECKING:
    from egma.data.build import Source
    from egma.inference.engine import Engine

MEASURES = ("nss", "auc_judd", "information_gain", "cc", "sim", "kl")
FINDINGS, SENTENCES, FLOOR, CEILING = "findings", "sentences", "floor", "ceiling"
PREDICTORS = (FINDINGS, SENTENCES, FLOOR, CEILING)
_SECOND_READER = 500_009  # far from the first one's seeds


@dataclass(frozen=True, eq=False)
class GazeCase:
    """One film with a reader's gaze.

    Attributes:
        name: of the film; patient: films of one patient are drawn together.
        study: the film.
        track: the reader's fixations.
        others: other readers of the film, for the ceiling.
        simulated: the gaze was made by a program.
    """

    name: str
    patient: str
    study: Study
    track: GazeTrack
    others: tuple[GazeTrack, ...] = ()
    simulated: bool = False


@dataclass(frozen=True, eq=False)
class ExpectedFigures:
    """What was measured.

    Attributes:
        films: how many; simulated: whether all gaze was made by a program.
        figures: {predictor: {measure: figure}}; a predictor that no film has is left out.
        gains: {predictor: {measure: figure}}, paired differences from the floor.
    """

    films: int
    simulated: bool
    figures: dict[str, dict[str, Figure]]
    gains: dict[str, dict[str, Figure]]


def measure_expected(
    engine: Engine, cases: Iterable[GazeCase], on_case: Callable[[str], None] = lambda name: None
) -> ExpectedFigures:
    """Measure expected gaze of `engine` on every film.

    Raises:
        DataError: there is no film with gaze on it.
    """
    rows: list[dict[str, Agreement]] = []
    patients: list[str] = []
    simulated = True
    for case in cases:
        try:
            rows.append(_measure_case(engine, case))
        except GazeError:  # no fixation on the film: nothing to predict
            continue
        patients.append(case.patient)
        simulated = simulated and case.simulated
        on_case(case.name)
    if not rows:
        raise DataError("no film with gaze on it was found, so that nothing can be measured")
    groups = np.array(patients)
    tables = {name: _table(rows, name) for name in PREDICTORS if any(name in row for row in rows)}
    figures = {name: _figures(table, groups) for name, table in tables.items()}
    gains = {name: _figures(table - tables[FLOOR], groups) for name, table in tables.items() if name != FLOOR}
    return ExpectedFigures(len(rows), simulated, figures, gains)


def phantom_cases(count: int, seed: int, size_px: int) -> Iterator[GazeCase]:
    """Fresh phantoms, each read by two invented readers: gaze is simulated from the lesions' masks."""
    from egma.testing.phantoms import build_phantoms

    for number, phantom in enumerate(build_phantoms(count, seed, (size_px, size_px))):
        regions = [phantom.masks[finding] for finding in phantom.findings] or [None] * len(phantom.sentences)
        spoken = [Statement(text, region) for text, region in zip(phantom.sentences, regions)]
        first, second = (
            simulate_reading(spoken, phantom.study.shape, seed=seed * 1_000_003 + number + offset)
            for offset in (0, _SECOND_READER)
        )
        name = f"phantom {number}"
        yield GazeCase(name, name, phantom.study, first, (second,), simulated=True)


def recorded_cases(source: Source, count: int, seed: int) -> Iterator[GazeCase]:
    """Films of a gaze data set that the user has images of: the first reading of each, the others as the ceiling.

    Args:
        source: the root, and where MIMIC-CXR's images are.
        count: at most so many films, chosen by a hash of the seed and the film's id.
        seed: of the choice.
    """
    from egma.data.build import read_layout
    from egma.imaging import load_study

    files = source.files()
    by_film: dict[str, list] = {}
    for record in read_layout(source).records:
        by_film.setdefault(record.film.dicom_id, []).append(record)
    for film in sorted(by_film, key=lambda each: sha256(f"{seed} {each}".encode()).digest())[:count]:
        records = by_film[film]
        image = files.find_image(records[0].film)
        if image.path is None:
            continue
        try:
            study = load_study(image.path)
            tracks = [record.load().for_film(study.shape, dicom_id=film).fixations() for record in records]
        except EgmaError:  # a damaged film or recording is left out, as everywhere in a data set
            continue
        yield GazeCase(film, records[0].film.patient, study, tracks[0], tuple(tracks[1:]))


def _measure_case(engine: Engine, case: GazeCase) -> dict[str, Agreement]:
    shape = case.study.shape
    found = compare_with_reader(ask_expected(engine, case.study).density, case.track, shape=shape, others=case.others)
    row = {FINDINGS: found.measures, FLOOR: found.floor}
    if found.ceiling is not None:
        row[CEILING] = found.ceiling
    sentences = [sentence.text for sentence in split_words(case.track.words)]
    if sentences:
        expected = ask_expected(engine, case.study, sentences).density
        row[SENTENCES] = compare_with_reader(expected, case.track, shape=shape).measures
    return row


def _table(rows: Sequence[dict[str, Agreement]], name: str) -> np.ndarray:
    """float64 (films, measures), NaN where a film lacks the predictor."""
    empty = dict.fromkeys(MEASURES, math.nan)
    cells = [asdict(row[name]) if name in row else empty for row in rows]
    return np.array([[float(each[measure]) for measure in MEASURES] for each in cells])


def _figures(table: np.ndarray, groups: np.ndarray) -> dict[str, Figure]:
    def mean_of(column: np.ndarray) -> Callable[[np.ndarray], float]:
        return lambda places: _mean(column[places])

    return {measure: bootstrap(mean_of(table[:, place]), groups) for place, measure in enumerate(MEASURES)}


def _mean(values: np.ndarray) -> float:
    values = values[np.isfinite(values)]
    return float(values.mean()) if len(values) else math.nan
