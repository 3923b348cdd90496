"""The Train tab's handlers: real runs of a tiny base, names instead of paths, and a hosted demo that refuses."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import gradio as gr
import pytest

from app.jobs import EXAMPLE_RUN, TrainingRoom, open_room
from app.tabs import train_charts, train_form, train_screen
from app.tabs.train_form import FORM, fill_form, read_form, write_command
from app.tabs.train_handlers import TrainHandlers
from app.tabs.train_look import LookView
from egma.catalogue import CheckpointEntry
from egma.errors import DataError
from egma.finetune.rules import PHANTOMS, RULES
from egma.finetune.settings import build_settings
from egma.jobs import JobFolder, list_jobs, new_job_folder, write_json
from tests.app.conftest import send
from tests.finetune.bases import SMALL, save_tiny_base
from tests.finetune.roots import FILMS, KINDS, write_root
from tests.jobs.conftest import wait_for, wait_for_state


@pytest.fixture
def room(services) -> TrainingRoom:
    return open_room(services)


@pytest.fixture
def handlers(services, tmp_path, monkeypatch) -> Iterator[TrainHandlers]:
    """Handlers whose only base is a tiny one on disk; what they start ends with the test."""
    base = save_tiny_base(tmp_path / "checkpoints" / "tiny")
    monkeypatch.setenv("EGMA_DATA", str(tmp_path))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    entry = CheckpointEntry("tiny", base)
    monkeypatch.setattr(services.models, "list_entries", lambda: [entry])
    yield TrainHandlers(services)
    for job in list_jobs(services.runs):
        if job.mark is not None:
            job.mark.send(signal.SIGKILL)


def form(**changes: Any) -> list[Any]:
    """The form's values for a run of seconds."""
    settings = build_settings("demo", SMALL)
    values = {name: getattr(settings, name) for name in FORM}
    return [({**values, "base": "tiny", "data": PHANTOMS, "images": ""} | changes)[name] for name in FORM]


def view(result: tuple[Any, ...]) -> LookView:
    return LookView(*result)


def run_of(handlers: TrainHandlers, result: tuple[Any, ...]) -> JobFolder:
    return handlers.room.find_run(view(result).run)


def test_a_run_is_started_watched_stopped_resumed_and_its_checkpoint_used(handlers, tmp_path):
    started = handlers.start(*form(max_steps=40, epochs=20))
    job = run_of(handlers, started)
    assert view(started).runs.rows[0].state in ("queued", "running")
    wait_for(lambda: len(train_charts.sort_events(job.events().events).steps) >= 5, "steps")
    looked = view(handlers.look(job.id, "", ""))
    titles = {chart.title for chart in looked.curves.charts}
    assert {"Total loss", "Contrastive", "EGF, gaze alignment", "Pointing game"} <= titles
    assert dict(looked.panel.facts)["Step"].endswith("of 40") and "Time left" in dict(looked.panel.facts)
    handlers.stop(job.id)
    wait_for_state(job, "stopped")
    handlers.resume(job.id)
    wait_for_state(job, "finished")
    done = view(handlers.look(job.id, "", ""))
    assert done.panel.outcome_head == ["", "Before", "After"] and done.use["visible"] and not done.stop["visible"]
    name = handlers.use(job.id)
    assert (tmp_path / "checkpoints" / name / "model.safetensors").is_file() and name.startswith("demo-")
    assert handlers.use(job.id) == name  # the same again is not a second one


def test_a_tab_opened_anew_finds_the_run_at_work(handlers):
    job = run_of(handlers, handlers.start(*form(epochs=200)))
    wait_for_state(job, "running")
    timer, _, _, *shown = handlers.open_tab("", "")
    assert timer.active and view(tuple(shown)).run == job.id


def test_what_has_not_changed_is_not_sent_again(handlers):
    first = view(handlers.look("example", "", ""))
    second = view(handlers.look("example", "", first.stamp))
    assert first.curves.charts and first.stamp == second.stamp
    assert all(each == gr.skip() for each in (second.runs, second.panel, second.curves, second.config, second.log))


