"""Which models are in memory, and how one takes over from another: no page, tiny engines, real threads."""

import threading
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from app.models import Models, ModelSlot, Room
from app.tabs.switch import NOTHING_NEW, SwitchHandlers
from egma.catalogue import CheckpointEntry
from egma.checkpoints import Checkpoint
from egma.errors import CheckpointError
from egma.inference.engine import Engine
from egma.testing import tiny_engine
from tests.app.conftest import build_models


def named(name: str, seed: int) -> Engine:
    """A tiny engine under another name."""
    engine = tiny_engine(seed)
    return Engine(Checkpoint(name, None, engine.checkpoint.config), engine._model)


@pytest.fixture(scope="module")
def engines() -> dict[str, Engine]:
    return {name: named(name, seed) for seed, name in enumerate(("a", "b", "c"))}


@pytest.fixture
def models(engines: dict[str, Engine]) -> Models:
    default = ModelSlot("a", lambda: engines["a"])
    default.start()
    default.engine(10)
    return build_models(default, *engines.values())


def test_a_name_gives_its_engine_and_no_name_the_default(models, engines):
    assert models.engine("b", 10) is engines["b"]
    assert models.engine() is models.engine("a") is engines["a"]


def test_two_engines_stay_in_memory_and_the_least_recently_used_goes(models):
    models.engine("b", 10)
    models.engine("a")
    models.engine("c", 10)
    assert [models.slot(name).state for name in "abc"] == ["ready", "asleep", "ready"]
    assert models.default.is_loaded and not models.slot("b").is_loaded


def test_the_default_may_sleep_and_health_still_says_it_answered(models, engines):
    models.engine("b", 10)
    models.engine("c", 10)
    assert models.default.state == "asleep"
    assert models.default.has_answered
    assert models.default.engine(10) is engines["a"]  # and it wakes when asked


def test_a_question_that_never_waits_wakes_a_sleeping_model(models, engines):
    models.engine("b", 10)
    models.engine("c", 10)
    assert models.ready() is None
    assert models.engine("", 10) is engines["a"]


def test_the_model_in_use_is_not_the_one_sent_to_sleep(models):
    models.engine("b", 10)
    models.engine("a")  # a script asked the default meanwhile
    models.start("c", keep="b")
    models.engine("c", 10)
    assert models.slot("b").is_loaded and not models.default.is_loaded


