"""The Gaze tab's decisions: real files through the handlers, the tiny engine behind the answers."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gradio.data_classes import FileData, ListFiles
from PIL import Image

from app.gaze.store import MAX_READERS, GazeClosedError, GazeStore, OpenGaze, Reader
from app.gaze.tables import PARTS
from app.tabs.gaze_answers import GazeAnswers
from app.tabs.gaze_handlers import GazeHandlers, GazeView
from app.tabs.gaze_sets import DataSetHandlers
from app.uploads import FilesButton
from app.views.gaze import track_columns
from egma.gaze.simulate import simulate_samples
from egma.testing.gaze import (
    build_track,
    invented_dicom_id,
    reflacx_rows,
    write_csv,
    write_eyegaze,
    write_reflacx,
    write_reflacx_gaze,
    write_reflacx_reading,
)
from tests.app.conftest import make_study, send

SHAPE = (160, 120)
CANARY = "DOE^JOHN"


@pytest.fixture
def handlers(services) -> GazeHandlers:
    return GazeHandlers(services)


@pytest.fixture
def answers(services) -> GazeAnswers:
    return GazeAnswers(services)


@pytest.fixture
def upload(services) -> Callable[..., list[str]]:
    """Copies files to where the framework puts uploads, under names that say nothing."""

    def put(*paths: Path) -> list[str]:
        folder = services.folder.uploads / f"up-{len(list(services.folder.uploads.iterdir()))}"
        folder.mkdir()
        places = [folder / f"film-{number}" for number in range(len(paths))]
        for path, place in zip(paths, places):
            place.write_bytes(path.read_bytes())
        return [str(place) for place in places]

    return put


@pytest.fixture
def reading(tmp_path: Path) -> Path:
    folder = tmp_path / f"{CANARY}-reading"
    write_reflacx_reading(folder, build_track(1, SHAPE))
    return folder


def opened(values: tuple) -> GazeView:
    return GazeView(*values[: len(GazeView._fields)])


def files_left(services) -> list[Path]:
    return [path for path in services.folder.uploads.rglob("*") if path.is_file()]


def test_a_recording_alone_goes_onto_the_film_on_screen(handlers, services, film, upload, reading) -> None:
    files = upload(reading / "fixations.csv", reading / "timestamps_transcription.csv")
    view = opened(handlers.open_files(files, film.key, "", False))
    assert view.said.text == "" and view.film == film.key
    (reader,) = view.viewer.gaze.readers
    assert len(reader.start_s) == len(build_track(1, SHAPE))
    assert [sentence.text for sentence in reader.sentences] == [
        "Small left pleural effusion.",
        "The heart is not enlarged.",
    ]
    assert CANARY not in view.viewer.model_dump_json() and CANARY not in view.line.model_dump_json()
    assert files_left(services) == []  # the recording is in memory; its files are gone


def test_a_film_may_come_along(handlers, film, upload, reading, tmp_path) -> None:
    Image.fromarray((make_study(5).pixels * 255).astype(np.uint8)).save(tmp_path / "film.png")
    view = opened(handlers.open_files(upload(reading / "fixations.csv", tmp_path / "film.png"), film.key, "", False))
    assert view.said.text == "" and view.film != film.key
    assert view.viewer.film_id == view.film and len(view.viewer.gaze.readers) == 1


def test_readers_are_laid_over_each_other_when_asked(handlers, film, upload, reading, tmp_path) -> None:
    write_reflacx_reading(tmp_path / "second", build_track(2, SHAPE))
    first = opened(handlers.open_files(upload(reading / "fixations.csv"), film.key, "", False))
    both = opened(handlers.open_files(upload(tmp_path / "second" / "fixations.csv"), film.key, first.gaze, True))
    assert len(both.viewer.gaze.readers) == 2
    assert len({reader.name for reader in both.viewer.gaze.readers}) == 2
    alone = opened(handlers.open_files(upload(reading / "fixations.csv"), film.key, both.gaze, False))
    assert len(alone.viewer.gaze.readers) == 1


def test_more_readers_than_colours_are_refused(handlers, film, upload, reading, tmp_path) -> None:
    gaze = ""
    for seed in range(2, 2 + MAX_READERS):
        write_reflacx_reading(tmp_path / f"reader-{seed}", build_track(seed, SHAPE))
        another = upload(tmp_path / f"reader-{seed}" / "fixations.csv")
        gaze = opened(handlers.open_files(another, film.key, gaze, True)).gaze
    refused = opened(handlers.open_files(upload(reading / "fixations.csv"), film.key, gaze, True))
    assert "cannot be told apart" in refused.said.text and not isinstance(refused.gaze, str)


def test_the_same_recording_is_no_second_reader(handlers, services, film, upload, reading) -> None:
    first = opened(handlers.open_files(upload(reading / "fixations.csv"), film.key, "", False))
    again = opened(handlers.open_files(upload(reading / "fixations.csv"), film.key, first.gaze, True))
    assert "the same as" in again.said.text and len(services.gaze.find(first.gaze).readers) == 1
    both = opened(
        handlers.open_files(upload(reading / "fixations.csv", reading / "fixations.csv"), film.key, "", False)
    )
    assert "the same as" in both.said.text


def spoil(reading: Path, change: Callable[[list[str], list[list[str]]], None]) -> Path:
    """The reading's fixations with something wrong about them."""
    path = reading / "fixations.csv"
    with path.open() as stream:
        header, *rows = list(csv.reader(stream))
    change(header, rows)
    return write_csv(reading / "spoilt.csv", header, rows)