def test_without_runs_the_example_is_shown_and_cannot_be_changed(handlers):
    shown = view(tuple(handlers.open_tab("", "")[3:]))
    assert [row.id for row in shown.runs.rows] == ["example"] and "No runs of yours yet" in shown.runs.note
    assert not any(each["visible"] for each in (shown.stop, shown.resume, shown.use, shown.delete))
    for act in (handlers.stop, handlers.resume, handlers.delete, handlers.use):
        with pytest.raises(gr.Error, match="example"):
            act("example")


def test_the_example_run_is_a_real_one_and_whole():
    job = JobFolder(EXAMPLE_RUN)
    events = train_charts.sort_events(job.events().events)
    result = job.result()
    assert result is not None and job.state().name == "finished"
    assert [step["step"] for step in events.steps] == list(range(1, result["steps"] + 1))
    assert result["after"]["pointing"] > result["before"]["pointing"] + 0.3
    said = "".join(path.read_text() for path in EXAMPLE_RUN.iterdir())
    assert "/work" not in said and "/tmp" not in said and "/home" not in said


def test_other_long_work_is_not_a_run_here(handlers, services):
    folder = new_job_folder(services.runs)
    write_json(
        folder / "job.json", {"argv": ["python", "-m", "egma", "index", "build"], "title": "Import", "time": 1.0}
    )
    write_json(folder / "config.json", {"library": "mine"})
    assert [job.id for job in handlers.room.list_runs()] == [EXAMPLE_RUN.name]
    with pytest.raises(gr.Error, match="no fine-tuning"):
        handlers.delete(folder.name)
    assert folder.exists()


def test_two_runs_are_compared_side_by_side(handlers):
    job = run_of(handlers, handlers.start(*form(max_steps=2, validate_every=2, seed=5)))
    wait_for_state(job, "finished")
    shown = view(handlers.look(job.id, "example", ""))
    loss = next(chart for chart in shown.curves.charts if chart.title == "Total loss")
    assert len(loss.series) == 2
    assert len(shown.config.head) == 3
    differs = [row for row in shown.config.rows if row[0] == "seed (differs)"]
    assert differs == [["seed (differs)", "5", "0"]]


def test_a_run_that_gained_nothing_says_so(handlers):
    job = run_of(handlers, handlers.start(*form(learning_rate=1e-12, patience=1, validate_every=2, max_steps=8)))
    wait_for_state(job, "finished")
    said = view(handlers.look(job.id, "", "")).panel.sentence
    assert said.startswith("It stopped early") and "its base was no worse" in said


def test_a_failed_run_says_its_cause_first(handlers):
    job = run_of(handlers, handlers.start(*form(max_steps=4)))
    wait_for(lambda: job.mark is not None, "the process")
    assert job.mark is not None and job.mark.send(signal.SIGKILL)
    wait_for_state(job, "failed")
    shown = view(handlers.look(job.id, "", ""))
    assert shown.panel.state == "failed" and shown.panel.sentence.startswith("Killed. ")
    assert shown.resume["visible"] and shown.delete["visible"]
    handlers.delete(job.id)
    assert not job.path.exists()


def test_a_run_is_deleted_only_after_it_has_ended(handlers):
    job = run_of(handlers, handlers.start(*form(epochs=200)))
    wait_for_state(job, "running")
    with pytest.raises(gr.Error, match="stop it first"):
        handlers.delete(job.id)


@pytest.mark.parametrize(
    "run",
    ["", "..", "../../etc", "/etc/passwd", "20261124-153000-a1b2c3", "<img src=x>", "${HOME}", "a" * 5000],
    ids=repr,
)
def test_an_id_from_the_browser_is_never_a_path(handlers, run):
    for act in (handlers.stop, handlers.resume, handlers.delete, handlers.use):
        with pytest.raises(gr.Error):
            act(run)
    assert view(handlers.choose(send(id=run), "")).run == "example"


def test_data_is_chosen_from_names_under_the_data_root(services, room, tmp_path):
    (tmp_path / "datasets" / "mine").mkdir(parents=True)
    (tmp_path / "datasets" / "films.csv").write_text("image\n")
    (tmp_path / "datasets" / "notes.txt").write_text("")
    (tmp_path / "gaze" / "reflacx").mkdir(parents=True)
    assert room.data_names() == [PHANTOMS, "datasets/films.csv", "datasets/mine", "gaze/reflacx"]
    assert room.find_data("datasets/mine") == str(tmp_path / "datasets" / "mine")
    for name in ("/etc", "datasets/../..", "datasets", "", "..", "datasets/mine/", "datasets/absent", "a\0b"):
        with pytest.raises(DataError, match="on the list"):
            room.find_data(name)


