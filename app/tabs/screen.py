"""What the Study tab shows, put together from films, maps and scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gradio.data_classes import FileData

from app.films import OpenFilm
from app.panels import (
    BarData,
    ComparisonData,
    ComparisonRow,
    FilmData,
    FindingsData,
    MatchRow,
    NoticesData,
    PatchData,
    ScoreData,
    SentencesData,
)
from app.services import ModelSlot
from app.viewer import LayerData, ViewerData
from app.views.facts import film_facts, window_note
from app.views.findings import call_of, friendly_name, meaning_of, meaning_of_both
from app.views.layers import MapLayer
from app.views.wording import as_sentence
from egma.calibration import is_calibrated, is_unsure, probability_interval
from egma.display import DRAWN_FROM

if TYPE_CHECKING:
    from egma.inference.engine import Engine
    from egma.types import Study

NOTICE = "Research use only. Not for diagnosis."
LOADING = "The model is loading. Read the film meanwhile; what you ask is answered as soon as it is ready."
_SHOWN_FINDINGS = 5


def film_screen(film: OpenFilm) -> FilmData:
    """The title line of a film."""
    return FilmData(title=film.title, facts=film_facts(film.study, film.source))


def notices_screen(film: OpenFilm) -> NoticesData:
    """The warnings of a film."""
    return NoticesData(sentences=list(film.study.warnings))


def viewer_screen(film: OpenFilm, engine: Engine | None = None, layers: Sequence[MapLayer] = ()) -> ViewerData:
    """A film in the viewer. Layers that come along stay off: `asked_screen` switches them on."""
    picture = film.picture
    low, high = engine.display_range if engine else (0.0, 1.0)
    return ViewerData(
        image=FileData(path=str(picture.path), orig_name="film.png", mime_type="image/png"),
        packed16=True,
        center=picture.center,
        width=picture.width,
        window_note=window_note(film.study),
        spacing_mm=list(picture.spacing_mm) if picture.spacing_mm else None,
        source_hw=list(film.study.shape),
        film_id=film.key,
        title=film.title,
        layers=[layer_screen(layer) for layer in layers],
        low=low,
        high=high,
        drawn_from=engine.drawn_from if engine else DRAWN_FROM,
        checkpoint=checkpoint_label(engine) if engine else "",
        notice=NOTICE,
    )


def asked_screen(film: OpenFilm, engine: Engine, layers: Sequence[MapLayer], **choices: Any) -> ViewerData:
    """A film with maps a reader has just asked for, switched on.

    Args:
        choices: `visible`, `step` and `current` of `ViewerData`.
    """
    shown = viewer_screen(film, engine, layers)
    return shown.model_copy(update={"show": time.time_ns() // 1_000_000, **choices})


def layer_screen(layer: MapLayer) -> LayerData:
    """One map, for the browser."""
    return LayerData(
        id=layer.key,
        phrase=layer.phrase,
        rows=layer.rows,
        cols=layer.columns,
        data=list(layer.values),
        box=list(layer.box),
        peak=list(layer.peak),
    )


def findings_screen(model: ModelSlot, study: Study) -> FindingsData:
    """The probabilities of a film, or why there are none yet."""
    engine = model.ready()
    if engine is None:
        failed = model.state == "failed"
        message = as_sentence(model.failure) if failed else LOADING
        return FindingsData(state="failed" if failed else "loading", message=message)
    rows = [_bar(engine, finding, probability) for finding, probability in engine.classify(study).items()]
    return FindingsData(state="ready", rows=rows, meaning=meaning_of(engine))


def comparison_screen(ours: Engine, theirs: Engine, study: Study) -> ComparisonData:
    """The findings of two models on a film; a finding that only one asks for has one score."""
    first, second = ours.classify(study), theirs.classify(study)
    rows = [
        ComparisonRow(
            name=friendly_name(finding),
            first=_score(ours, finding, first),
            second=_score(theirs, finding, second),
            difference=round(second[finding] - first[finding], 4) if finding in first and finding in second else None,
        )
        for finding in dict.fromkeys((*first, *second))
    ]
    return ComparisonData(
        first=checkpoint_label(ours), second=checkpoint_label(theirs), rows=rows, meaning=meaning_of_both(ours, theirs)
    )


def _score(engine: Engine, finding: str, scores: dict[str, float]) -> ScoreData | None:
    if finding not in scores:
        return None
    config, probability = engine.checkpoint.config.classify[finding], scores[finding]
    return ScoreData(probability=round(probability, 4), call=call_of(config, probability))


def checkpoint_label(engine: Engine) -> str:
    """Name and short hash, as they stand on film and in tables."""
    return f"{engine.checkpoint.name} {engine.checkpoint.hash[:8]}"


def _bar(engine: Engine, finding: str, probability: float) -> BarData:
    config = engine.checkpoint.config.classify[finding]
    interval = probability_interval(config, probability)
    return BarData(
        finding=finding,
        name=friendly_name(finding),
        probability=round(probability, 4),
        threshold=config.threshold,
        unsure=is_unsure(config, probability),
        interval=[round(each, 4) for each in interval] if interval else None,
        calibrated=is_calibrated(config),
        positive=list(config.positive),
        negative=list(config.negative),
    )


def patch_screen(engine: Engine, study: Study, xy_px: tuple[float, float], phrases: list[str]) -> PatchData:
    """What the patch under a point matches."""
    match = engine.match_patch(study, xy_px, phrases)
    if match is None:
        return PatchData(where="The model saw nothing there.")
    findings = sorted(match.finding_scores, key=lambda pair: -pair[1])[:_SHOWN_FINDINGS]
    return PatchData(
        where=f"Patch in row {match.row + 1}, column {match.column + 1} of the model's grid",
        phrases=[MatchRow(name=phrase, score=round(score, 4)) for phrase, score in match.phrase_scores],
        findings=[MatchRow(name=friendly_name(finding), score=round(score, 4)) for finding, score in findings],
    )


def sentences_screen(sentences: Sequence[str], current: int) -> SentencesData:
    """A report's sentences, one of them on the film."""
    return SentencesData(sentences=list(sentences), current=current)
