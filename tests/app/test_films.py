"""The store of open films: bounded, by age and by memory; and the way an upload gets in."""

import numpy as np
import pytest

from app.films import FilmClosedError, FilmStore, OpenFilm, example_key, load_upload
from app.views.pixels import draw_film
from egma.errors import FilmError
from egma.types import Study


def study(value: float = 0.5, side: int = 100) -> Study:
    return Study(np.full((side, side), value, np.float32), None)


def test_a_film_is_found_by_an_id_nobody_can_guess(tmp_path):
    store = FilmStore(tmp_path)
    film = store.add(study(), "Your film")
    assert store.find(film.key) is film
    assert len(film.key) == 32
    assert film.picture.path.is_file()


def test_the_least_recently_used_film_is_closed_when_memory_asks_for_it(tmp_path):
    store = FilmStore(tmp_path, max_bytes=2 * 100 * 100 * 6)
    first, second = store.add(study(), "a"), store.add(study(), "b")
    store.find(first.key)
    third = store.add(study(), "c")
    assert store.find(first.key) and store.find(third.key)
    with pytest.raises(FilmClosedError, match="Open it again"):
        store.find(second.key)
    assert not second.picture.path.exists()


def test_the_newest_film_stays_whatever_its_size(tmp_path):
    store = FilmStore(tmp_path, max_bytes=1)
    film = store.add(study(), "a")
    assert store.find(film.key) is film


def test_a_film_nobody_has_used_for_an_hour_is_closed(tmp_path):
    now = [0.0]
    store = FilmStore(tmp_path, clock=lambda: now[0])
    film = store.add(study(), "a")
    now[0] = 3601
    store.trim()
    assert len(store) == 0
    assert not film.picture.path.exists()


def test_the_film_every_page_opens_with_is_never_closed(tmp_path):
    now = [0.0]
    store = FilmStore(tmp_path, max_bytes=1, clock=lambda: now[0])
    store.pinned.add("example-a")
    film = store.add(study(), "a", key="example-a")
    now[0] = 1e6
    store.add(study(), "b")
    store.trim()
    assert store.find("example-a") is film
    assert film.picture.path.is_file()


def test_a_closed_example_opens_itself_again(tmp_path):
    store = FilmStore(tmp_path)

    def reopen(key: str) -> OpenFilm:
        return store.add(study(), "again", key=key)

    store.reopen = reopen
    assert store.find(example_key("x")).title == "again"


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "x" * 100_000, "\0", "example-"])
def test_an_unknown_id_is_one_clear_sentence(tmp_path, key):
    with pytest.raises(FilmClosedError):
        FilmStore(tmp_path).find(key)


def test_an_upload_is_deleted_once_read(tmp_path):
    upload = tmp_path / "film-1"
    upload.write_bytes(b"x")
    seen = []

    def load(path):
        seen.append(path.read_bytes())
        return study()

    load_upload(upload, tmp_path, load)
    assert seen == [b"x"]
    assert not upload.exists()


def test_an_upload_is_deleted_even_when_it_is_no_film(tmp_path):
    upload = tmp_path / "film-1"
    upload.write_bytes(b"x")

    def load(path):
        raise FilmError("No film.")

    with pytest.raises(FilmError, match="No film"):
        load_upload(upload, tmp_path, load)
    assert not upload.exists()


def test_a_path_outside_the_upload_folder_is_refused_and_left_alone(tmp_path):
    outside = tmp_path / "mine"
    outside.write_bytes(b"x")
    inside = tmp_path / "uploads"
    inside.mkdir()
    (inside / "link").symlink_to(outside)
    for path in (outside, inside / ".." / "mine", inside / "link"):
        with pytest.raises(FilmError, match="not uploaded here"):
            load_upload(path, inside, lambda path: study())
    assert outside.exists()


def test_a_vanished_upload_is_one_clear_sentence(tmp_path):
    with pytest.raises(FilmError, match="Open the film again"):
        load_upload(tmp_path / "gone", tmp_path, lambda path: study())


def test_a_picture_keeps_all_sixteen_bits(tmp_path):
    from PIL import Image

    from egma.types import Display

    values = np.random.default_rng(0).integers(0, 65536, (37, 53)).astype(np.uint16)
    film = Study((values / 65535).astype(np.float32), (0.2, 0.1), display=Display(values, 30_000.0, 20_000.0, "file"))
    picture = draw_film(film, tmp_path / "film.png")
    back = np.asarray(Image.open(picture.path)).astype(np.uint16)
    assert np.array_equal(back[..., 0] * 256 + back[..., 1], values)
    assert (picture.center, picture.width) == (30_000.0, 20_000.0)
    assert picture.spacing_mm == (0.2, 0.1)


def test_a_large_film_is_reduced_and_its_spacing_with_it(tmp_path):
    film = Study(np.full((4096, 1024), 0.25, np.float32), (0.1, 0.1))
    picture = draw_film(film, tmp_path / "film.png")
    assert (picture.height_px, picture.width_px) == (2048, 512)
    assert picture.spacing_mm == pytest.approx((0.2, 0.2))


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1)])
def test_a_film_of_any_shape_has_a_picture(tmp_path, shape):
    picture = draw_film(Study(np.zeros(shape, np.float32), None), tmp_path / "film.png")
    assert picture.path.is_file()
    assert min(picture.width_px, picture.height_px) >= 1
