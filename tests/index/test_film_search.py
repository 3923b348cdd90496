"""Reports for a film are ranked as the checkpoint's settings say, and the score says why."""

from __future__ import annotations

import numpy as np
import pytest

from egma.index import ReportIndex
from egma.index.film_ranking import film_question
from egma.index.film_search import search_by_film
from egma.index.film_settings import FilmSearchSettings
from egma.testing import tiny_engine
from egma.types import Study

TEXTS = {
    "A": "The heart is enlarged. No pleural effusion.",
    "B": "There is a lung mass.",
    "C": "The lungs are clear.",
    "D": "",
}


@pytest.fixture(scope="module")
def engine():
    return tiny_engine()


@pytest.fixture(scope="module")
def study() -> Study:
    return Study(np.random.default_rng(3).random((90, 70), dtype=np.float32), None)


@pytest.fixture
def index(tmp_path, engine):
    with ReportIndex.open(tmp_path / "lib") as index:
        index.add_reports(engine, list(TEXTS), [{"text": text} for text in TEXTS.values()])
        yield index


def test_without_settings_the_order_is_that_of_the_cosine(index, engine, study):
    film = engine.embed_studies([study]).globals[0]
    vectors = index.vectors_of(list(TEXTS))
    hits = search_by_film(index, engine, study, 10)
    assert [hit.id for hit in hits] == sorted(vectors, key=lambda name: -float(vectors[name] @ film))
    assert [hit.score for hit in hits] == pytest.approx([float(vectors[hit.id] @ film) for hit in hits], abs=1e-5)


def test_the_mean_film_is_taken_off_where_the_settings_say_so(index, engine, study):
    mean = np.random.default_rng(1).normal(0, 0.1, engine.checkpoint.config.embed_dim).astype(np.float32)
    question = film_question(engine.embed_studies([study]).globals[0], mean)
    hits = search_by_film(index, engine, study, 2, settings=FilmSearchSettings(mean))
    vectors = index.vectors_of([hit.id for hit in hits])
    assert len(hits) == 2
    assert [hit.score for hit in hits] == pytest.approx([float(vectors[hit.id] @ question) for hit in hits], abs=1e-5)


def test_patches_count_in_the_score_and_the_order(index, engine, study):
    found = engine.embed_studies([study])
    seen = engine.geometry(study).seen_patches(found.patches.shape[1:3])
    patches = found.patches[0][seen]
    hits = search_by_film(index, engine, study, 10, settings=FilmSearchSettings(patch_weight=5.0))
    vectors = index.vectors_of([hit.id for hit in hits])
    for hit in hits:
        sentences = engine.embed_texts([each.strip() + "." for each in TEXTS[hit.id].split(".") if each.strip()])
        fit = float((sentences @ patches.T).max(axis=1).mean())
        assert hit.score == pytest.approx(float(vectors[hit.id] @ found.globals[0]) + 5.0 * fit, abs=1e-4)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_a_library_of_another_checkpoint_is_refused(index, study):
    with pytest.raises(Exception, match="reembed"):
        search_by_film(index, tiny_engine(5), study, 3)
