"""An archive of films: found by film and by words, resumed, never led outside, broken films listed and passed over."""

from __future__ import annotations

import csv
import json
import os
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from egma.__main__ import main
from egma.archive import FilmArchive, embed_folder
from egma.archive.files import UNREADABLE_NAME, find_films, thumbnail_path
from egma.archive.reading import draw_thumbnail, read_ahead
from egma.errors import DataError, EgmaError
from egma.imaging import load_study
from egma.testing import tiny_engine
from egma.testing.dicom import write_dicom
from egma.types import Study


def write_png(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    y, x = np.mgrid[0:90, 0:70]
    noise = np.random.default_rng(seed).normal(0, 8, (90, 70))
    pixels = 127 + 80 * np.sin(x / (3 + seed)) * np.cos(y / 9) + noise
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def engine():
    return tiny_engine()


@pytest.fixture
def films(tmp_path) -> Path:
    folder = tmp_path / "films"
    for seed in range(5):
        write_png(folder / ("a" if seed % 2 else "b") / f"{seed}.png", seed)
    write_dicom(folder / "IM0001", (np.random.default_rng(9).random((64, 48)) * 4000).astype(np.uint16), bits_stored=12)
    return folder


def test_every_film_is_found_by_itself_first(engine, films, tmp_path):
    done = embed_folder(engine, films, tmp_path / "store")
    assert (done.found, done.added, done.kept, done.gone, done.unreadable) == (6, 6, 0, 0, ())
    archive = FilmArchive.open(tmp_path / "store")
    assert len(archive) == 6
    for file in find_films(films, tmp_path / "store"):
        first = archive.search_film(engine, load_study(file.path), 3)[0]
        assert (first.id, first.file, first.is_same) == (file.id, file.name, True)
        assert first.score == pytest.approx(1.0, abs=1e-5)
        assert archive.original(first.id) == file.path.resolve()
        with Image.open(first.thumbnail) as picture:
            assert picture.format == "JPEG"
            assert max(picture.size) <= 256
    archive.close()


def test_words_order_films_by_their_cosine(engine, films, tmp_path):
    embed_folder(engine, films, tmp_path / "store")
    archive = FilmArchive.open(tmp_path / "store")
    hits = archive.search_words(engine, "left  pleural\neffusion", 6)
    words = engine.embed_texts(["left pleural effusion"])[0]
    wanted = [float(engine.embed_studies([load_study(films / hit.file)]).globals[0] @ words) for hit in hits]
    assert [hit.score for hit in hits] == pytest.approx(wanted, abs=1e-5)
    assert wanted == sorted(wanted, reverse=True)
    with pytest.raises(EgmaError):
        archive.search_words(engine, " ")
    archive.close()


def test_a_second_run_embeds_only_what_is_new_or_changed(engine, films, tmp_path):
    store = films / "store"  # inside the folder: its thumbnails must not be taken for films
    embed_folder(engine, films, store)
    write_png(films / "new.png", 31)
    write_png(films / "a" / "1.png", 32)
    os.utime(films / "a" / "1.png", ns=(1, 1))
    (films / "b" / "0.png").unlink()
    again = embed_folder(engine, films, store)
    assert (again.found, again.added, again.kept, again.gone) == (6, 2, 4, 1)
    archive = FilmArchive.open(store)
    assert archive.search_film(engine, load_study(films / "a" / "1.png"), 1)[0].is_same
    archive.close()


def test_a_run_that_was_stopped_goes_on_where_it_was(engine, tmp_path):
    folder = tmp_path / "films"
    for seed in range(20):
        write_png(folder / f"{seed:02}.png", seed)
    half = embed_folder(engine, folder, tmp_path / "store", should_stop=lambda: True)
    assert half.stopped
    assert half.added == 8
    told: list[tuple[int, int, int]] = []
    rest = embed_folder(engine, folder, tmp_path / "store", progress=lambda *said: told.append(said))
    assert (rest.added, rest.kept) == (12, 8)
    assert told[-1] == (12, 12, 0)


def test_broken_films_are_listed_with_their_reason_and_passed_over(engine, films, tmp_path):
    (films / "=cmd.dcm").write_text("Dear colleague, " * 50)
    (films / "empty.png").write_bytes(b"")
    (films / "notes.txt").write_text("not a film, and not looked at")
    done = embed_folder(engine, films, tmp_path / "store")
    assert done.added == 6
    assert sorted(name for name, _ in done.unreadable) == ["=cmd.dcm", "empty.png"]
    with (tmp_path / "store" / UNREADABLE_NAME).open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert sorted(row["file"] for row in rows) == ["'=cmd.dcm", "empty.png"]
    assert all(row["problem"].endswith(".") and "Traceback" not in row["problem"] for row in rows)
    (films / "=cmd.dcm").unlink()
    (films / "empty.png").unlink()
    embed_folder(engine, films, tmp_path / "store")
    assert not (tmp_path / "store" / UNREADABLE_NAME).exists()


def test_links_hidden_files_and_dicomdir_are_left_alone(films, tmp_path):
    outside = write_png(tmp_path / "outside.png", 40)
    (films / "link.png").symlink_to(outside)
    (films / "linked").symlink_to(tmp_path, target_is_directory=True)
    write_png(films / ".hidden.png", 41)
    (films / "DICOMDIR").write_bytes(b"\0" * 200)
    assert [file.name for file in find_films(films, tmp_path / "store")] == [
        "IM0001", "a/1.png", "a/3.png", "b/0.png", "b/2.png", "b/4.png",
    ]  # fmt: skip


def test_names_of_any_kind_get_an_id_and_lead_nowhere(engine, tmp_path):
    folder = tmp_path / "films"
    names = ["${window.x}<img src=x onerror=1>.png", "x" * 240 + ".png", "new\nline.png"]
    for seed, name in enumerate(names):
        write_png(folder / "plain.png", seed).rename(folder / name)
    embed_folder(engine, folder, tmp_path / "store")
    archive = FilmArchive.open(tmp_path / "store")
    for name in names:
        hit = archive.search_film(engine, load_study(folder / name), 1)[0]
        assert hit.file == name
        assert archive.original(hit.id).name == name
    for wrong in ("../../etc/passwd", "/etc/passwd", "", "nobody"):
        with pytest.raises(DataError, match="no longer in the archive"):
            archive.original(wrong)
    archive.close()
    assert thumbnail_path(tmp_path, "../../x").is_relative_to(tmp_path)


def test_a_film_whose_file_became_a_link_out_is_not_opened(engine, films, tmp_path):
    embed_folder(engine, films, tmp_path / "store")
    outside = write_png(tmp_path / "outside.png", 3)
    (films / "a" / "3.png").unlink()
    (films / "a" / "3.png").symlink_to(outside)
    archive = FilmArchive.open(tmp_path / "store")
    with pytest.raises(DataError, match="no longer in its folder"):
        archive.original("a/3.png")
    archive.close()


def test_a_store_keeps_to_its_folder_and_its_checkpoint(engine, films, tmp_path):
    embed_folder(engine, films, tmp_path / "store")
    other = tmp_path / "other"
    write_png(other / "x.png", 1)
    with pytest.raises(DataError, match="another folder"):
        embed_folder(engine, other, tmp_path / "store")
    with pytest.raises(EgmaError, match=r"checkpoint|made with|model"):
        embed_folder(tiny_engine(7), films, tmp_path / "store")
    archive = FilmArchive.open(tmp_path / "store")
    with pytest.raises(EgmaError):
        archive.search_words(tiny_engine(7), "mass")
    archive.close()


def test_a_folder_that_is_none_and_a_store_that_is_none_are_said_in_one_sentence(engine, tmp_path):
    with pytest.raises(DataError, match="no folder 'nowhere'"):
        embed_folder(engine, tmp_path / "nowhere", tmp_path / "store")
    with pytest.raises(DataError, match="python -m egma embed"):
        FilmArchive.open(tmp_path / "nowhere")


def test_films_are_read_ahead_in_order_and_only_so_far(films, tmp_path, monkeypatch):
    files = list(find_films(films, tmp_path / "store"))
    started: list[str] = []
    lock = threading.Lock()
    from egma.archive import reading

    real = reading.read_film

    def counted(file):
        with lock:
            started.append(file.name)
        return real(file)

    monkeypatch.setattr(reading, "read_film", counted)
    overlapped = read_ahead(files, ahead=2)
    first = next(overlapped)
    assert first.file == files[0]
    assert len(started) <= 3
    assert [film.file for film in overlapped] == files[1:]
    one_by_one = read_ahead(files, ahead=0)
    started.clear()
    next(one_by_one)
    assert len(started) == 1


def test_a_thumbnail_shows_bone_bright_and_keeps_the_shape():
    pixels = np.zeros((600, 300), np.float32)
    pixels[:300] = 1.0
    from io import BytesIO

    with Image.open(BytesIO(draw_thumbnail(Study(pixels, None)))) as picture:
        shown = np.asarray(picture)
    assert shown.shape == (256, 128)
    assert shown[10].mean() > 250
    assert shown[-10].mean() < 5


def test_the_command_answers_in_json_and_refuses_with_status_2(films, tmp_path, capsys):
    from egma.checkpoints import save_checkpoint
    from egma.testing.models import build_tiny_model

    model = build_tiny_model()
    save_checkpoint(model, model.config, tmp_path / "tiny", "# Tiny")
    options = ["--checkpoint", str(tmp_path / "tiny"), "--device", "cpu"]
    assert main(["embed", str(films), "--out", str(tmp_path / "store"), "--json", *options]) == 0
    printed = capsys.readouterr()
    answer = json.loads(printed.out)
    assert (answer["found"], answer["added"], answer["unreadable"]) == (6, 6, [])
    assert "films/s" in printed.err
    assert main(["embed", str(films), "--out", str(tmp_path / "store"), *options]) == 0
    assert "6 kept from before" in capsys.readouterr().out
    assert main(["embed", str(tmp_path / "nowhere"), "--out", str(tmp_path / "s"), *options]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("egma: there is no folder")
