"""Two models on one film: what the second side shows, and when it goes away."""

import threading
from dataclasses import replace
from pathlib import Path

import gradio as gr
import pytest

from app.models import Models, ModelSlot
from app.tabs.compare import CompareHandlers
from app.tabs.study_handlers import StudyHandlers
from egma.catalogue import CheckpointEntry
from egma.config import FindingConfig
from egma.errors import CheckpointError
from tests.app.conftest import build_models, send
from tests.app.test_models import named


@pytest.fixture(scope="module")
def engines():
    return {name: named(name, seed) for seed, name in enumerate(("a", "b"))}


@pytest.fixture
def both(services, engines):
    default = ModelSlot("a", lambda: engines["a"])
    default.start()
    models = build_models(default, *engines.values())
    models.engine("a", 10)
    models.engine("b", 10)
    return replace(services, models=models)


def test_the_second_viewer_shows_the_same_film_and_phrases_by_its_own_model(both, film, engines):
    first = StudyHandlers(both).ask(film.key, "left pleural effusion\nnodule", "a")
    view = CompareHandlers(both).refresh(film.key, first.asked, "a", "b")
    assert view.viewer.film_id == first.viewer.film_id == film.key
    assert [layer.phrase for layer in view.viewer.layers] == ["left pleural effusion", "nodule"]
    assert [layer.id for layer in view.viewer.layers] == [layer.id for layer in first.viewer.layers]
    assert view.viewer.layers[0].data != first.viewer.layers[0].data
    assert view.viewer.checkpoint == f"b {engines['b'].checkpoint.hash[:8]}"
    assert view.viewer.show == 0  # what is on is the reader's choice in the first viewer
    assert view.side.visible and view.table_box.visible


def test_each_map_has_its_own_models_range(both, film, engines):
    config = replace(engines["b"].checkpoint.config, display_range=(-0.1, 0.2), drawn_from=0.25)
    object.__setattr__(engines["b"].checkpoint, "config", config)
    view = CompareHandlers(both).refresh(film.key, "nodule", "a", "b")
    assert (view.viewer.low, view.viewer.high, view.viewer.drawn_from) == (-0.1, 0.2, 0.25)


def test_the_table_holds_both_models_findings_and_their_difference(both, film, engines):
    table = CompareHandlers(both).refresh(film.key, "", "a", "b").table
    assert table.first.startswith("a ") and table.second.startswith("b ")
    assert len(table.rows) == 15
    first, second = (engines[name].classify(film.study) for name in "ab")
    row = next(row for row in table.rows if row.name == "Pleural effusion")
    assert row.first.probability == pytest.approx(first["Effusion"], abs=1e-4)
    assert row.difference == pytest.approx(second["Effusion"] - first["Effusion"], abs=2e-4)
    assert "not calibrated" in table.meaning


def test_a_finding_of_one_model_alone_has_no_difference(both, film, engines):
    config = engines["b"].checkpoint.config
    own = {"Fracture": FindingConfig(("a fracture",), ("no fracture",), scale=5.0, threshold=0.01, unsure=(0.0, 0.005))}
    other = named("b", 1)
    object.__setattr__(other.checkpoint, "config", replace(config, classify=own))
    both.models._slots["b"]._engine = other
    both.models.list_entries = lambda: [CheckpointEntry("a", Path("a")), CheckpointEntry("b", Path("b"), hash="")]
    rows = {row.name: row for row in CompareHandlers(both).refresh(film.key, "", "a", "b").table.rows}
    assert rows["Fracture"].first is None and rows["Fracture"].difference is None
    assert rows["Fracture"].second.call == "above"
    assert rows["Lung mass"].second is None


@pytest.mark.parametrize("second", ["", "a"])
def test_nothing_to_compare_with_hides_the_second_side(both, film, second):
    view = CompareHandlers(both).refresh(film.key, "nodule", "a", second)
    assert not view.side.visible and not view.table_box.visible
    assert view.viewer is None and view.chooser["value"] == ""
    assert ("a", "a") not in view.chooser["choices"]


def test_a_second_model_that_loads_or_fails_is_said_in_one_sentence(services, film, engines):
    go = threading.Event()

    def load(folder: Path):
        go.wait(10)
        raise CheckpointError("checkpoint b: model.safetensors is damaged")

    default = ModelSlot("a", lambda: engines["a"])
    default.start()
    default.engine(10)
    models = Models(default, lambda: [CheckpointEntry(name, Path(name)) for name in "ab"], load)
    handlers = CompareHandlers(replace(services, models=models))
    view = handlers.refresh(film.key, "", "a", "b")
    assert (view.status.text, view.status.kind, view.polling.active) == ("Loading b to compare with.", "wait", True)
    assert view.viewer == gr.skip()
    go.set()
    with pytest.raises(CheckpointError):
        models.engine("b", 10)
    assert "Checkpoint b: model.safetensors is damaged." in handlers.follow(film.key, "", "a", "b").status.text
    gone = handlers.refresh("nobody's film", "", "a", "x" * 300)
    assert "There is no checkpoint" in gone.status.text and len(gone.status.text) < 250


def test_a_film_that_was_closed_is_said_and_the_screen_stays(both):
    view = CompareHandlers(both).refresh("nobody's film", "", "a", "b")
    assert "Open it again" in view.status.text
    assert view.viewer == gr.skip()


def test_a_clicked_patch_is_matched_by_both(both, film):
    handlers = StudyHandlers(both)
    click = send(u=0.5, v=0.5)
    ours, theirs = (handlers.match_patch(film.key, "nodule", name, click) for name in "ab")
    assert ours.where == theirs.where and ours.phrases != theirs.phrases
    assert handlers.match_second_patch(film.key, "nodule", "b", click) == theirs
    assert handlers.match_second_patch(film.key, "nodule", "", click).where == ""


@pytest.mark.parametrize("asked", [None, "\n\n", "x" * 400, "\n".join(f"p{n}" for n in range(400))])
def test_what_a_browser_says_was_asked_is_bounded_and_never_a_trace(both, film, asked):
    view = CompareHandlers(both).refresh(film.key, asked, "a", "b")
    assert "went wrong" not in getattr(view.status, "text", "")
    if view.viewer != gr.skip():
        assert len(view.viewer.layers) <= 100


def test_another_model_takes_over_with_the_same_phrases(both, film, engines):
    handlers = StudyHandlers(both)
    asked = handlers.ask(film.key, "nodule\nmass", "a")
    view = handlers.resume(film.key, asked.asked, "b")
    assert [layer.id for layer in view.viewer.layers] == [layer.id for layer in asked.viewer.layers]
    assert view.viewer.layers[0].data != asked.viewer.layers[0].data
    assert view.viewer.show == 0 and view.viewer.film_id == film.key
    assert view.findings.state == "ready" and "b weighs" in view.findings.meaning
    assert view.patch.where == ""