def test_a_link_out_of_the_data_root_is_refused(room, tmp_path):
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "leak").symlink_to("/etc")
    with pytest.raises(DataError, match="leads out of the data root"):
        room.find_data("datasets/leak")


def test_a_table_that_points_to_the_systems_files_is_named_by_row(handlers, tmp_path):
    folder = tmp_path / "datasets" / "bad"
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text("image,patient,split,Effusion\n/etc/passwd,p1,train,1\n/etc/shadow,p2,val,0\n")
    shown = handlers.check_data(*form(preset="heads", data="datasets/bad"))
    assert shown.said.kind == "alert" and shown.said.text.startswith("Not ready")
    assert any("row" in sentence or "rows" in sentence for sentence in shown.problems.sentences)
    assert not any("root:" in sentence for sentence in shown.problems.sentences)


def test_bad_data_stops_a_run_before_it_starts(handlers, services, tmp_path):
    folder = tmp_path / "datasets" / "bad"
    folder.mkdir(parents=True)
    (folder / "labels.csv").write_text("image,patient,split,Effusion\n/etc/passwd,p1,train,1\n../x.png,p2,val,0\n")
    with pytest.raises(gr.Error, match="cannot be trained on"):
        handlers.start(*form(preset="heads", data="datasets/bad"))
    assert list_jobs(services.runs) == []


def test_a_good_table_is_counted_and_shown(handlers, tmp_path):
    from PIL import Image

    from egma.testing import build_phantom

    folder = tmp_path / "datasets" / "good"
    folder.mkdir(parents=True)
    rows = []
    for number, split in enumerate(("train", "train", "val")):
        pixels = build_phantom(number, size=(96, 96)).study.pixels
        Image.fromarray((pixels * 255).astype("uint8")).save(folder / f"{number}.png")
        rows.append(f"{number}.png,p{number},{split},{number % 2}\n")
    (folder / "labels.csv").write_text("image,patient,split,Effusion\n" + "".join(rows))
    shown = handlers.check_data(*form(preset="heads", data="datasets/good"))
    assert shown.said.text.startswith("Ready") and len(shown.films["value"]) == 3
    assert ["train", "2", "0"] in shown.counts.rows
    assert ["Effusion", "1", "2", "0", "0"] in shown.table.rows


def test_a_form_with_hostile_values_starts_nothing_and_says_everything(handlers, services):
    with pytest.raises(gr.Error) as told:
        handlers.start(*form(batch=0, learning_rate=None, name="../x"))
    said = str(told.value)
    assert "3 problems" in said and "batch" in said and "learning_rate" in said and "name" in said
    assert list_jobs(services.runs) == []


def test_on_a_hosted_demo_everything_is_refused_by_the_server(handlers, services):
    object.__setattr__(services, "settings", replace(services.settings, on_space=True, data=None))
    assert [job.path for job in handlers.room.list_runs()] == [EXAMPLE_RUN]
    assert "switched off" in handlers.estimate(*form()).text
    for act, values in ((handlers.start, form()), (handlers.stop, ["example"]), (handlers.delete, ["example"])):
        with pytest.raises(gr.Error, match="switched off on this hosted demo"):
            act(*values)
    shown = view(tuple(handlers.open_tab("", "")[3:]))
    assert not any(each["visible"] for each in (shown.stop, shown.resume, shown.use, shown.duplicate, shown.delete))


def test_a_duplicate_fills_the_form_with_the_runs_settings(handlers, services, room):
    _, *values = handlers.duplicate("example")
    filled = dict(zip(FORM, values))
    config = json.loads((EXAMPLE_RUN / "config.json").read_text())
    assert filled["preset"] == config["preset"] and filled["learning_rate"] == config["learning_rate"]
    assert read_form(services, room, values).epochs == config["epochs"]


