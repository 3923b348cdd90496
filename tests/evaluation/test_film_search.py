"""Search by film is measured as it is done: relevance by shared findings, chance exact, choices made on validation."""

from __future__ import annotations

import argparse
import json

import numpy as np
import pytest

from egma.data.openi import OpeniReport
from egma.errors import DataError, SettingsError
from egma.evaluation.film_search import (
    EmbeddedFilms,
    EmbeddedReports,
    Ranking,
    choose_ranking,
    embed_reports,
    figures_of,
    judge,
    score_reports,
)
from egma.evaluation.tasks import film_search
from egma.findings import FINDINGS
from egma.index.film_ranking import film_question, order_anew, patch_support, report_vectors
from egma.index.film_settings import FILE_NAME, load_film_settings
from egma.testing import tiny_engine

EFFUSION, MASS, NORMAL = (FINDINGS.index(name) for name in ("Effusion", "Mass", "No Finding"))


def flags(*columns: int) -> np.ndarray:
    row = np.zeros(len(FINDINGS), bool)
    row[list(columns)] = True
    return row


def report(uid: str, findings: str, mesh: tuple[str, ...] = ()) -> OpeniReport:
    return OpeniReport(uid, findings, "", "", "", mesh)


def some_films(vectors, present, support=None) -> EmbeddedFilms:
    vectors = np.asarray(vectors, np.float32)
    count = len(vectors)
    return EmbeddedFilms(
        vectors,
        np.zeros((count, 3), np.float32) if support is None else np.asarray(support, np.float32),
        np.stack(present),
        np.array([f"patient {number}" for number in range(count)]),
    )


def test_a_report_is_the_mean_of_its_sentences_at_length_one():
    sentences = np.array([[1, 0], [0, 1]], np.float32)
    found = report_vectors(sentences, [(0,), (0, 1)])
    np.testing.assert_allclose(found, [[1, 0], [0.5**0.5, 0.5**0.5]], atol=1e-6)


def test_what_all_films_share_is_taken_off_the_question():
    films = np.array([[0.8, 0.6], [0.8, -0.6]], np.float32)
    np.testing.assert_allclose(film_question(films, films.mean(axis=0)), [[0, 1], [0, -1]], atol=1e-6)
    np.testing.assert_array_equal(film_question(films, None), films)


def test_the_mean_film_itself_asks_nothing_and_stays_finite():
    film = np.array([0.6, 0.8], np.float32)
    assert np.isfinite(film_question(film, film)).all()


def test_only_the_first_candidates_change_places():
    scores = np.array([0.9, 0.8, 0.1], np.float32)
    support = np.array([0.0, 1.0, 9.0], np.float32)
    mixed = order_anew(scores, support, 0.5, candidates=2)
    assert np.argsort(-mixed).tolist() == [1, 0, 2]
    np.testing.assert_array_equal(order_anew(scores, support, 0.0), scores)


def test_a_sentence_is_supported_by_its_best_patch():
    patches = np.array([[1, 0], [0, 1]], np.float32)
    sentences = np.array([[0.6, 0.8], [1, 0]], np.float32)
    np.testing.assert_allclose(patch_support(patches, sentences), [0.8, 1.0])


def test_a_report_that_names_a_finding_is_not_one_of_a_normal_film():
    reports = embed_reports(
        tiny_engine(),
        [
            report("CXR1", "The lungs are clear. There is a left pleural effusion.", ("Pleural Effusion/left",)),
            report("CXR2", "The lungs are clear.", ("normal",)),
            report("CXR3", ""),
        ],
    )
    assert len(reports.owners) == 2  # without a sentence nothing can be compared
    assert reports.named[:, [NORMAL, EFFUSION]].tolist() == [[False, True], [True, False]]
    assert reports.indexed[:, [NORMAL, EFFUSION]].tolist() == [[False, True], [True, False]]
    assert len(reports.sentences) == 2  # "The lungs are clear." stands once


def test_precision_and_chance_of_a_worked_example():
    films = some_films([[1, 0], [0, 1]], [flags(EFFUSION), flags(MASS)])
    named = np.stack([flags(EFFUSION), flags(MASS), flags(NORMAL)])
    scores = np.array([[3, 2, 1], [3, 2, 1]], np.float32)  # the effusion first, for both
    precision = judge(films, scores, named)
    everyone = np.arange(2)
    assert precision.at(1)(everyone) == pytest.approx(0.5)
    assert precision.at(2)(everyone) == pytest.approx(0.5)
    assert precision.chance == pytest.approx(1 / 3)
    assert precision.columns == []  # two films are too few for a figure by finding
    assert figures_of(precision)["p_at"]["1"]["n"] == 2


