"""A recording that is not on its film is refused in one sentence: how much of it, what frame it seems, what to do."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from egma.errors import GazeError
from egma.gaze import load_gaze
from egma.gaze.describe import describe_recording
from egma.gaze.frame import LARGEST_FILM_PX, guess_frame
from egma.gaze.track import GazeTrack
from egma.testing.gaze import build_track, invented_dicom_id, write_eyegaze

SHAPE = (800, 700)


def track_at(xy: np.ndarray) -> GazeTrack:
    """Looks at places, 0.3 s each, of a recording that says nothing of its film."""
    start_s = 0.4 * np.arange(len(xy))
    return GazeTrack(np.asarray(xy, np.float64), start_s, np.full(len(xy), 0.3))


def on_film(count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).uniform([20, 20], [SHAPE[1] - 20, SHAPE[0] - 20], (count, 2))


def moved(x: float, y: float, scale: float = 1) -> np.ndarray:
    return on_film() * scale + np.array([x, y])


CASES = {
    "a mark for lost gaze": (np.full((30, 2), 99999.0), "neither a film nor a screen reaches"),
    "beside it on the left": (moved(-9000, 0), "neither a film nor a screen reaches"),
    "counted from the middle": (moved(-350, -400), "counted from the film's middle; add half of its width"),
    "counted from its right end": (moved(-700, 0), "from another point than the film's top left corner"),
    "fractions from the middle": (moved(-1, -1, 1 / 400), "fractions counted from the middle"),
    "pixels of a screen": (moved(900, 200), "pixels of a screen of 1600 x 1200 or of a larger film"),
    "pixels of a larger film": (moved(800, 0, 6), "pixels of a larger film; choose the film it was recorded on"),
}


@pytest.mark.parametrize(("xy", "said"), CASES.values(), ids=CASES)
def test_positions_off_the_film_are_named_by_share_frame_and_what_to_do(xy: np.ndarray, said: str) -> None:
    with pytest.raises(GazeError, match="of its looks lie off this film of 800 x 700 pixels") as caught:
        track_at(xy).for_film(SHAPE)
    sentence = str(caught.value)
    assert said in sentence and sentence.count(";") <= 2 and ". " not in sentence


def test_fractions_from_the_middle_of_an_unknown_film_are_one_sentence(tmp_path: Path) -> None:
    lines = [f"{x:.3f},{y:.3f},{0.4 * row},0.3" for row, (x, y) in enumerate(on_film() / 400 - 1)]
    (tmp_path / "lab.csv").write_text("\n".join(["x,y,start,duration", *lines]))
    with pytest.raises(GazeError, match=r"counted from the middle .-1 to 1.; wanted fractions counted from the film's"):
        load_gaze(tmp_path / "lab.csv")


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_a_few_looks_are_refused_where_none_is_on_the_film(rows: int) -> None:
    with pytest.raises(GazeError, match="100% of its looks lie off this film"):
        track_at(np.full((rows, 2), 5000.0)).for_film(SHAPE)
    kept = track_at(np.array([[5000.0, 5000.0], [10.0, 20.0]])).for_film(SHAPE)
    assert len(kept) == 2  # one of two: too few to say


@pytest.mark.parametrize("far", [99999.0, 9e6, -99999.0, -5.0])
def test_without_a_film_looks_that_no_film_can_hold_are_refused(far: float) -> None:
    with pytest.raises(GazeError, match=f"100% of its looks lie off any film .at most {LARGEST_FILM_PX} pixels a side"):
        describe_recording(track_at(np.full((20, 2), far)))


def test_lost_looks_do_not_widen_the_film_that_is_taken() -> None:
    xy = on_film()
    reach = tuple(np.floor(xy.max(axis=0)[::-1]).astype(int) + 1)
    with_lost = np.vstack([xy, [[99999.0, 99999.0], [-32768.0, -32768.0], [np.nan, np.nan]]])
    assert guess_frame(track_at(with_lost)).shape == guess_frame(track_at(xy)).shape == reach
    found = describe_recording(track_at(with_lost))
    assert found.density.sum() == pytest.approx(1, abs=1e-5) and len(found.fixations) == len(with_lost)


@pytest.mark.parametrize("name", ["shown_px", "frame_hw"])
def test_a_recording_that_speaks_of_an_impossible_film_is_refused(name: str) -> None:
    track = build_track(1, SHAPE)
    huge = np.tile([0.0, 0.0, 5e5, 5e5], (len(track), 1)) if name == "shown_px" else (500_000, 500_000)
    with pytest.raises(GazeError, match=r"500000 x 500000 pixels .* no film has more"):
        describe_recording(replace(track, **{"frame_hw": None, name: huge}))


def test_looks_off_the_film_that_the_recording_speaks_of_are_refused() -> None:
    track = replace(build_track(1, SHAPE), xy_px=np.full((len(build_track(1, SHAPE)), 2), 5000.0), frame_hw=None)
    with pytest.raises(GazeError, match="100% of its looks lie off its film of"):
        describe_recording(track)


TABLES = {
    "milliseconds in seconds' columns": (
        "x,y,start_s,duration_s",
        [(5 + row, 5, 400 * row, 300) for row in range(20)],
        "not in seconds: a typical row would last 300 s",
    ),
    "start and duration exchanged": (
        "x,y,start,duration",
        [(5 + row, 5, 0.3 + 0.1 * (row % 3), 0.4 * row) for row in range(20)],
        "start and duration are mixed up",
    ),
    "all at one moment": (
        "x,y,start,duration",
        [(5 + row, 5, 1, 0.3) for row in range(20)],
        "100% of the fixations begin before the one before has ended",
    ),
    "two eyes in one table": (
        "x,y,start,duration",
        [(5 + row // 2, 5, 0.4 * (row // 2), 0.3) for row in range(20)],
        "two eyes or readers are in one table",
    ),
}


@pytest.mark.parametrize(("header", "rows", "said"), TABLES.values(), ids=TABLES)
def test_times_that_one_reader_cannot_have_are_one_sentence(tmp_path: Path, header, rows, said) -> None:
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    (tmp_path / "lab.csv").write_text("\n".join(lines))
    with pytest.raises(GazeError, match=said) as caught:
        load_gaze(tmp_path / "lab.csv")
    assert ". " not in str(caught.value)


def test_fixations_that_touch_by_rounding_are_read(tmp_path: Path) -> None:
    lines = ["x,y,start,duration", *(f"5,{row},{0.3 * row:.1f},0.31" for row in range(20))]
    (tmp_path / "lab.csv").write_text("\n".join(lines))
    assert len(load_gaze(tmp_path / "lab.csv")) == 20


def test_two_fractions_are_fractions(tmp_path: Path) -> None:
    (tmp_path / "lab.csv").write_text("x,y,start,duration\n0.4,0.5,0,0.3\n0.6,0.5,0.4,0.3\n")
    track = load_gaze(tmp_path / "lab.csv")
    assert isinstance(track, GazeTrack) and track.for_film(SHAPE).xy_px == pytest.approx(
        np.array([[280, 400], [420, 400]])
    )


def test_normalised_fields_in_eyegaze_s_columns_of_pixels_are_one_sentence(tmp_path: Path) -> None:
    import csv

    write_eyegaze(tmp_path, {invented_dicom_id(1): build_track(1, SHAPE)})
    with (tmp_path / "fixations.csv").open() as stream:
        header, *rows = list(csv.reader(stream))
    for pixels, share in (("X_ORIGINAL", "FPOGX"), ("Y_ORIGINAL", "FPOGY")):
        for row in rows:
            row[header.index(pixels)] = row[header.index(share)]
    with (tmp_path / "fixations.csv").open("w") as stream:
        csv.writer(stream).writerows([header, *rows])
    with pytest.raises(GazeError, match="X_ORIGINAL and Y_ORIGINAL are in the wrong frame: they run from 0 to 1"):
        load_gaze(tmp_path / "fixations.csv")[0]
