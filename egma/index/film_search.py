"""Reports for a film, ranked as the checkpoint's film_search.json says: one way for page, endpoint and figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from egma.index.film_ranking import CANDIDATES, film_question, order_anew, patch_support
from egma.index.film_settings import FilmSearchSettings, load_film_settings
from egma.index.filters import Filters
from egma.index.records import Hit
from egma.index.sections import split_report

if TYPE_CHECKING:
    from egma.index.store import ReportIndex
    from egma.inference.engine import Engine
    from egma.types import Study


def search_by_film(
    index: ReportIndex,
    engine: Engine,
    study: Study,
    k: int = 10,
    filters: Filters | None = None,
    settings: FilmSearchSettings | None = None,
) -> list[Hit]:
    """The k reports nearest to a film, best first; `Hit.score` is the cosine with what sets the film apart.

    Args:
        settings: how to rank; the checkpoint's own where not given.
    """
    index.check_model(engine.checkpoint)
    chosen = settings or load_film_settings(engine.checkpoint)
    question = film_question(engine.embed_studies([study]).globals[0], chosen.film_mean)
    wanted = max(k, CANDIDATES) if chosen.patch_weight else k
    hits: list[Hit] = list(index.search(question, wanted, filters))  # type: ignore[arg-type]
    if chosen.patch_weight and hits:
        hits = _by_patches(engine, study, hits, chosen.patch_weight)
    return hits[:k]


def _by_patches(engine: Engine, study: Study, hits: list[Hit], weight: float) -> list[Hit]:
    """The first hits ordered anew by how well their sentences fit the film's patches."""
    grid = engine.embed_studies([study]).patches[0]
    patches = grid[engine.geometry(study).seen_patches(grid.shape[:2])]
    support = np.zeros(len(hits), np.float32)
    for place, hit in enumerate(hits):
        sentences = list(dict.fromkeys(sentence.text for sentence in split_report(hit.text)))
        if sentences:
            support[place] = patch_support(patches, engine.embed_texts(sentences)).mean()
    scores = np.array([hit.score for hit in hits], np.float32)
    return [hits[place] for place in np.argsort(-order_anew(scores, support, weight), kind="stable")]
