"""The engine: typed answers, batch equals single, a bounded memory, any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from egma.errors import FilmError, PromptError
from egma.findings import FINDINGS
from egma.inference.engine import Engine
from egma.testing import tiny_engine
from egma.testing.models import build_tiny_model
from egma.types import Study


def film(seed: int = 0, shape: tuple[int, int] = (150, 120)) -> Study:
    return Study(np.random.default_rng(seed).random(shape, dtype=np.float32), None)


def count_runs(engine: Engine, tower: str) -> list[Any]:
    """A list that grows by one whenever the tower runs."""
    runs: list[Any] = []
    engine._model.get_submodule(tower).register_forward_hook(lambda *call: runs.append(call[0]))
    return runs


@pytest.fixture
def engine() -> Engine:
    return tiny_engine()


def test_embeddings_are_unit_float32_arrays(engine: Engine) -> None:
    images = engine.embed_studies([film(0), film(1)])
    texts = engine.embed_texts(["Left pleural effusion.", "No pneumothorax."])
    assert images.globals.shape == (2, 32)
    assert images.patches.shape == (2, 16, 16, 32)
    assert texts.shape == (2, 32)
    for vectors in (images.globals, images.patches, texts):
        assert isinstance(vectors, np.ndarray)
        assert vectors.dtype == np.float32
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1.0, atol=1e-5)


def test_batch_and_single_agree() -> None:
    films = [film(seed, (90 + 30 * seed, 120)) for seed in range(11)]
    texts = ["a", "left pleural effusion", "no effusion", "heart", "a large right apical pneumothorax is seen"] * 3
    together = tiny_engine().embed_studies(films)
    for place, each in enumerate(films):
        alone = tiny_engine().embed_studies([each])
        np.testing.assert_allclose(together.globals[place], alone.globals[0], atol=1e-5)
        np.testing.assert_allclose(together.patches[place], alone.patches[0], atol=1e-5)
    batch = tiny_engine().embed_texts(texts)
    for place, text in enumerate(texts):
        np.testing.assert_allclose(batch[place], tiny_engine().embed_texts([text])[0], atol=1e-5)


def test_permuting_the_films_permutes_the_answers(engine: Engine) -> None:
    films = [film(seed) for seed in range(4)]
    straight = engine.embed_studies(films).globals
    np.testing.assert_allclose(tiny_engine().embed_studies(films[::-1]).globals, straight[::-1], atol=1e-6)


def test_no_films_and_no_texts_give_empty_arrays(engine: Engine) -> None:
    assert engine.embed_studies([]).globals.shape == (0, 32)
    assert engine.embed_texts([]).shape == (0, 32)


def test_a_second_question_on_a_film_runs_the_text_tower_alone(engine: Engine) -> None:
    images, texts = count_runs(engine, "image"), count_runs(engine, "text")
    engine.ground(film(), ["left effusion"])
    engine.ground(film(), ["right effusion"])
    assert (len(images), len(texts)) == (1, 2)
    engine.ground(film(), ["left effusion", "right effusion"])
    engine.match_patch(film(), (60.0, 75.0), ["left effusion"])
    assert len(images) == 1
    engine.classify(film())
    once = len(texts)
    engine.classify(film())
    assert (len(images), len(texts)) == (1, once)


def test_identical_requests_at_once_run_the_tower_once(engine: Engine) -> None:
    images = count_runs(engine, "image")
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: engine.embed_studies([film()]).globals, range(8)))
    assert len(images) == 1
    assert all(np.array_equal(each, found[0]) for each in found)


def test_many_threads_get_what_one_thread_gets(engine: Engine) -> None:
    films = [film(seed) for seed in range(6)]

    def ask(place: int) -> tuple[np.ndarray, dict[str, float]]:
        study = films[place % 6]
        return engine.ground(study, [f"finding {place % 6}"])[0].grid, engine.classify(study)

    alone = [ask(place) for place in range(6)]
    fresh = tiny_engine()

    def ask_fresh(place: int) -> tuple[np.ndarray, dict[str, float]]:
        study = films[place % 6]
        return fresh.ground(study, [f"finding {place % 6}"])[0].grid, fresh.classify(study)

    with ThreadPoolExecutor(8) as pool:
        for place, (grid, scores) in enumerate(pool.map(ask_fresh, range(48))):
            np.testing.assert_allclose(grid, alone[place % 6][0], atol=1e-6)
            assert scores == pytest.approx(alone[place % 6][1], abs=1e-6)


def test_the_memory_of_films_is_bounded() -> None:
    one_film = (32 + 16 * 16 * 32) * 4
    model = build_tiny_model()
    engine = Engine(tiny_engine().checkpoint, model, image_cache_bytes=2 * one_film + 10)
    images = count_runs(engine, "image")
    for seed in (0, 1, 2, 2, 1, 0):
        engine.embed_studies([film(seed)])
        assert engine.cache_status["films"].bytes <= 2 * one_film + 10
    assert len(images) == 4
    assert engine.cache_status["films"].entries == 2


def test_a_reader_cannot_change_what_is_remembered(engine: Engine) -> None:
    before = engine.embed_studies([film()])
    before.globals[:] = 0.0
    before.patches[:] = 0.0
    np.testing.assert_allclose(np.linalg.norm(engine.embed_studies([film()]).globals, axis=1), 1.0, atol=1e-5)


def test_a_map_is_the_cosine_of_patches_and_phrase_as_it_is(engine: Engine) -> None:
    study, phrases = film(), ["left pleural effusion", "cardiomegaly"]
    maps = engine.ground(study, phrases)
    wanted = np.einsum("hwd,td->thw", engine.embed_studies([study]).patches[0], engine.embed_texts(phrases))
    assert [found.phrase for found in maps] == phrases
    for found, grid in zip(maps, wanted):
        np.testing.assert_allclose(found.grid, grid, atol=1e-6)
        assert found.grid.dtype == found.cosine.dtype == np.float32
        assert found.cosine.shape == study.shape
        assert found.display_range == engine.display_range
        assert np.isfinite(found.cosine).all()
        x_px, y_px = found.peak_xy_px
        assert 0 <= x_px <= study.shape[1]
        assert 0 <= y_px <= study.shape[0]


def test_a_map_is_nan_only_where_the_model_saw_nothing() -> None:
    from dataclasses import replace

    base = tiny_engine()
    config = base.checkpoint.config
    cropped = replace(base.checkpoint, config=replace(config, image=replace(config.image, mode="crop")))
    engine = Engine(cropped, build_tiny_model())
    (found,) = engine.ground(film(0, (100, 300)), ["effusion"])
    assert np.isnan(found.cosine[:, :99]).all()
    assert np.isnan(found.cosine[:, 201:]).all()
    assert np.isfinite(found.cosine[:, 101:199]).all()
    assert engine.match_patch(film(0, (100, 300)), (5.0, 50.0)) is None


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (3000, 2), (64, 64)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_constant_film_of_any_shape_stays_finite(engine: Engine, shape: tuple[int, int], value: float) -> None:
    study = Study(np.full(shape, value, np.float32), None)
    (found,) = engine.ground(study, ["effusion"])
    assert np.isfinite(found.grid).all()
    assert found.cosine.shape == shape
    assert all(0.0 <= score <= 1.0 for score in engine.classify(study).values())


def test_a_film_of_nan_is_refused_in_words(engine: Engine) -> None:
    with pytest.raises(FilmError, match="pixels that are not numbers"):
        engine.classify(Study(np.full((10, 10), np.nan, np.float32), None))


def test_classify_scores_the_fifteen_findings_between_0_and_1(engine: Engine) -> None:
    scores = engine.classify(film())
    assert tuple(scores) == engine.findings == FINDINGS
    assert all(type(score) is float and 0.0 <= score <= 1.0 for score in scores.values())


def test_the_prompts_behind_a_finding_are_given(engine: Engine) -> None:
    pair = engine.prompts("Effusion")
    assert "There is a pleural effusion." in pair.positive
    assert "No pleural effusion." in pair.negative
    with pytest.raises(PromptError, match="'Flu' is no finding of tiny: No Finding, "):
        engine.prompts("Flu")


def test_a_patch_tells_what_it_resembles(engine: Engine) -> None:
    study = film(0, (128, 128))
    match = engine.match_patch(study, (20.0, 100.0), ["effusion", "heart"])
    assert match is not None
    assert (match.row, match.column) == (12, 2)
    maps = engine.ground(study, ["effusion", "heart"])
    wanted = [(found.phrase, pytest.approx(float(found.grid[12, 2]), abs=1e-6)) for found in maps]
    assert list(match.phrase_scores) == wanted
    assert {name for name, _ in match.finding_scores} == set(FINDINGS)
    scores = [score for _, score in match.finding_scores]
    assert scores == sorted(scores, reverse=True)


def test_equal_films_share_one_memory_whatever_object_they_are(engine: Engine) -> None:
    images = count_runs(engine, "image")
    engine.embed_studies([film(), film(), Study(film().pixels.copy(), (0.1, 0.1))])
    assert len(images) == 1


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda engine: engine.ground(film(), [""]), "a phrase is empty"),
        (lambda engine: engine.ground(film(), []), "nothing to ask"),
        (lambda engine: engine.ground(film(), ["x" * 100_000]), "100,000 characters"),
        (lambda engine: engine.embed_texts(["x" * 100_000]), "100,000 characters"),
        (lambda engine: engine.embed_texts("effusion"), "put it in a list"),
        (lambda engine: engine.embed_texts([None]), "wanted a text, got NoneType"),
    ],
)
def test_words_that_cannot_be_asked_are_one_sentence(
    engine: Engine, ask: Callable[[Engine], object], words: str
) -> None:
    with pytest.raises(PromptError, match=words):
        ask(engine)


def test_one_film_instead_of_a_list_is_said(engine: Engine) -> None:
    with pytest.raises(FilmError, match="put it in a list"):
        engine.embed_studies(film())  # type: ignore[arg-type]


@pytest.mark.parametrize("phrase", ["🫁", "<b>effusion</b>", "$\\alpha$ {x}", "胸水", "%s %d {0}"])
def test_any_words_can_be_asked_and_come_back_as_they_were(engine: Engine, phrase: str) -> None:
    (found,) = engine.ground(film(), [phrase])
    assert found.phrase == phrase
    assert np.isfinite(found.grid).all()


def test_equal_seeds_build_equal_engines_and_leave_torchs_random_state_alone() -> None:
    import torch

    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    first = tiny_engine(seed=7)
    assert torch.equal(torch.rand(3), wanted)
    assert first.checkpoint.hash == tiny_engine(seed=7).checkpoint.hash != tiny_engine(seed=8).checkpoint.hash
    assert first.checkpoint.name == "tiny"


def test_warming_up_keeps_the_memory_of_films_empty(engine: Engine) -> None:
    engine.warm_up()
    assert engine.cache_status["films"].entries == 0
    texts = count_runs(engine, "text")
    engine.classify(film())
    assert not texts