def test_what_is_no_longer_there_becomes_the_first_of_its_list(services, room, handlers):
    values = fill_form(services, room, {"preset": "heads", "data": "/gone", "base": "/gone/model", "seed": 7})
    filled = dict(zip(FORM, values))
    assert (filled["data"], filled["base"], filled["seed"]) == (PHANTOMS, "tiny", 7)


def test_the_command_says_the_preset_and_what_differs_from_it():
    settings = build_settings("probe", {"seed": 3, "data": "/data/my films", "augment": True})
    said = "python -m egma finetune RUN_DIR --preset probe --set data='/data/my films' --set augment=true --set seed=3"
    assert write_command(settings) == said


def test_a_preset_fills_the_folded_fields(handlers):
    words, *values = handlers.choose_preset("lora")
    assert "low-rank" in words
    assert dict(zip(train_form.FOLDED, values))["accumulation"] == build_settings("lora").accumulation
    with pytest.raises(gr.Error, match="one of the presets"):
        handlers.choose_preset("<script>")


def test_every_folded_setting_has_words_and_a_rule():
    assert set(train_form.FOLDED) == set(train_form.WORDS) <= set(RULES)


def test_an_estimate_says_time_and_memory(handlers):
    said = handlers.estimate(*form())
    assert said.kind == "wait" and said.text.startswith("About ") and "GB of memory" in said.text


def test_long_curves_are_thinned_and_keep_their_end():
    events = [{"kind": "step", "step": step, "loss": 1 / step} for step in range(1, 10_001)]
    shown = train_charts.curves_screen([("run", train_charts.sort_events(events))])
    line = shown.charts[0].series[0]
    assert len(line.steps) <= train_charts.MOST_POINTS and line.steps[-1] == 10_000


def test_odd_events_are_passed_over():
    odd = [{}, {"kind": "step"}, {"kind": "step", "step": "1"}, {"kind": "step", "step": 2, "loss": None}, {"step": 3}]
    events = train_charts.sort_events(odd)
    assert [event["step"] for event in events.steps] == [2]
    assert train_charts.curves_screen([("run", events)]).charts == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_gaze_root_is_examined(handlers, tmp_path, kind):
    write_root(kind, tmp_path / "gaze" / kind, tmp_path / "datasets" / "jpg")
    chosen = {"preset": "heads", "data": f"gaze/{kind}", "images": "" if kind == "mimic-eye" else "datasets/jpg"}
    shown = handlers.check_data(*form(**chosen))
    assert shown.said.text.startswith("Ready") and len(shown.films["value"]) == 3
    assert sum(int(films) for _, films, _ in shown.counts.rows) >= FILMS
    assert sum(int(gaze) for _, _, gaze in shown.counts.rows) >= FILMS


def test_a_gaze_root_is_trained_on_with_the_films_chosen_beside_it(handlers, tmp_path):
    write_root("reflacx", tmp_path / "gaze" / "reflacx", tmp_path / "datasets" / "jpg")
    chosen = {"preset": "heads", "data": "gaze/reflacx", "images": "datasets/jpg"}
    job = run_of(handlers, handlers.start(*form(**chosen, max_steps=2, validate_every=2, validation_phantoms=4)))
    wait_for_state(job, "finished", "failed")
    assert job.state().name == "finished", job.state().text
    steps = train_charts.sort_events(job.events().events).steps
    assert [step["gaze_alignment"] > 0 for step in steps] == [True, True]


def test_a_gaze_root_without_films_is_named_before_and_by_the_run(handlers, tmp_path):
    write_root("reflacx", tmp_path / "gaze" / "reflacx", tmp_path / "elsewhere")
    chosen = {"preset": "heads", "data": "gaze/reflacx"}
    shown = handlers.check_data(*form(**chosen))
    assert shown.said.text.startswith("Not ready")
    assert any("12 of 12 films have no image" in sentence for sentence in shown.problems.sentences)
    job = run_of(handlers, handlers.start(*form(**chosen)))
    wait_for_state(job, "failed")
    assert job.state().cause == "data missing" and "12 of 12 films have no image" in job.state().text


