"""The Evaluate tab's handlers: a real evaluation as a job, films behind a figure, and refusals in place."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from app.services import Services
from app.tabs import evaluate_screen
from app.tabs.evaluate_films import CellView, FilmsHandlers
from app.tabs.evaluate_form import FormHandlers
from app.tabs.evaluate_handlers import EvaluateHandlers, LookView
from egma.catalogue import CheckpointEntry
from egma.checkpoints import save_checkpoint
from egma.jobs import JobFolder, list_jobs
from egma.testing import data_sets
from egma.testing.models import build_tiny_config, build_tiny_model
from tests.app.conftest import send
from tests.jobs.conftest import wait_for_state


@pytest.fixture
def handlers(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[EvaluateHandlers]:
    """Handlers with a tiny checkpoint and a copy of 5x200; what they start ends with the test."""
    folder = tmp_path / "checkpoints" / "tiny"
    save_checkpoint(build_tiny_model(), build_tiny_config(), folder, "# tiny\n")
    data_sets.write_5x200(tmp_path / "datasets" / "chexpert")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(services.models, "list_entries", lambda: [CheckpointEntry("tiny", folder)])
    handlers = EvaluateHandlers(services)
    yield handlers
    for job in list_jobs(handlers.room.root) if handlers.room.root.is_dir() else []:
        if job.mark is not None:
            job.mark.send(signal.SIGKILL)


def form(handlers: EvaluateHandlers) -> FormHandlers:
    return FormHandlers(handlers.services)


def films(handlers: EvaluateHandlers) -> FilmsHandlers:
    return FilmsHandlers(handlers.services)


def finished(handlers: EvaluateHandlers) -> JobFolder:
    said = form(handlers).start("zeroshot", "datasets/chexpert", ["tiny"])
    assert said.kind == "wait", said.text
    (job,) = list_jobs(handlers.room.root)
    wait_for_state(job, "finished")
    return job


def test_an_evaluation_runs_as_a_job_and_its_films_stand_behind_its_figures(handlers: EvaluateHandlers) -> None:
    job = finished(handlers)
    view = LookView(*handlers.look("", ""))
    assert view.run == job.id and view.panel.state == "finished"
    main, classes = view.result.tables[:2]
    assert [row.name for row in main.rows] == ["tiny", "majority", "chance"]
    assert main.rows[1].cells[0].text == "0.200" and "to" in main.rows[0].cells[0].interval
    assert classes.models == ["tiny", "majority", "chance"]
    assert [cell.item for cell in classes.rows[0].cells] == ["Atelectasis", "", ""]
    assert ["ROC" in view.pictures.pictures[0].caption, len(view.pictures.pictures)] == [True, 2]
    assert all(each.dark is not None for each in view.pictures.pictures)
    exports = [view.result_json, view.figures_csv, view.table_md, view.cases_csv]
    assert all(Path(each["value"]).is_relative_to(handlers.services.folder.views) for each in exports)
    behind = CellView(*films(handlers).choose_cell(job.id, send(model="tiny", item="Edema")))
    assert len(behind.films["value"]) == 10 and "worst first" in behind.said.text
    request = films(handlers).open_case(job.id, behind.chosen, send(index=0))
    assert handlers.services.films.find(request.film).title == "Film of an evaluation"
    assert request.words == "Edema"
    again = LookView(*handlers.look(job.id, view.stamp))
    assert again.result == gr.skip()


def test_a_reload_finds_the_run_again(handlers: EvaluateHandlers, services: Services) -> None:
    job = finished(handlers)
    fresh = EvaluateHandlers(services).open_tab("", "")
    assert LookView(*fresh[3:]).run == job.id
    assert ("datasets/chexpert", "datasets/chexpert") in fresh[1]["choices"]


@pytest.mark.parametrize(
    ("task", "data", "models", "sentence"),
    [
        ("zeroshot", "", ["tiny"], "Choose the data"),
        ("zeroshot", "../etc", ["tiny"], "no data set"),
        ("zeroshot", "datasets/chexpert", ["../../etc"], "no checkpoint"),
        ("rm -rf", "datasets/chexpert", ["tiny"], "no task"),
    ],
)
def test_what_cannot_be_measured_is_said_in_place(
    task: str, data: str, models: list[str], sentence: str, handlers: EvaluateHandlers
) -> None:
    said = form(handlers).start(task, data, models)
    assert said.kind != "wait" and sentence in said.text
    assert not handlers.room.root.is_dir() or list_jobs(handlers.room.root) == []


def test_a_failed_run_says_why(handlers: EvaluateHandlers, tmp_path: Path) -> None:
    (tmp_path / "datasets" / "empty").mkdir()
    assert form(handlers).start("zeroshot", "datasets/empty", ["tiny"]).kind == "wait"
    (job,) = list_jobs(handlers.room.root)
    wait_for_state(job, "failed")
    view = LookView(*handlers.look("", ""))
    assert "holds no data set" in view.panel.sentence
    assert view.result.tables == [] and "ended before its end" in view.result.empty


def test_a_film_outside_the_data_root_is_not_shown(handlers: EvaluateHandlers, tmp_path: Path) -> None:
    job = finished(handlers)
    outside = data_sets.write_film(tmp_path.parent / f"{tmp_path.name}-outside.png", 1)
    path = job.path / "results" / "films.json"
    listed = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(dict.fromkeys(listed, str(outside))), encoding="utf-8")
    behind = CellView(*films(handlers).choose_cell(job.id, send(model="tiny", item="Edema")))
    assert behind.films["value"] == []


def test_a_hosted_demo_measures_nothing(handlers: EvaluateHandlers, services: Services) -> None:
    hosted: Any = replace(services.settings, on_space=True)
    object.__setattr__(services, "settings", hosted)
    assert "hosted demo" in form(handlers).start("zeroshot", "datasets/chexpert", ["tiny"]).text


def test_what_is_in_a_folder_is_said(handlers: EvaluateHandlers) -> None:
    assert "Found: CheXpert-5x200" in form(handlers).find_sets("datasets/chexpert").text
    command = form(handlers).write_command("zeroshot", "datasets/chexpert", ["tiny"]).text
    assert command.startswith("python -m egma evaluate zeroshot --data ") and "--job" not in command


def test_a_card_result_shows_every_figure_it_has() -> None:
    figures = {"checkpoint": "egma-mini", "auroc": {"macro": {"value": 0.7, "low": 0.6, "high": 0.8, "n": 9}}}
    shown = evaluate_screen.result_screen(figures, set())
    assert [(row.name, row.cells[0].text) for row in shown.tables[0].rows] == [("auroc macro", "0.700")]