def test_eight_threads_ask_three_models_at_once_and_each_gets_its_own(models, engines):
    wrong: list[str] = []

    def ask(turn: int) -> None:
        for step in range(12):
            name = "abc"[(turn + step) % 3]
            if models.engine(name, 30) is not engines[name]:
                wrong.append(name)

    threads = [threading.Thread(target=ask, args=(turn,)) for turn in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert wrong == []
    assert sum(models.slot(name).is_loaded for name in "abc") <= 2


@pytest.mark.parametrize("name", ["../../etc", "/etc/passwd", "nobody", "a\0b", "x" * 5000])
def test_a_name_that_is_not_on_the_list_is_one_sentence_and_never_a_path(models, name):
    with pytest.raises(CheckpointError, match="there are: a, b, c") as caught:
        models.engine(name)
    assert len(str(caught.value)) < 250


def test_a_failure_is_said_and_tried_again_when_chosen_again(engines):
    turns = iter([CheckpointError("checkpoint b: model.safetensors is damaged"), engines["b"]])

    def load(folder: Path) -> Engine:
        found = next(turns)
        if isinstance(found, Exception):
            raise found
        return found

    default = ModelSlot("a", lambda: engines["a"])
    models = Models(default, lambda: [CheckpointEntry(name, Path(name)) for name in "ab"], load)
    with pytest.raises(CheckpointError, match="damaged"):
        models.engine("b", 10)
    with pytest.raises(CheckpointError, match="damaged"):
        models.engine("b", 10)  # questions do not load it again and again
    models.start("b")
    assert models.engine("b", 10) is engines["b"]


def test_a_bug_while_loading_is_a_reference_number(engines, caplog):
    models = Models(ModelSlot("a", lambda: engines["a"]), lambda: [CheckpointEntry("b", Path("b"))], lambda _: 1 / 0)
    with pytest.raises(CheckpointError, match=r"reference [0-9a-f]{8}"):
        models.engine("b", 10)
    assert "ZeroDivisionError" in caplog.text


def test_a_checkpoint_written_anew_is_loaded_anew_while_the_old_one_answers(engines):
    go = threading.Event()
    now = {"hash": engines["a"].checkpoint.hash, "engine": engines["a"]}

    def load() -> Engine:
        if now["engine"] is not engines["a"]:
            go.wait(10)
        return now["engine"]

    default = ModelSlot("a", load)
    default.start()
    default.engine(10)
    models = Models(default, lambda: [CheckpointEntry("a", Path("a"), hash=now["hash"])], lambda _: 1 / 0)
    now["engine"] = named("a", 7)
    now["hash"] = now["engine"].checkpoint.hash
    models.start("a")
    assert models.engine("a") is engines["a"]
    go.set()
    default._thread.join(10)
    assert models.engine("a") is now["engine"]


def test_a_slot_that_loads_counts_what_it_still_holds():
    room = Room(most=2)
    slots = [ModelSlot(name, tiny_engine, room=room) for name in "xy"]
    for slot in slots:
        slot.start()
        slot.engine(10)
    room.make_for(slots[0])
    assert slots[0].is_loaded and not slots[1].is_loaded


# The menu


@pytest.fixture
def handlers(services, models):
    return SwitchHandlers(replace(services, models=models))


def test_choosing_a_model_in_memory_switches_at_once(handlers, models, engines):
    models.engine("b", 10)
    view = handlers.choose("b", "a")
    assert (view.checkpoint, view.model_hash) == ("b", engines["b"].checkpoint.hash)
    assert view.status.text == ""
    assert not view.polling.active


def test_choosing_a_model_that_loads_keeps_the_old_one_and_switches_when_it_is_ready(services, engines):
    go = threading.Event()

    def load(folder: Path) -> Engine:
        go.wait(10)
        return engines[folder.name]

    default = ModelSlot("a", lambda: engines["a"])
    default.start()
    default.engine(10)
    entries = [CheckpointEntry(name, Path(name), hash=engines[name].checkpoint.hash) for name in "ab"]
    handlers = SwitchHandlers(replace(services, models=Models(default, lambda: entries, load)))
    view = handlers.choose("b", "a")
    assert view.checkpoint == gr.skip()
    assert view.wanted == "b"
    assert view.status.kind == "wait"
    assert view.status.text == "Loading b; a answers until it is ready."
    assert view.polling.active
    assert handlers.follow("b", "a") == NOTHING_NEW
    assert handlers.choose("a", "a").wanted == "a"  # the reader changes their mind
    go.set()
    handlers.services.models.engine("b", 10)
    done = handlers.follow("b", "a")
    assert (done.checkpoint, done.wanted, done.status.text) == ("b", "b", "")
    assert not done.polling.active


def test_a_model_that_cannot_be_loaded_is_said_and_the_menu_goes_back(services, engines):
    def fail(folder: Path) -> Engine:
        raise CheckpointError("checkpoint b: model.safetensors is damaged")

    default = ModelSlot("a", lambda: engines["a"])
    default.start()
    default.engine(10)
    entries = [CheckpointEntry("a", Path("a")), CheckpointEntry("b", Path("b"))]
    broken = CheckpointEntry("c", Path("c"), problem="checkpoint c: config.json is not JSON")
    models = Models(default, lambda: [*entries, broken], fail)
    handlers = SwitchHandlers(replace(services, models=models))
    handlers.choose("b", "a")
    with pytest.raises(CheckpointError):
        models.engine("b", 10)
    view = handlers.follow("b", "a")
    assert view.status.text == "Checkpoint b: model.safetensors is damaged. a stays in use."
    assert (view.wanted, view.chooser["value"], view.polling.active) == ("a", "a", False)
    assert "config.json is not JSON" in handlers.choose("c", "a").status.text
    assert ("c (cannot be opened)", "c") in models.choices()
    assert "There is no checkpoint 'd'" in handlers.choose("d", "a").status.text


def test_opening_the_menu_brings_its_list_up_to_date(handlers, models):
    more = [*models.list_entries(), CheckpointEntry("new-one", Path("new-one"))]
    models.list_entries = lambda: more
    view = handlers.refresh("a")
    assert ("new-one", "new-one") in view.chooser["choices"]
    assert view.chooser["value"] == "a"