MANY = "".join(f"f{row}.png,p{row},{'val' if row % 5 else 'train'},1\n" for row in range(10_000))
OUTSIDE = "2 images lie outside the data's folder: row 2"
HOSTILE_TABLES = {
    "10,000 missing images": (MANY, "10,000 images are not there"),
    "the system's files": ("/etc/passwd,p1,train,1\n/etc/shadow,p2,val,0\n", OUTSIDE),
    "a way up": ("../../x.png,p1,train,1\n..\\x.png,p2,val,0\n", OUTSIDE),
    "a link out": ("link.png,p1,train,1\nlink.png,p2,val,0\n", "symbolic link"),
    "an address": ("http://example.org/x.png,p1,train,1\nfile:///etc/passwd,p2,val,0\n", OUTSIDE),
    "a device": ("pipe.png,p1,train,1\npipe.png,p2,val,0\n", "no ordinary file"),
    "markup": ("<img src=x>.png,p1,train,1\n${7*7}.png,p2,val,=cmd()\n", "images are not there: row 2"),
}


@pytest.mark.parametrize("name", HOSTILE_TABLES)
def test_a_hostile_table_is_named_by_row_and_starts_nothing(handlers, services, tmp_path, name):
    rows, said = HOSTILE_TABLES[name]
    folder = tmp_path / "datasets" / "bad"
    folder.mkdir(parents=True)
    (folder / "link.png").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe.png")
    (folder / "labels.csv").write_text("image,patient,split,Effusion\n" + rows)
    shown = handlers.check_data(*form(preset="heads", data="datasets/bad"))
    assert shown.said.text == "Not ready: mend what is named below."
    assert any(said in sentence for sentence in shown.problems.sentences), shown.problems.sentences
    assert all(len(sentence) < 500 and "root:" not in sentence for sentence in shown.problems.sentences)
    with pytest.raises(gr.Error, match="cannot be trained on"):
        handlers.start(*form(preset="heads", data="datasets/bad"))
    assert list_jobs(services.runs) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"learning_rate": float("nan")}, "learning_rate"),
        ({"learning_rate": float("inf")}, "learning_rate"),
        ({"batch": 10**400}, "batch"),
        ({"seed": -1}, "seed"),
        ({"epochs": 2.5}, "epochs"),
        ({"epochs": [1]}, "epochs"),
        ({"epochs": "<img src=x onerror=alert(1)>"}, "epochs"),
        ({"device": "cuda:0; rm -rf /"}, "device"),
        ({"precision": {"a": 1}}, "precision"),
        ({"preset": "evil"}, "preset"),
        ({"preset": None}, "preset"),
        ({"name": "a\0b"}, "name"),
        ({"name": "x" * 5000}, "name"),
        ({"data": "/etc/passwd"}, "on the list"),
        ({"data": None}, "on the list"),
        ({"data": ["datasets"]}, "on the list"),
        ({"images": "../../etc"}, "on the list"),
        ({"base": "/etc"}, "no checkpoint '/etc' on the list"),
        ({"base": None}, "no checkpoint"),
        ({"augment": "yes"}, "augment"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_a_hostile_value_of_the_form_is_one_sentence_everywhere(handlers, services, changes, said):
    values = form(**changes)
    for answer in (handlers.write_command(*values), handlers.estimate(*values)):
        assert said in answer.text and answer.kind == "alert" and len(answer.text) < 300
    with pytest.raises(gr.Error) as told:
        handlers.start(*values)
    assert said in str(told.value) and "reference" not in str(told.value).lower()
    assert list_jobs(services.runs) == []


@pytest.mark.parametrize(
    ("best_by", "said"),
    [
        ("auroc", "macro AUROC 0.789 to 0.811; pointing 0.824 to 0.412"),
        ("pointing", "pointing 0.824 to 0.412"),
        ("gaze", "pointing 0.824 to 0.412"),
        ("retrieval", "pointing 0.824 to 0.412"),
    ],
)
def test_the_list_says_what_a_run_was_chosen_by_and_what_it_cost(services, best_by, said):
    folder = new_job_folder(services.runs)
    before, after = {"auroc": 0.789, "pointing": 0.824}, {"auroc": 0.811, "pointing": 0.412, "gaze_correlation": None}
    write_json(folder / "state.json", {"name": "finished"})
    write_json(folder / "result.json", {"best_by": best_by, "before": before, "after": after})
    assert [row.detail for row in train_screen.runs_screen([JobFolder(folder)], "").rows] == [said]