def not_a_time(header, rows) -> None:
    rows[3][0] = "inf"


def ends_before(header, rows) -> None:
    rows[3][1] = "-5"


def exchanged(header, rows) -> None:
    for row in rows:
        row[2], row[3] = str(float(row[2]) * 0 + 130), str(float(row[3]) * 0 + 5)


def fractions(header, rows) -> None:
    for row in rows:
        row[2], row[3] = "0.4", "0.6"


def empty(header, rows) -> None:
    rows.clear()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (not_a_time, "times must be finite numbers"),
        (ends_before, "cannot end before it starts"),
        (exchanged, "mixed up"),
        (fractions, "wrong frame"),
        (empty, "empty"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_bad_recording_is_one_sentence_and_nothing_is_lost(
    handlers, services, film, upload, reading, change, said
) -> None:
    before = opened(handlers.open_files(upload(reading / "fixations.csv"), film.key, "", False))
    refused = opened(handlers.open_files(upload(spoil(reading, change)), film.key, before.gaze, False))
    assert said in refused.said.text and refused.said.text.count(". ") == 0
    assert all(not isinstance(each, str) for each in (refused.film, refused.gaze))  # what is on screen stays
    assert len(services.gaze.find(before.gaze).readers) == 1
    assert files_left(services) == []


def test_a_recording_for_another_film_is_one_sentence(handlers, services, upload, reading) -> None:
    small = services.films.add(make_study(1, (60, 50)), "Small")
    refused = opened(handlers.open_files(upload(reading / "fixations.csv"), small.key, "", False))
    assert "another film" in refused.said.text


def test_files_from_elsewhere_are_not_opened(handlers, film, reading) -> None:
    refused = opened(handlers.open_files([str(reading / "fixations.csv")], film.key, "", False))
    assert "not uploaded here" in refused.said.text and (reading / "fixations.csv").is_file()


def write_lab_table(path: Path, columns: str = "gx,gy,begin,stop") -> Path:
    track = build_track(3, SHAPE)
    rows = np.column_stack([track.xy_px, track.start_s * 1000, track.end_s * 1000])
    lines = [",".join(f"{cell:.2f}" for cell in row) for row in rows.tolist()]
    path.write_text("\n".join([columns, *lines]))
    return path


def test_a_table_shows_its_columns_and_opens_once_they_are_confirmed(
    handlers, services, film, upload, tmp_path
) -> None:
    values = handlers.open_files(upload(write_lab_table(tmp_path / "lab.csv")), film.key, "", False)
    view, (pending, preview, *parts) = opened(values), values[len(GazeView._fields) :]
    assert view.viewer.gaze.readers == [] and view.said.text == ""
    assert view.columns["visible"] and preview["value"]["headers"] == ["gx", "gy", "begin", "stop"]
    guess = dict(zip((*PARTS, "frame", "unit"), (each["value"] for each in parts)))
    assert (guess["start"], guess["end"]) == ("begin", "stop")
    chosen = {**guess, "x": "gx", "y": "gy", "unit": "ms"}
    wrong = handlers.confirm_columns(pending, film.key, view.gaze, False, *({**chosen, "y": "gx"}).values())
    assert "both x and y" in wrong.said.text
    right = handlers.confirm_columns(pending, film.key, view.gaze, False, *chosen.values())
    assert right.said.text == "" and len(right.viewer.gaze.readers[0].start_s) == len(build_track(3, SHAPE))
    assert right.viewer.gaze.readers[0].start_s[-1] == pytest.approx(build_track(3, SHAPE).start_s[-1], abs=0.01)
    assert files_left(services) == []


@pytest.mark.parametrize("pending", ["", "../../etc", "gaze-none", "/etc/passwd", "gaze-\0"])
def test_a_table_that_does_not_wait_here_is_not_opened(handlers, film, pending) -> None:
    refused = handlers.confirm_columns(pending, film.key, "", False, *("x", "y") * 5)
    assert "no longer there" in refused.said.text or "Something went wrong" not in refused.said.text


def test_hostile_headers_travel_as_text(handlers, film, upload, tmp_path) -> None:
    evil = "<img src=x onerror=alert(1)>${1}"
    values = handlers.open_files(upload(write_lab_table(tmp_path / "lab.csv", f"x,y,{evil},stop")), film.key, "", False)
    assert evil in values[len(GazeView._fields) + 1]["value"]["headers"]


def test_a_file_of_many_recordings_is_chosen_from(handlers, film, upload, tmp_path) -> None:
    names = [invented_dicom_id(number) for number in (1, 2)]
    write_eyegaze(tmp_path / "set", {name: build_track(at, SHAPE) for at, name in enumerate(names)})
    view = opened(handlers.open_files(upload(tmp_path / "set" / "fixations.csv"), film.key, "", False))
    assert "holds 2 recordings" in view.said.text and view.choice["visible"]
    chosen = handlers.choose_recording(names[1], film.key, view.gaze, False)
    assert chosen.said.text == "" and chosen.viewer.gaze.readers[0].name == names[1]
    assert "recording is called" in handlers.choose_recording("nonsense", film.key, view.gaze, False).said.text


def test_a_data_set_is_indexed_behind_the_page_and_brings_its_films(services, handlers, film) -> None:
    root = services.settings.data / "gaze" / "readings"
    write_reflacx(root, {"P300R000001": build_track(1, SHAPE), "P300R000002": build_track(2, SHAPE)})
    dicom_id = invented_dicom_id(0)
    Image.fromarray((make_study(7).pixels * 255).astype(np.uint8)).save(root / f"{dicom_id}.png")
    sets = DataSetHandlers(services)
    assert services.gaze_library.names() == ["readings"]
    view = sets.open_data_set("readings", film.key, "")
    for _ in range(200):
        if view.watching.active is False:
            break
        time.sleep(0.02)
        view = sets.watch_data_set("readings", film.key, "")
    assert "2 recordings, 1 film found" in view.progress.text
    first = handlers.choose_recording("P300R000001", film.key, view.gaze, False)
    assert first.said.text == "" and first.film != film.key and first.viewer.title == f"Film {dicom_id[:8]}"
    second = handlers.choose_recording("P300R000002", first.film, first.gaze, False)
    assert "names" in second.said.text and "this film is" in second.said.text  # its own film is not in the folder
    assert len(services.gaze.find(first.gaze).readers) == 1


@pytest.mark.parametrize("name", ["..", "/etc", "nothing", ""])
def test_a_data_set_is_a_name_of_the_list(services, film, name) -> None:
    view = DataSetHandlers(services).open_data_set(name, film.key, "")
    assert view.said.text == (
        "" if not name else "There is no such data set any more; reload the page to see which are."
    )


def test_the_example_is_a_phantom_and_says_simulated_everywhere(handlers, answers) -> None:
    view = handlers.open_example("effusion")
    (reader,) = view.viewer.gaze.readers
    assert reader.simulated and reader.sentences and len(reader.shown) > 1 and len(reader.window) > 1
    assert "simulated" in view.line.facts[0]
    assert any("nobody was recorded" in sentence for sentence in view.notices.sentences)
    menus = answers.follow(view.film, view.gaze)
    assert "Simulated gaze" in menus.regions.notes[0] and "effusion" in [row[0] for row in menus.regions.rows]
    assert handlers.open_example(None).said.text == ""
    assert "no longer there" in handlers.open_example("nonsense").said.text


def test_an_example_opens_again_after_it_was_closed(handlers, services) -> None:
    view = handlers.open_example("effusion")
    services.gaze._open.clear()
    assert services.gaze.find(view.gaze).simulated
    with pytest.raises(GazeClosedError, match="Open it again"):
        services.gaze.find("forgotten")


def test_the_store_keeps_the_newest_within_its_budget() -> None:
    store = GazeStore(max_bytes=150 * len(build_track(1)))
    keys = [store.add(OpenGaze("film", readers=(Reader("a", build_track(1)),))).key for _ in range(3)]
    assert len(store) == 1 and store.find(keys[-1]).readers
    store.max_age_s = -1.0
    store.trim()
    assert len(store) == 0


def test_raw_samples_become_fixations_and_stay_for_an_export(
    handlers, services, answers, film, upload, tmp_path
) -> None:
    samples = simulate_samples(build_track(1, SHAPE), rate_hz=120, seed=1)
    write_reflacx_gaze(tmp_path / "gaze", samples)
    view = opened(handlers.open_files(upload(tmp_path / "gaze" / "gaze.csv"), film.key, "", False))
    assert f"detected in {len(samples):,} samples" in view.line.facts[0]
    made = answers.export([], True, film.key, view.gaze, "")
    (path,) = made.files
    assert Path(path).name == "egma-gaze-recorded-samples.csv"
    assert len(Path(path).read_text().splitlines()) == len(samples) + 1


def test_very_long_recordings_are_sent_in_groups(monkeypatch) -> None:
    monkeypatch.setattr("app.views.gaze.MOST_ROWS", 5)
    columns = track_columns(build_track(1, SHAPE), SHAPE)
    assert columns.merged == -(-len(build_track(1, SHAPE)) // 5) and len(columns.start_s) <= 5


def test_model_and_reader_are_compared_by_sentence(handlers, answers) -> None:
    view = handlers.open_example("mass")
    found = answers.compare(view.film, view.gaze, "1", "0", "")
    assert found.said.text == "" and found.versus.title.startswith("“")
    assert [row.name for row in found.versus.rows][:3] == ["AUC-Judd", "Shuffled AUC", "NSS"]
    assert all(row.ceiling is not None for row in found.versus.rows if row.name != "Shuffled AUC")  # three readers
    assert all(row.floor is not None and row.meaning for row in found.versus.rows if row.name != "Shuffled AUC")
    assert "simulated gaze" in found.versus.reader_label
    clicked = answers.compare_clicked(view.film, view.gaze, "", send(index=2, reader=f"{view.gaze}-0"))
    assert clicked.versus.title != found.versus.title and clicked.sentence["value"] == "2"
    whole = answers.compare(view.film, view.gaze, "0", "whole", "")
    assert "expected gaze" in whole.versus.title


@pytest.mark.parametrize("sentence", [None, "", "99", "-1", "²", "whole "])
def test_a_sentence_that_is_not_there_is_one_sentence(handlers, answers, sentence) -> None:
    view = handlers.open_example("effusion")
    assert "choose a sentence" in answers.compare(view.film, view.gaze, "0", sentence, "").said.text.lower()


def test_expected_gaze_is_labelled_predicted_with_and_without_a_recording(handlers, answers, film) -> None:
    alone = answers.expect(film.key, "", "")
    assert alone.viewer.gaze.predicted.label.startswith("Predicted") and alone.viewer.gaze.readers == []
    assert "not known here" in alone.agreement.notes[1]
    view = handlers.open_example("effusion")
    beside = answers.expect(view.film, view.gaze, "")
    assert beside.viewer.gaze.readers and beside.agreement.rows[0][0].startswith("simulated")
    assert "(" in beside.agreement.rows[0][1] and "floor" in beside.agreement.head[1]
    data = beside.viewer.gaze.predicted
    assert np.mean([value for value in data.data if value is not None]) == pytest.approx(1, abs=0.01)


def test_files_say_simulated_and_hold_no_samples_unless_asked(handlers, answers, services) -> None:
    view = handlers.open_example("effusion")
    made = answers.export(["density", "regions", "sentences", "nonsense"], False, view.film, view.gaze, "")
    assert sorted(Path(path).name for path in made.files) == [
        "egma-gaze-sentences.csv",
        "egma-gaze-simulated-density.npy",
        "egma-gaze-simulated-regions.csv",
    ]
    density = np.load(next(path for path in made.files if path.endswith(".npy")))
    assert density.shape == (1024, 1024) and density.sum() == pytest.approx(1, abs=1e-4)
    assert all(Path(path).is_relative_to(services.folder.uploads) for path in made.files)
    assert "at least one" in answers.export([], False, view.film, view.gaze, "").said.text


def test_without_a_recording_answers_say_so(answers, film) -> None:
    assert "no recording is open" in answers.compare(film.key, "", "0", "0", "").said.text.lower()
    assert "no recording is open" in answers.export(["density"], False, film.key, "", "").said.text.lower()
    assert answers.follow(film.key, "").regions.rows == []


def test_the_tab_shows_the_film_of_the_study_tab_until_something_is_open(handlers, services, film) -> None:
    other = services.films.add(make_study(4), "Other")
    assert handlers.show(film.key, "", other.key).film == other.key
    view = handlers.open_example("effusion")
    assert not isinstance(handlers.show(view.film, view.gaze, other.key).film, str)
    back = handlers.use_study_film(other.key)
    assert (back.film, back.gaze) == (other.key, "")


def test_the_button_hands_on_every_file_of_an_upload() -> None:
    button = FilesButton(file_count="multiple", render=False)
    files = [FileData(path="a"), FileData(path="b")]
    assert button.preprocess(ListFiles(root=files)) == ["a", "b"]
    assert button.preprocess(files[0]) == ["a"] and button.preprocess(None) == []


def test_reflacx_rows_are_what_the_fixture_writes() -> None:
    assert len(reflacx_rows(build_track(1, SHAPE), with_end=True)) == len(build_track(1, SHAPE))
