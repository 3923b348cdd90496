"""Measures a checkpoint as its card tells it: `python -m egma evaluate card NAME --data FOLDER` calls this.

Reads the checkpoint as any user does (`egma.load_engine`) and asks it in words. Every number and picture of the card
comes from here; measuring twice gives the same bytes. The linear probes it is held against are trained in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from egma.data.films import load_film_array
from egma.data.manifest import FilmRow, label_arrays, load_manifest
from egma.errors import DataError
from egma.evaluation.cases import failed_films, failed_phantoms
from egma.evaluation.films import (
    ScoredFilms,
    finding_figures,
    macro_figure,
    paired_figure,
    score_by_absence,
    score_films,
)
from egma.evaluation.gate import gate_figures
from egma.evaluation.grounding import (
    BoxedFinding,
    Pointing,
    known_boxes,
    load_boxes,
    point_at_boxes,
    point_at_phantoms,
    pointing_figures,
)
from egma.evaluation.intervals import Figure
from egma.evaluation.looks import DARK, LIGHT, Look, dark_name
from egma.evaluation.pictures import draw_cases, draw_reliability
from egma.evaluation.probe import embed_frozen, fit_probe
from egma.evaluation.reliability import calibration_figure, reliability_bins
from egma.evaluation.subjects import Progress
from egma.evaluation.wording import negation_figure
from egma.imaging.load import load_study
from egma.inference.engine import Engine
from egma.model.build import build_initialized_model
from egma.model.presets import LITE0, TRUNKS, build_mini_config
from egma.testing.phantoms import build_phantoms
from egma.types import Study

Item = TypeVar("Item")
FIGURES_NAME = "figures.json"
RELIABILITY, PHANTOM_MISSES, FILM_MISSES = "reliability.png", "misses-phantoms.png", "misses-films.png"
PHANTOM_SEED = 9173
"""Fresh phantoms: trainings use seeds 1 and 2."""


@dataclass(frozen=True, eq=False)
class Tested:
    """What the films of the test split gave.

    Attributes:
        rows, studies: the films, in one order.
        films: their scores.
        boxed, points: boxed findings and what the model did on each.
    """

    rows: list[FilmRow]
    studies: list[Study]
    films: ScoredFilms
    boxed: list[BoxedFinding]
    points: list[Pointing]


@dataclass(frozen=True, eq=False)
class Measured:
    """All that a card is made of.

    Attributes:
        figures: plain values: numbers, or {"value", "low", "high", "n"}.
        pictures: file name -> PNG bytes.
        tested: the films behind the figures; None where there were none.
    """

    figures: dict[str, Any]
    pictures: dict[str, bytes] = field(default_factory=dict)
    tested: Tested | None = None


def untold(done: int, total: int, text: str) -> None:
    """Tells nobody how far it is."""


def measure(engine: Engine, data: Path | None, phantoms: int, phantom_px: int, progress: Progress = untold) -> Measured:
    """Figures and pictures of a checkpoint, on phantoms and, where `data` is given, on the test films there."""
    figures: dict[str, Any] = {
        "checkpoint": engine.checkpoint.name,
        "hash": engine.checkpoint.hash,
        "negation": plain(negation_figure(engine)),
    }
    pictures: dict[str, bytes] = {}
    rows = load_manifest(data) if data is not None else []
    tested = _test_films(engine, rows, data, progress) if data is not None else None
    if tested is not None:
        figures |= _film_figures(engine, rows, tested)
        pictures |= _both(RELIABILITY, draw_reliability, figures["reliability"])
        missed = failed_films(engine, tested.studies, tested.rows, tested.boxed, tested.points)
        pictures |= _both(FILM_MISSES, draw_cases, missed) if missed else {}
    gate = gate_figures(rows, data / "cxr" if data is not None else None)
    figures["ood"] = {name: plain(figure) for name, figure in gate.items()}
    made = build_phantoms(phantoms, PHANTOM_SEED, (phantom_px, phantom_px))
    drawn = list(_counted(made, phantoms, progress, "phantoms drawn"))
    points = point_at_phantoms(engine, _counted(drawn, phantoms, progress, "phantoms asked"))
    figures["phantoms"] = {"count": phantoms, **_pointing(points)}
    missed = failed_phantoms(engine, drawn, points)
    pictures |= _both(PHANTOM_MISSES, draw_cases, missed) if missed else {}
    return Measured(figures, pictures, tested)


def _both(name: str, draw: Callable[[Any, Look], bytes], values: Any) -> dict[str, bytes]:
    """A picture for light and dark pages."""
    return {name: draw(values, LIGHT), dark_name(name): draw(values, DARK)}


def _counted(items: Iterable[Item], total: int, progress: Progress, text: str) -> Iterator[Item]:
    """The items, each told of before it is handed on."""
    for done, item in enumerate(items):
        progress(done, total, text)
        yield item
    progress(total, total, text)


def plain(figure: Figure) -> dict[str, float | int | None]:
    """A figure as figures.json holds it: four digits, null for what there is not."""
    values = asdict(figure)
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else round(value, 4)
        for name, value in values.items()
    }


def _test_films(engine: Engine, rows: list[FilmRow], data: Path, progress: Progress) -> Tested:
    tested = [row for row in rows if row.split == "test" and row.known.all()]
    if not tested:
        raise DataError("the manifest has no test film whose findings are all labelled")
    studies = [load_study(row.path) for row in _counted(tested, len(tested), progress, "test films read")]
    by_name = {row.path.name: study for row, study in zip(tested, studies)}
    boxed = known_boxes(engine, by_name, load_boxes(data / "cxr" / "boxes.csv"))
    films = score_films(engine, studies, tested)
    return Tested(tested, studies, films, boxed, point_at_boxes(engine, by_name, boxed))


def _film_figures(engine: Engine, rows: list[FilmRow], tested: Tested) -> dict[str, Any]:
    films = tested.films
    trunks = [name for name in engine.checkpoint.config.image.name.split("+") if name in TRUNKS] or [LITE0]
    probes = {name: _score_probe(rows, tested.rows, films, (name,)) for name in trunks}
    probe = _score_probe(rows, tested.rows, films, tuple(trunks))
    return {
        "films": {"test": len(tested.rows), "patients": len(set(films.patients))},
        "auroc": {
            "macro": plain(macro_figure(films)),
            "probe": plain(macro_figure(probe)),
            "difference": plain(paired_figure(films, probe)),
            "probes": {
                name: {"macro": plain(macro_figure(each)), "difference": plain(paired_figure(films, each))}
                for name, each in probes.items()
            },
            "absence_prompts": plain(macro_figure(score_by_absence(engine, tested.studies, films))),
            "findings": {
                name: {**plain(figure), "positives": positives}
                for name, (figure, positives) in finding_figures(films, engine.findings).items()
            },
        },
        "subgroups": _subgroups(films, tested.rows),
        "calibration_error": plain(calibration_figure(films)),
        "reliability": [{"probability": round(each.mean, 4), **plain(each.share)} for each in reliability_bins(films)],
        "boxes": _pointing(tested.points),
    }


def _score_probe(
    rows: list[FilmRow], tested: list[FilmRow], films: ScoredFilms, trunks: tuple[str, ...]
) -> ScoredFilms:
    """A ridge on frozen ImageNet features, of one trunk or several together, of the films that were trained on."""
    parts = (
        [row for row in rows if row.split == "train" and row.may_ship],
        [row for row in rows if row.split == "val" and row.may_ship and row.known.all()],
        tested,
    )
    side = build_mini_config(trunks[0]).image.input_px
    pixels = [load_film_array([row.path for row in part], side) for part in parts]
    features = [np.concatenate([_embed_frozen(name, each) for name in trunks], axis=1) for each in pixels]
    logits = fit_probe((features[0], *label_arrays(parts[0])), (features[1], *label_arrays(parts[1])), features[2])
    return replace(films, scores=np.asarray(logits, np.float64))


def _embed_frozen(trunk: str, films: Any) -> Any:
    """Features of films by one trunk as ImageNet left it, seen with ImageNet's own mean and std."""
    from egma.finetune.mini.trunk import load_widening

    model = build_initialized_model(build_mini_config(trunk)).eval()
    load_widening(model)
    return embed_frozen(model, films)


def _subgroups(films: ScoredFilms, rows: list[FilmRow]) -> dict[str, object]:
    """Macro AUROC by sex, age band and view, where a group has findings with at least 10 positives."""
    bands = {
        "women": [row.sex == "F" for row in rows],
        "men": [row.sex == "M" for row in rows],
        "under 50 years": [row.age is not None and row.age < 50 for row in rows],
        "50 years and over": [row.age is not None and row.age >= 50 for row in rows],
        "PA": [row.view == "PA" for row in rows],
        "AP": [row.view == "AP" for row in rows],
    }
    found: dict[str, object] = {}
    for name, belongs in bands.items():
        keep = np.array(belongs)
        part = ScoredFilms(films.present[keep], films.scores[keep], films.patients[keep])
        if part.columns:
            found[name] = {**plain(macro_figure(part)), "findings": len(part.columns)}
    return found


def _pointing(points: Sequence[Pointing]) -> dict[str, object]:
    return {name: plain(figure) for name, figure in pointing_figures(points).items()}
