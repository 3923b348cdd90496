"""The Evaluate tab's model cards: any checkpoint's card on show, written again by a job, others' cards left alone."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app.pictures import CardPictures
from app.services import Services
from app.tabs.about_handlers import AboutHandlers
from app.tabs.evaluate_card_handlers import FROM_RESULTS, MEASURE, CardHandlers, CardsView
from egma.catalogue import read_entry
from egma.checkpoints import CheckpointInfo, load_checkpoint, save_checkpoint
from egma.jobs import list_jobs
from egma.testing.models import build_tiny_model
from tests.app.conftest import send
from tests.evaluation.test_card_words import write_result
from tests.jobs.conftest import wait_for_state

CARD = "# Theirs\n\nLicence: theirs\n\n<script>alert(1)</script> ![out](http://elsewhere/a.png)\n"


@pytest.fixture
def handlers(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[CardHandlers]:
    """A checkpoint in the reader's folder and one elsewhere; what they start ends with the test."""
    model = build_tiny_model()
    places = {"mine": tmp_path / "checkpoints" / "mine", "shipped": tmp_path / "elsewhere" / "shipped"}
    for folder in places.values():
        save_checkpoint(model, model.config, folder, CARD)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    entries = [CheckpointInfo(name, folder) for name, folder in places.items()]
    monkeypatch.setattr(services.models, "list_entries", lambda: [read_entry(each) for each in entries])
    found = CardHandlers(services, AboutHandlers(services, CardPictures(services.folder.views)))
    yield found
    for job in list_jobs(found.room.root):
        if job.mark is not None:
            job.mark.send(signal.SIGKILL)


def evaluated(handlers: CardHandlers, name: str) -> None:
    """An evaluation of a checkpoint that the page keeps."""
    digest = load_checkpoint(handlers.services.models.entry(name).folder).hash
    write_result(handlers.room.root, "20261124-100000-aaaaaa", digest)


def test_any_checkpoint_of_the_list_shows_its_card_as_text(handlers: CardHandlers) -> None:
    view = CardsView(*handlers.choose(send(name="shipped"))[1:])
    assert view.shown == "shipped" and [row.name for row in view.rows.rows] == ["mine", "shipped"]
    assert view.card.licence == "theirs" and r"\<script>" in view.words and "elsewhere" not in view.words
    assert handlers.look("shipped", view.stamp)[0] == gr.skip()


def test_a_card_is_written_again_from_evaluations_by_a_job(handlers: CardHandlers) -> None:
    evaluated(handlers, "mine")
    before = CardsView(*handlers.look("mine", ""))
    said = handlers.write("mine", FROM_RESULTS, "")
    assert said.kind == "wait", said.text
    job = list_jobs(handlers.room.root)[0]
    wait_for_state(job, "finished")
    after = CardsView(*handlers.look("mine", before.stamp))
    assert after.run.state == "finished" and after.run.title == "Model card, mine"
    assert "zeroshot on labels" in after.words and "Licence: theirs" in after.words
    assert after.card.figures[0].text == "0.712 [0.650, 0.770]"


def test_a_card_outside_the_readers_folder_stays_and_the_new_one_is_shown(handlers: CardHandlers) -> None:
    evaluated(handlers, "shipped")
    folder = handlers.services.models.entry("shipped").folder
    kept = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert "its own card stays as it is" in handlers.write("shipped", FROM_RESULTS, "").text
    wait_for_state(list_jobs(handlers.room.root)[0], "finished")
    view = CardsView(*handlers.look("shipped", ""))
    assert "Written by the run of" in view.words and "zeroshot on labels" in view.words
    assert r"\<script>" in view.words
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == kept


@pytest.mark.parametrize(
    ("name", "way", "data", "sentence"),
    [
        ("mine", FROM_RESULTS, "", "Nothing was measured of mine yet"),
        ("mine", MEASURE, "../../etc", "no data set"),
        ("../mine", MEASURE, "", "no checkpoint"),
    ],
)
def test_a_card_that_cannot_be_written_is_refused_in_place(
    name: str, way: str, data: str, sentence: str, handlers: CardHandlers
) -> None:
    said = handlers.write(name, way, data)
    assert said.kind != "wait" and sentence in said.text
    assert list_jobs(handlers.room.root) == []


def test_figures_on_films_are_not_given_up_for_phantoms(handlers: CardHandlers) -> None:
    folder = handlers.services.models.entry("mine").folder
    found = {"hash": load_checkpoint(folder).hash, "films": {"test": 3}}
    (folder / "figures.json").write_text(json.dumps(found), encoding="utf-8")
    assert "figures on films" in handlers.write("mine", MEASURE, "").text


def test_a_hosted_demo_writes_no_card(handlers: CardHandlers, services: Services) -> None:
    hosted: Any = replace(services.settings, on_space=True)
    object.__setattr__(services, "settings", hosted)
    assert "hosted demo" in handlers.write("mine", FROM_RESULTS, "").text
