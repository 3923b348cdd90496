"""`evaluate gaze`: agreement of maps with readers, between the centre-bias floor and the ceiling of another reader."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from egma.evaluation.outcome import TaskResult
from egma.evaluation.tasks.shared import add_set_options

if TYPE_CHECKING:
    from pathlib import Path

    from egma.evaluation.subjects import Progress
    from egma.gaze import GazeTrack
    from egma.gaze.agreement import Agreement
    from egma.inference.engine import Engine
    from egma.types import Study

NAME = "gaze"
HELP = "agreement of maps with readers' gaze, between centre bias and another reader"
FLOOR, CEILING = "centre bias (floor)", "another reader (ceiling)"
_COUNTS = ("fixations_used", "off_image", "not_seen")
DEFINITIONS = {
    "map": "the highest of the cosine maps of what the reader said; without words, of the checkpoint's findings",
    "measures": "egma.gaze.metrics: AUC-Judd, shuffled AUC against fixations on the other films, NSS, IG, CC, SIM, KL",
    "floor": "a Gaussian in the film's middle, which knows nothing of the film",
    "ceiling": "the mean density of the other readers of the same film; films with two readers or more",
    "interval": "percentile bootstrap of recordings by film, 95 %",
}


@dataclass(frozen=True)
class Recording:
    """One reader on one film: gaze.csv's row."""

    image: str
    path: Path
    track: GazeTrack
    phrases: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Which data set."""
    add_set_options(parser)


def run(arguments: argparse.Namespace) -> TaskResult:
    """Every checkpoint, the floor and the ceiling, on every recording."""
    import numpy as np

    from egma.evaluation.intervals import bootstrap
    from egma.evaluation.result import MACRO, Case, Entry, Evaluation, ListFacts, ModelFacts
    from egma.evaluation.sets.catalogue import detect_set
    from egma.evaluation.sets.films import hash_list
    from egma.evaluation.sets.readers import need_folder
    from egma.evaluation.subjects import facts_of, open_engines

    _, folder = detect_set(need_folder(arguments.data), NAME, arguments.set)
    recordings = read_recordings(folder)
    engines = open_engines(arguments.checkpoint, arguments.device)
    rows = measure_recordings(engines, recordings, arguments.progress)
    films = np.array([recording.image for recording in recordings])
    entries = []
    for model, found in rows.items():
        for metric in _measures():
            values = np.array([np.nan if each is None else getattr(each, metric) for each in found], float)
            kept = np.isfinite(values)
            figure = bootstrap(_mean_of(values[kept]), films[kept], arguments.draws, arguments.seed)
            entries.append(Entry(model, metric, MACRO, figure, "" if kept.any() else "no recording has it"))
    cases = [
        Case(
            engine.checkpoint.name, "gaze", each.image, "read", f"NSS {found.nss:.2f}", 10 - found.nss, each.phrases[0]
        )
        for engine in engines
        for each, found in zip(recordings, rows[engine.checkpoint.name])
        if found is not None and found.nss == found.nss
    ]
    lines = [f"{each.image}\t{each.track.name}\t{'|'.join(each.phrases)}" for each in recordings]
    return Evaluation(
        task=NAME,
        data=ListFacts(
            "gaze", "Gaze recordings", hash_list(lines), len(recordings), len(set(films)), "as listed", "gaze.csv"
        ),
        protocol={
            "prompts": {"name": "what each reader said", "seed": None},
            "seed": arguments.seed,
            "draws": arguments.draws,
            "definitions": DEFINITIONS,
        },
        models=(*map(facts_of, engines), ModelFacts(FLOOR, "baseline"), ModelFacts(CEILING, "baseline")),
        entries=tuple(entries),
        main=tuple(_measures()),
        cases=tuple(sorted(cases, key=lambda case: (case.model, -case.badness, case.film))),
        films={each.image: each.path for each in recordings},
        notes=("patients are counted as films: gaze.csv does not name them",),
    ).as_result()


def read_recordings(folder: Path) -> list[Recording]:
    """gaze.csv: image, recording (a file of one recording), and text: what was said, a phrase a line or after ";"."""
    import egma
    from egma.data.places import Root
    from egma.errors import DataError
    from egma.evaluation.sets.films import find_film
    from egma.evaluation.table import read_rows
    from egma.findings import build_findings

    root = Root(folder, ("", "images", "gaze"))
    every = tuple(finding.positive[0] for name, finding in build_findings().items() if name != "No Finding")
    found = []
    for line, row in enumerate(read_rows(folder / "gaze.csv", ["image", "recording"]), start=2):
        track: Any = egma.load_gaze(find_film(root, row["recording"], "gaze.csv"))
        if not hasattr(track, "xy_px"):
            if len(track) != 1:
                raise DataError(
                    f"gaze.csv, row {line}: {row['recording'][-40:]} holds {len(track)} recordings; wanted one"
                )
            track = track[0]
        said = [part.strip()[:300] for part in row.get("text", "").replace("\n", ";").split(";")]
        phrases = tuple(part for part in said if part) or every
        found.append(Recording(row["image"], find_film(root, row["image"], "gaze.csv"), track, phrases))
    if not found:
        raise DataError("gaze.csv has a header and no row; write a row for each recording")
    return found


def measure_recordings(
    engines: list[Engine], recordings: list[Recording], progress: Progress
) -> dict[str, list[Agreement | None]]:
    """Model -> its agreement with each recording; None where there is none (a ceiling needs two readers)."""
    import numpy as np

    from egma.gaze import metrics
    from egma.gaze.agreement import compare_map
    from egma.imaging import load_study

    rows: dict[str, list[Agreement | None]] = {engine.checkpoint.name: [] for engine in engines} | {
        FLOOR: [],
        CEILING: [],
    }
    for place, recording in enumerate(recordings):
        progress(place, len(recordings), "recordings")
        study = load_study(recording.path)
        others = _fixations_elsewhere(recordings, recording, study.shape)
        for engine in engines:
            rows[engine.checkpoint.name].append(
                compare_map(_map_of(engine, study, recording), recording.track, other_xy_px=others)
            )
        rows[FLOOR].append(compare_map(metrics.centre_bias(study.shape), recording.track, other_xy_px=others))
        rest = [
            each.track.in_frame(study.shape).fixations().density(study.shape)
            for each in recordings
            if each.image == recording.image and each is not recording
        ]
        found = compare_map(np.mean(rest, axis=0), recording.track, other_xy_px=others) if rest else None
        rows[CEILING].append(found)
    progress(len(recordings), len(recordings), "recordings")
    return rows


def _map_of(engine: Engine, study: Study, recording: Recording) -> Any:
    import numpy as np

    return np.max([found.cosine for found in engine.ground(study, list(recording.phrases)[:32])], axis=0)


def _fixations_elsewhere(recordings: list[Recording], own: Recording, shape: tuple[int, int]) -> Any:
    """Fixations on other films, laid over this one; None where every recording is of this film."""
    import numpy as np

    found = [each.track.in_frame(shape).fixations().xy_px for each in recordings if each.image != own.image]
    return np.concatenate(found) if found else None


def _measures() -> list[str]:
    from egma.gaze.agreement import Agreement

    return [each.name for each in fields(Agreement) if each.name not in _COUNTS]


def _mean_of(values: Any) -> Any:
    return lambda places: float(values[places].mean()) if len(places) else float("nan")
