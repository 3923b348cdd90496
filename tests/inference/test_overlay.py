"""Overlay pictures: film, map, colour bar and words in the pixels, for any film and any words."""

from __future__ import annotations

import numpy as np
import pytest

from egma.inference.overlay import blend, draw_overlay
from egma.testing import tiny_engine
from egma.types import Study

ENGINE = tiny_engine()


def film(shape: tuple[int, int] = (200, 160)) -> Study:
    return Study(np.random.default_rng(0).random(shape, dtype=np.float32), None)


@pytest.mark.parametrize("count", [0, 1, 2, 4, 5, 32])
def test_any_number_of_maps_is_drawn(count: int) -> None:
    maps = ENGINE.ground(film(), [f"finding {number}" for number in range(count)]) if count else []
    picture = draw_overlay(film(), maps, checkpoint="tiny 12345678")
    assert picture.dtype == np.uint8
    assert picture.shape[2] == 3
    assert max(picture.shape) < 6000


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1), (3000, 2500)])
def test_any_film_is_drawn(shape: tuple[int, int]) -> None:
    picture = draw_overlay(film(shape), ENGINE.ground(film(shape), ["heart"]))
    assert max(picture.shape) < 1200


@pytest.mark.parametrize(
    "phrase", ["🫁🩻", "$\\frac{1}{0}$ $", "<b>x</b>", "胸水", "مرض", "x" * 300, "long words " * 25, "%s {0}"]
)
def test_any_words_are_drawn_as_they_are(phrase: str) -> None:
    maps = ENGINE.ground(film(), [phrase])
    assert draw_overlay(film(), maps, checkpoint=phrase).shape[2] == 3


def test_phrase_checkpoint_and_notice_are_in_the_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    maps = ENGINE.ground(film(), ["heart"])
    whole = draw_overlay(film(), maps, checkpoint="tiny 12345678")
    assert not np.array_equal(whole, draw_overlay(film(), ENGINE.ground(film(), ["lung"]), checkpoint="tiny 12345678"))
    assert not np.array_equal(whole[-30:], draw_overlay(film(), maps, checkpoint="tiny 87654321")[-30:])
    monkeypatch.setattr("egma.inference.overlay.NOTICE", "")
    assert not np.array_equal(whole[-60:], draw_overlay(film(), maps, checkpoint="tiny 12345678")[-60:])


def test_colour_depends_on_the_cosine_and_the_checkpoints_range_alone() -> None:
    grey = np.full((1, 3), 0.5, np.float32)
    found = blend(grey, np.array([[0.1, 0.5, 0.9]], np.float32), (0.0, 1.0))
    alone = blend(grey, np.array([[0.1, 0.5, 0.5]], np.float32), (0.0, 1.0))
    np.testing.assert_array_equal(found[0, 1], alone[0, 1])
    assert len(set(found[0, 0].tolist())) == 1
    assert len(set(found[0, 2].tolist())) > 1


def test_what_the_model_did_not_see_is_dimmed_and_never_coloured() -> None:
    grey = np.full((1, 2), 0.8, np.float32)
    found = blend(grey, np.array([[np.nan, -1.0]], np.float32), (0.0, 1.0))
    assert len(set(found[0, 0].tolist())) == 1
    assert found[0, 0, 0] < found[0, 1, 0] == 204
