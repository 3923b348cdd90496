"""Cases that went wrong, for the card and for a gallery: chosen by a rule, not by eye."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from egma.data.manifest import FilmRow
from egma.errors import SettingsError
from egma.evaluation.films import ScoredFilms
from egma.evaluation.grounding import BoxedFinding, Pointing, box_mask
from egma.evaluation.pictures import MOST_CASES, Case, draw_cases
from egma.inference.engine import Engine
from egma.testing.phantoms import Phantom
from egma.types import Study

_REPOSITORY = Path(__file__).resolve().parents[2]
_EACH = 3
"""Films of each finding that a gallery shows on either side: the likeliest without it, the unlikeliest with it."""


def failed_phantoms(engine: Engine, phantoms: Sequence[Phantom], points: Sequence[Pointing]) -> list[Case]:
    """The first lesions that were missed, one of each finding, on their phantoms."""
    asked = [
        (phantom, finding, sentence)
        for phantom in phantoms
        for finding, sentence in zip(phantom.findings, phantom.sentences)
    ]
    missed: dict[str, Case] = {}
    for (phantom, finding, sentence), point in zip(asked, points):
        if not point.hit and finding not in missed and len(missed) < MOST_CASES:
            missed[finding] = _case(engine, phantom.study, sentence, phantom.masks[finding], sentence, shown=True)
    return list(missed.values())


def failed_films(
    engine: Engine,
    studies: Sequence[Study],
    rows: Sequence[FilmRow],
    boxed: Sequence[BoxedFinding],
    points: Sequence[Pointing],
) -> list[Case]:
    """The boxed findings that were missed by most: maps and boxes alone, without a pixel of the films."""
    by_name = {row.path.name: study for row, study in zip(rows, studies)}
    order = sorted(
        (place for place, point in enumerate(points) if not point.hit), key=lambda place: (points[place].gap, place)
    )
    cases = []
    for place in order[:MOST_CASES]:
        each = boxed[place]
        phrase, study = engine.prompts(each.finding).positive[0], by_name[each.image]
        title = f"{phrase}\nmean inside minus outside {points[place].gap:+.3f}"
        cases.append(_case(engine, study, phrase, box_mask(each, study.shape), title, shown=False))
    return cases


def write_gallery(
    engine: Engine,
    studies: Sequence[Study],
    films: ScoredFilms,
    boxed: Sequence[tuple[BoxedFinding, Study, Pointing]],
    folder: Path,
) -> int:
    """Pictures of test films, with their pixels, for your eyes: wrong answers and every boxed finding.

    Args:
        engine, studies, films: the model, the films and their scores.
        boxed: boxed findings with their film and what the model did.
        folder: outside the project, so that no film is ever committed with it.

    Returns:
        How many pictures were written.
    """
    target = folder.expanduser().resolve()
    if target.is_relative_to(_REPOSITORY):
        raise SettingsError("--gallery writes pictures of patients' films: choose a folder outside the project")
    try:
        target.mkdir(parents=True, exist_ok=True)
        count = 0
        for name, case in _gallery(engine, studies, films, boxed):
            (target / f"{name}.png").write_bytes(draw_cases([case]))
            count += 1
    except OSError as error:
        raise SettingsError(f"--gallery: {folder.name[:60]!r} cannot be written ({error.strerror})") from None
    return count


def _gallery(
    engine: Engine,
    studies: Sequence[Study],
    films: ScoredFilms,
    boxed: Sequence[tuple[BoxedFinding, Study, Pointing]],
) -> list[tuple[str, Case]]:
    found: list[tuple[str, Case]] = []
    for column, finding in enumerate(engine.findings):
        phrase, scores, present = engine.prompts(finding).positive[0], films.scores[:, column], films.present[:, column]
        order = np.argsort(-scores, kind="stable")
        wrong = [(place, "without it") for place in order if not present[place]][:_EACH]
        wrong += [(place, "with it") for place in order[::-1] if present[place]][:_EACH]
        for rank, (place, kind) in enumerate(wrong):
            study = studies[place]
            title = f"{finding}: {scores[place]:.3f}, a film {kind}"
            nowhere = np.zeros(study.shape, bool)
            found.append((f"answer-{_slug(finding)}-{rank}", _case(engine, study, phrase, nowhere, title, shown=True)))
    for place, (each, study, point) in enumerate(boxed):
        phrase = engine.prompts(each.finding).positive[0]
        title = f"{phrase} {'hit' if point.hit else 'missed'}"
        case = _case(engine, study, phrase, box_mask(each, study.shape), title, shown=True)
        found.append((f"box-{place:02d}-{'hit' if point.hit else 'missed'}", case))
    return found


def _case(engine: Engine, study: Study, phrase: str, inside: np.ndarray, title: str, *, shown: bool) -> Case:
    (found,) = engine.ground(study, [phrase])
    return Case(
        title=title,
        cosine=found.cosine,
        peak_xy_px=found.peak_xy_px,
        display_range=engine.display_range,
        inside=inside,
        pixels=study.pixels if shown else None,
    )


def _slug(name: str) -> str:
    return name.lower().replace(" ", "-")