def test_every_finding_counts_alike_in_the_mean_over_findings():
    present = [flags(EFFUSION)] * 30 + [flags(MASS)] * 10
    films = some_films(np.eye(2, dtype=np.float32)[[0] * 30 + [1] * 10], present, np.zeros((40, 3)))
    named = np.stack([flags(EFFUSION), flags(NORMAL), flags(NORMAL)])
    scores = np.tile(np.array([3, 2, 1], np.float32), (40, 1))
    precision = judge(films, scores, named)
    assert precision.at(1)(np.arange(40)) == pytest.approx(0.75)
    assert precision.by_finding_at(1)(np.arange(40)) == pytest.approx(0.5)
    assert precision.chance_by_finding == pytest.approx((1 / 3 + 0) / 2)


def test_patches_are_looked_at_only_where_they_help_for_sure():
    rng = np.random.default_rng(0)
    named = np.stack([flags(EFFUSION if place % 2 else MASS) for place in range(40)])
    vectors = rng.normal(size=(40, 8)).astype(np.float32)
    reports = EmbeddedReports(vectors, tuple((place,) for place in range(40)), named, named)
    present = [flags(EFFUSION if place % 2 else MASS) for place in range(30)]
    truth = (np.stack(present).astype(int) @ named.T.astype(int)) > 0
    films = some_films(rng.normal(size=(30, 8)), present, truth * 5)
    ranking, tried = choose_ranking(films, reports, films.vectors.mean(axis=0))
    assert ranking.patch_weight > 0
    useless = some_films(films.vectors, present, rng.normal(size=(30, 40)) * 1e-3)
    assert choose_ranking(useless, reports, films.vectors.mean(axis=0))[0].patch_weight == 0
    assert tried[0]["by"] == "film as it is"
    scores = score_reports(films, reports.vectors, ranking, films.vectors.mean(axis=0))
    assert judge(films, scores, named).at(10)(np.arange(30)) == pytest.approx(1.0)
    assert Ranking() == Ranking(False, 0.0)


def test_the_command_wants_films_and_one_checkpoint():
    parser = argparse.ArgumentParser()
    film_search.add_arguments(parser)
    asked = parser.parse_args(["--dry"])
    asked.checkpoint, asked.data, asked.device = "a,b", None, "cpu"
    with pytest.raises(SettingsError, match="one checkpoint"):
        film_search.run(asked)
    asked.checkpoint = "egma-mini"
    with pytest.raises(DataError, match="manifest"):
        film_search.run(asked)


@pytest.fixture
def kept(tmp_path):
    """A saved tiny checkpoint, and a way to write its film_search.json."""
    from egma.checkpoints import load_checkpoint, save_checkpoint
    from egma.testing.models import build_tiny_model

    model = build_tiny_model()
    save_checkpoint(model, model.config, tmp_path / "tiny", "# Tiny")
    checkpoint = load_checkpoint(tmp_path / "tiny")
    figures = {"p_at": {"10": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}}, "chance": 0.2}
    values = {
        "checkpoint": checkpoint.hash,
        "weights_sha256": checkpoint.config.weights_sha256,
        "centred": True,
        "patch_weight": 0.25,
        "film_mean": [0.0] * model.config.embed_dim,
        "library": {"reports": 7},
        "test": {"films": 9, "by_text": figures},
    }
    return checkpoint, values


def write(checkpoint, values) -> None:
    (checkpoint.folder / FILE_NAME).write_text(values if isinstance(values, str) else json.dumps(values))


def test_the_measured_settings_are_read_beside_the_weights(kept):
    checkpoint, values = kept
    write(checkpoint, values)
    settings = load_film_settings(checkpoint)
    assert settings.measured is not None
    assert settings.measured.p_at == {10: (0.5, 0.4, 0.6)}
    assert (settings.measured.films, settings.measured.reports, settings.measured.chance) == (9, 7, 0.2)
    assert settings.patch_weight == 0.25
    assert settings.film_mean.shape == (checkpoint.config.embed_dim,)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"weights_sha256": "of other weights"}, id="other weights"),
        pytest.param({"film_mean": [0.0]}, id="another width"),
        pytest.param({"patch_weight": float("nan")}, id="not a number"),
        pytest.param({"test": {}}, id="no figures"),
        pytest.param("{", id="half a file"),
        pytest.param(None, id="absent"),
    ],
)
def test_settings_that_do_not_fit_are_as_good_as_absent(kept, change):
    checkpoint, values = kept
    if change is not None:
        write(checkpoint, change if isinstance(change, str) else {**values, **change})
    settings = load_film_settings(checkpoint)
    assert (settings.film_mean, settings.patch_weight, settings.measured) == (None, 0.0, None)
