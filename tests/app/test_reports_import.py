"""Filling a library from the page: shown first, done by a job that outlives the page, and nothing lost on the way."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from app.libraries import OPEN_I, TABLE_NAME
from app.tabs.reports_import_handlers import PARTS, ImportHandlers
from egma import jobs
from egma.errors import LibraryError
from tests.app.conftest import send
from tests.app.report_library import fill_library

PATIENCE_S = 120
TABLE = """study,report text,ViewPosition,PatientSex,PatientAge
A1,"FINDINGS: The heart is enlarged. There is a left pleural effusion.",PA,F,063Y
A2,The lungs are clear. ${window.x},AP,M,040Y
A3,,PA,F,051Y
"""


@pytest.fixture
def handlers(services, tmp_path) -> ImportHandlers:
    """Handlers whose checkpoint lies on disk, where a job can read it."""
    from egma.checkpoints import save_checkpoint
    from egma.testing.models import build_tiny_model

    model = build_tiny_model()
    save_checkpoint(model, model.config, tmp_path / "tiny", "# Tiny")
    entries = [replace(entry, folder=tmp_path / "tiny") for entry in services.models.entries()]
    services.models.list_entries = lambda: entries
    return ImportHandlers(services)


@pytest.fixture
def uploaded(services):
    def put(content: str | bytes) -> str:
        folder = services.folder.uploads / "x"
        folder.mkdir(exist_ok=True)
        path = folder / "film-0001"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return put


def wait_for(job: jobs.JobFolder, *names: str) -> jobs.JobState:
    until = time.monotonic() + PATIENCE_S
    while (state := job.state()).name not in names and time.monotonic() < until:
        time.sleep(0.1)
    assert state.name in names, (state, job.log_tail())
    return state


def test_a_tables_columns_are_guessed_and_shown(handlers, uploaded):
    view = handlers.take_table(uploaded(TABLE))
    assert view.said.text == ""
    guessed = {part: getattr(view, part)["value"] for part in PARTS}
    assert guessed["text"] == "report text"
    assert guessed["view"] == "ViewPosition"
    assert guessed["id"] == "study"
    assert view.rows["value"]["headers"] == ["study", "report text", "ViewPosition", "PatientSex", "PatientAge"]
    assert len(view.rows["value"]["data"]) == 3
    assert ("not there", "") in view.text["choices"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "empty", id="empty"),
        pytest.param("a,text\n", "no row", id="no rows"),
        pytest.param(TABLE.encode("utf-16"), "UTF-16", id="UTF-16"),
        pytest.param(",".join(f"c{n}" for n in range(70)) + "\n1\n", "at most 60", id="too many columns"),
    ],
)
def test_a_table_that_cannot_be_taken_is_one_sentence_without_its_path(handlers, uploaded, content, said):
    path = uploaded(content)
    view = handlers.take_table(path)
    assert said in view.said.text
    assert "film-0001" not in view.said.text
    assert view.pending == ""
    assert not Path(path).exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "", None, "../../x", "/nowhere"])
def test_a_path_that_was_not_uploaded_is_never_read(handlers, path):
    assert "no longer there" in handlers.take_table(path).said.text
    started = handlers.add_table("new", path or "", "tiny", "text", *[""] * (len(PARTS) - 1))
    assert "no longer there" in started.said.text


def test_a_table_becomes_a_library_by_a_job_that_another_page_can_follow(handlers, uploaded, services):
    pending = handlers.take_table(uploaded(TABLE)).pending
    columns = {"text": "report text", "id": "study", "view": "ViewPosition", "sex": "PatientSex", "age": "PatientAge"}
    started = handlers.add_table("my reports", pending, "tiny", *(columns.get(part, "") for part in PARTS))
    assert started.said.text == ""
    job = services.libraries.job(started.job.id)
    assert job.config() == {"kind": "library", "library": "my reports"}
    assert (job.path / TABLE_NAME).exists()

    # a page that is opened anew finds the job by itself
    view = ImportHandlers(services).arrive("", "", "tiny")
    assert view.job.id == job.id
    wait_for(job, "finished")
    view = handlers.follow("", "")
    assert view.library["value"] == "my reports"
    assert "2 reports added" in view.job.text
    assert (view.hits.state, view.hits.polite) == ("empty", False)  # another library: older results go
    assert handlers.follow("my reports", "").hits.polite
    assert "1 broken rows listed" in view.job.text
    assert view.job.can_stop is False
    assert not (job.path / TABLE_NAME).exists()  # the reader's table is not kept twice
    index = services.libraries.open("my reports")
    assert sorted(index) == ["A1", "A2"]
    assert index.get(["A1"])["A1"].age == 63
    assert handlers.arrive("my reports", "", "tiny").job.id == ""  # nothing more need be said
    handlers.dismiss(send(id=job.id))
    assert services.libraries.jobs() == []
    assert services.libraries.names() == ["my reports"]


def test_open_i_is_built_at_first_use_and_only_once(handlers, services):
    view = handlers.arrive("", "", "tiny")
    assert view.job.title == "Building the Open-i library"
    assert view.hits.state == "waiting"
    (job,) = services.libraries.jobs()
    argv = jobs.command_of(job.path)
    assert argv[argv.index("build") + 1] == "--open-i"
    assert argv[argv.index("--out") + 1] == str(services.libraries.path(OPEN_I))
    again = handlers.build_openi("tiny")
    assert again.job.id == job.id
    stopped = handlers.stop(send(id=job.id))
    assert stopped.said.text == ""
    wait_for(job, "stopped", "finished")
    view = handlers.follow("", "")
    assert view.job.can_resume or view.job.state == "finished"
    assert len(services.libraries.jobs()) == 1
    handlers.arrive("", "", "tiny")  # stopped by the reader: it is not begun again behind their back
    assert len(services.libraries.jobs()) == 1


def test_where_a_library_is_there_nothing_is_built(handlers, services, engine):
    fill_library(services, engine)
    view = handlers.arrive("", "", "tiny")
    assert services.libraries.jobs() == []
    assert view.library["value"] == "ward"
    assert view.hits.state == "empty"
    assert "film on screen" in view.hits.message


def test_folders_come_from_a_list_below_the_readers_data(handlers, services, tmp_path):
    assert handlers.list_folders()["choices"] == []
    imports = services.libraries.root / "imports"
    (imports / "ward 3").mkdir(parents=True)
    (imports / "ward 3" / "a.txt").write_text("The heart is enlarged.")
    (imports / "out").symlink_to(tmp_path)
    (imports / ".hidden").mkdir()
    assert handlers.list_folders()["choices"] == ["ward 3"]
    for wrong in ("", "..", "/etc", "out", "../../x"):
        assert "Choose a folder first" in handlers.add_folder("new", wrong, "tiny").said.text
    started = handlers.add_folder("new", "ward 3", "tiny")
    job = services.libraries.job(started.job.id)
    assert str(imports / "ward 3") in jobs.command_of(job.path)
    handlers.stop(send(id=job.id))
    wait_for(job, "stopped", "finished")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "<img src=x>", "x" * 61])
def test_a_library_name_that_is_none_starts_nothing(handlers, uploaded, services, name):
    pending = handlers.take_table(uploaded(TABLE)).pending
    started = handlers.add_table(name, pending, "tiny", "report text", *[""] * (len(PARTS) - 1))
    assert "name" in started.said.text
    assert services.libraries.jobs() == []
    assert Path(pending).exists()  # what was chosen is still there


def test_without_a_column_of_words_nothing_starts(handlers, uploaded, services):
    pending = handlers.take_table(uploaded(TABLE)).pending
    started = handlers.add_table("new", pending, "tiny", *[""] * len(PARTS))
    assert "report's words" in started.said.text
    assert services.libraries.jobs() == []


@pytest.mark.parametrize("job", ["", "..", "20261124-153000-a1b2c3", "../../etc", None, 5])
def test_a_job_that_is_none_is_one_sentence(handlers, job):
    for act in (handlers.stop, handlers.resume, handlers.dismiss):
        said = act(send(id=job)).said.text
        assert said
        assert "Something went wrong" not in said


def test_a_library_that_was_deleted_meanwhile_is_one_sentence(services, engine):
    path = fill_library(services, engine)
    services.libraries.open("ward")
    shutil.rmtree(path)
    with pytest.raises(LibraryError, match="no library 'ward' any more"):
        services.libraries.open("ward")


def test_where_the_data_cannot_be_written_libraries_live_in_the_private_folder(services, tmp_path):
    from app.libraries import Libraries

    (tmp_path / "file").write_text("not a folder")
    libraries = Libraries(replace(services.settings, data=tmp_path / "file"), services.folder)
    assert libraries.root.is_relative_to(services.folder.root)
    assert not libraries.is_kept
    on_space = Libraries(replace(services.settings, data=None, on_space=True), services.folder)
    assert on_space.root.is_relative_to(services.folder.root)
    assert json.dumps(on_space.names()) == "[]"
