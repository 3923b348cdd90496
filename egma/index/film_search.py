"""Reports for a film, ranked as the checkpoint's film_search.json says: one way for page, endpoint and figure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from egma.index.film_ranking import CANDIDATES, film_question, patch_support
from egma.index.film_settings import FilmSearchSettings, load_film_settings
from egma.index.filters import Filters
from egma.index.records import Hit

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
    """The k reports nearest to a film, best first.

    `Hit.score` is the cosine of report and film (less the mean film, where the checkpoint's settings take it off), plus
    the weighted fit of sentences to patches where they look at patches; those are the first 100.

    Args:
        settings: how to rank; the checkpoint's own where not given.
    """
    index.check_model(engine.checkpoint)
    chosen = settings or load_film_settings(engine.checkpoint)
    question = film_question(engine.embed_studies([study]).globals[0], chosen.film_mean)
    wanted = max(k, CANDIDATES) if chosen.patch_weight else k
    hits: list[Hit] = list(index.search(question, wanted, filters))  # type: ignore[arg-type]
    if chosen.patch_weight and hits:
        hits = _by_patches(index, engine, study, hits, chosen.patch_weight)
    return hits[:k]


def _by_patches(index: ReportIndex, engine: Engine, study: Study, hits: list[Hit], weight: float) -> list[Hit]:
    """The first hits ordered anew by how well their sentences fit the film's patches, which counts in their score."""
    grid = engine.embed_studies([study]).patches[0]
    patches = grid[engine.geometry(study).seen_patches(grid.shape[:2])]
    sentences = index.sentence_vectors_of([hit.id for hit in hits])
    support = [float(patch_support(patches, rows).mean()) if len(rows := sentences[hit.id]) else 0.0 for hit in hits]
    mixed = [replace(hit, score=hit.score + weight * extra) for hit, extra in zip(hits, support)]
    first = sorted(mixed[:CANDIDATES], key=lambda hit: -hit.score)
    return [*first, *hits[CANDIDATES:]]
