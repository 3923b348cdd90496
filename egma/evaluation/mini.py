"""Measures egma-mini on the test split: `python -m egma.evaluation.mini --data FOLDER`.

Reads the checkpoint as any user does (`egma.load_engine`), asks it in words, and writes figures.json and card.md into
its folder. Every number of the card comes from here. The linear probe it is held against is trained in the same run.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from egma.data.films import load_film_array
from egma.data.manifest import FilmRow, label_arrays, load_manifest
from egma.errors import DataError, EgmaError
from egma.evaluation.card import write_card
from egma.evaluation.films import (
    ScoredFilms,
    calibration_error,
    finding_figures,
    macro_figure,
    paired_figure,
    score_by_absence,
    score_films,
)
from egma.evaluation.grounding import load_boxes, point_at_boxes, point_at_phantoms, pointing_figures
from egma.evaluation.intervals import Figure
from egma.evaluation.probe import embed_frozen, fit_probe
from egma.evaluation.wording import negation_figure
from egma.imaging.load import load_study
from egma.inference.engine import Engine, load_engine
from egma.model.build import build_initialized_model
from egma.model.presets import build_mini_config
from egma.testing.phantoms import build_phantoms

FIGURES_NAME = "figures.json"
PHANTOM_SEED = 9173
"""Fresh phantoms: trainings use seeds 1 and 2."""


def build_parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    parser = argparse.ArgumentParser(
        prog="python -m egma.evaluation.mini", description="Measure a checkpoint and write its card."
    )
    parser.add_argument("--checkpoint", default="egma-mini", help="a name under checkpoints/, or a folder")
    parser.add_argument("--data", type=Path, help="folder with cxr/manifest.csv; without it only phantoms are measured")
    parser.add_argument("--phantoms", type=int, default=500)
    parser.add_argument("--phantom-px", type=int, default=320)
    parser.add_argument("--remark", action="append", default=[], help="a sentence about this measurement, for the card")
    parser.add_argument("--dry", action="store_true", help="print the figures, write nothing")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, write, print. Exit status 2 is the caller's mistake."""
    parsed = build_parser().parse_args(arguments)
    try:
        engine = load_engine(parsed.checkpoint)
        figures = measure(engine, parsed.data, parsed.phantoms, parsed.phantom_px)
        if parsed.remark:
            figures["remarks"] = parsed.remark
        text = json.dumps(figures, indent=1, allow_nan=False) + "\n"
        if not parsed.dry and engine.checkpoint.folder is not None:
            (engine.checkpoint.folder / FIGURES_NAME).write_text(text, encoding="utf-8")
            card = write_card(engine.checkpoint, figures)
            (engine.checkpoint.folder / "card.md").write_text(card, encoding="utf-8")
    except EgmaError as error:
        print(f"egma: {error}", file=sys.stderr)
        return 2
    print(text, end="")
    return 0


def measure(engine: Engine, data: Path | None, phantoms: int, phantom_px: int) -> dict[str, object]:
    """All figures as plain values: numbers, or {"value", "low", "high", "n"}."""
    figures: dict[str, object] = {
        "checkpoint": engine.checkpoint.name,
        "hash": engine.checkpoint.hash,
        "negation": _plain(negation_figure(engine)),
    }
    if data is not None:
        figures |= _measure_films(engine, data)
    drawn = build_phantoms(phantoms, PHANTOM_SEED, (phantom_px, phantom_px))
    figures["phantoms"] = {"count": phantoms, **_pointing(point_at_phantoms(engine, drawn))}
    return figures


def _measure_films(engine: Engine, data: Path) -> dict[str, object]:
    rows = load_manifest(data)
    tested = [row for row in rows if row.split == "test" and row.known.all()]
    if not tested:
        raise DataError("the manifest has no test film whose findings are all labelled")
    studies = [load_study(row.path) for row in tested]
    films = score_films(engine, studies, tested)
    probe = _score_probe(rows, tested, films)
    by_name = {row.path.name: study for row, study in zip(tested, studies)}
    boxed = load_boxes(data / "cxr" / "boxes.csv")
    return {
        "films": {"test": len(tested), "patients": len(set(films.patients))},
        "auroc": {
            "macro": _plain(macro_figure(films)),
            "probe": _plain(macro_figure(probe)),
            "difference": _plain(paired_figure(films, probe)),
            "absence_prompts": _plain(macro_figure(score_by_absence(engine, studies, films))),
            "findings": {
                name: {**_plain(figure), "positives": positives}
                for name, (figure, positives) in finding_figures(films, engine.findings).items()
            },
        },
        "subgroups": _subgroups(films, tested),
        "calibration_error": round(calibration_error(films), 4),
        "boxes": _pointing(point_at_boxes(engine, by_name, boxed)),
    }


def _score_probe(rows: list[FilmRow], tested: list[FilmRow], films: ScoredFilms) -> ScoredFilms:
    """A ridge on frozen ImageNet features of the films that the checkpoint was trained on."""
    from egma.finetune.mini.trunk import load_widening

    config = build_mini_config()  # with ImageNet's own mean and std
    model = build_initialized_model(config).eval()
    load_widening(model)
    train = [row for row in rows if row.split == "train" and row.may_ship]
    validation = [row for row in rows if row.split == "val" and row.may_ship and row.known.all()]
    features = [
        embed_frozen(model, load_film_array([row.path for row in part], config.image.input_px))
        for part in (train, validation, tested)
    ]
    logits = fit_probe((features[0], *label_arrays(train)), (features[1], *label_arrays(validation)), features[2])
    return replace(films, scores=np.asarray(logits, np.float64))


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
            found[name] = {**_plain(macro_figure(part)), "findings": len(part.columns)}
    return found


def _pointing(points: Sequence[object]) -> dict[str, object]:
    return {name: _plain(figure) for name, figure in pointing_figures(points).items()}  # type: ignore[arg-type]


def _plain(figure: Figure) -> dict[str, float | int | None]:
    values = asdict(figure)
    return {
        name: None if isinstance(value, float) and not np.isfinite(value) else round(value, 4)
        for name, value in values.items()
    }


if __name__ == "__main__":
    sys.exit(main())
