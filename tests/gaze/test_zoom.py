"""Worked examples: a look at a known place of the screen lands on the right pixel of the film, at every zoom."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import egma
from egma.errors import GazeError
from egma.gaze.formats.columns import ColumnMapping, guess_mapping
from egma.gaze.formats.head import read_head
from egma.gaze.transcript import build_sentence_maps, split_words
from egma.testing.gaze import (
    REFLACX_FIXATIONS,
    build_track,
    invented_dicom_id,
    write_csv,
    write_eyegaze,
)

# A film of 2,000 x 1,600 (rows x columns) on a screen of 3,840 x 2,160. First it is shown whole: 1.08 screen pixels a
# film pixel, 1,728 x 2,160 of them from column 1,056 on. Then its columns 800 to 1,200 and rows 500 to 1,000 fill the
# same rectangle: 4.32 screen pixels a film pixel, and a degree (101.52 screen pixels) is 23.5 film pixels, not 94.
WHOLE = [0, 0, 1600, 2000, 1056, 0, 2784, 2160]
NEAR = [800, 500, 1200, 1000, 1056, 0, 2784, 2160]
#        screen pixel    film pixel
LOOKS = [
    ((1056, 0), (0, 0), WHOLE),  # the film's corner
    ((1920, 1080), (800, 1000), WHOLE),  # its middle
    ((1056, 0), (800, 500), NEAR),  # the same corner of the screen is now column 800, row 500
    ((1920, 1080), (1000, 750), NEAR),
    ((2784, 2160), (1200, 1000), NEAR),
    ((1056 - 432, 1080), (700, 750), NEAR),  # beside what is shown, but on the film: kept where it was
    ((0, 1080), (800 - 1056 / 4.32, 750), NEAR),
    ((0, 0), (-1056 / 1.08, 0), WHOLE),  # beside the film: negative, never put on its border
]


def screen_table(folder: Path) -> Path:
    names = [name for name in REFLACX_FIXATIONS if "shown" in name or "screen" in name]
    rows = [[*screen, 0.3 * at, 0.3 * at + 0.2, *shown] for at, (screen, _, shown) in enumerate(LOOKS)]
    return write_csv(folder / "screen.csv", ["x_screen", "y_screen", "start_s", "end_s", *names], rows)


def test_screen_pixels_follow_zoom_and_pan_onto_the_film(tmp_path: Path) -> None:
    path = screen_table(tmp_path)
    mapping = ColumnMapping(x="x_screen", y="y_screen", start="start_s", end="end_s", frame="screen")
    track = egma.load_gaze(path, mapping=mapping)
    assert np.allclose(track.xy_px, [film for _, film, _ in LOOKS])
    guessed = guess_mapping(read_head(path))
    assert guessed is not None and guessed.frame == "screen"


def test_screen_pixels_without_the_rectangles_are_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", ["x_screen", "y_screen", "start_s", "end_s"], [[5, 6, 0, 1]])
    with pytest.raises(GazeError, match="screen pixels can be placed on the film only where the file says"):
        egma.load_gaze(path)


def reflacx_rows() -> list[list[object]]:
    """The same looks as REFLACX has them: film pixels already, with the zoom of the moment beside them."""
    degree = {id(WHOLE): 94.0, id(NEAR): 23.5}
    rows: list[list[object]] = []
    for at, (_, (x, y), shown) in enumerate(LOOKS):
        degrees = [degree[id(shown)]] * 2
        rows.append([0.3 * at, 0.3 * at + 0.2, x, y, 1.0, *degrees, 1.0, 0.5, *shown])
    return rows


def test_reflacx_s_positions_are_film_pixels_whatever_was_shown(tmp_path: Path) -> None:
    track = egma.load_gaze(write_csv(tmp_path / "a" / "fixations.csv", REFLACX_FIXATIONS, reflacx_rows()))
    assert np.allclose(track.xy_px, [film for _, film, _ in LOOKS])
    assert track.on_image((2000, 1600)).tolist() == [True] * 7 + [False]


def test_zoomed_in_a_look_is_narrow_and_stays_within_what_was_shown(tmp_path: Path) -> None:
    """One degree is 94 film pixels on the whole film and 23.5 when zoomed in, and nothing was seen beyond the cut."""
    rows = reflacx_rows()
    for row, sigma, shown in ((1, 94.0, WHOLE), (3, 23.5, NEAR)):
        track = egma.load_gaze(write_csv(tmp_path / str(row) / "fixations.csv", REFLACX_FIXATIONS, [rows[row]]))
        heat = track.density((2000, 1600)).astype(np.float64)
        x, y = LOOKS[row][1]
        assert np.unravel_index(heat.argmax(), heat.shape) == (y, x)
        assert heat[y, x + round(sigma)] / heat[y, x] == pytest.approx(np.exp(-0.5 * (round(sigma) / sigma) ** 2), 1e-3)
        outside = heat.copy()
        outside[shown[1] : shown[3], shown[0] : shown[2]] = 0
        assert outside.sum() == 0


def test_eyegaze_s_screen_lands_on_the_film_by_the_sheet_s_paddings(tmp_path: Path) -> None:
    """x = (FPOGX * 1920 - left) * W / (1920 - left - right), which X_ORIGINAL holds cut to whole pixels."""
    shape = (2544, 3056)  # landscape: 1,297.4 x 1,080 screen pixels, 311.3 beside it on either side
    track = build_track(3, shape, ["One two three four five six seven eight nine ten"] * 3)
    beside = track.xy_px.copy()
    beside[4] = [-500.0, 1200.0]
    read = egma.load_gaze(
        write_eyegaze(tmp_path, {invented_dicom_id(1): replace(track, xy_px=beside)}, dirty=False) / "fixations.csv"
    )
    assert np.abs(read.xy_px - beside).max() < 3, "the look beside the film is put back to half a screen pixel"
    assert read.xy_px[4, 0] < 0
    assert read.frame_hw is not None and np.abs(np.subtract(read.frame_hw, shape)).max() <= 1


def test_an_eyegaze_recording_of_another_film_is_noticed_by_its_size(tmp_path: Path) -> None:
    track = build_track(3, (800, 700))
    read = egma.load_gaze(write_eyegaze(tmp_path, {invented_dicom_id(1): track}, dirty=False) / "fixations.csv")
    assert len(read.for_film((800, 700))) == len(track)
    with pytest.raises(GazeError, match="choose the film it was recorded on"):
        read.for_film((1600, 1400))


def test_without_paddings_the_size_is_not_guessed(tmp_path: Path) -> None:
    root = write_eyegaze(tmp_path, {invented_dicom_id(1): build_track(3)}, dirty=False)
    (root / "master_sheet.csv").unlink()
    assert egma.load_gaze(root / "fixations.csv").frame_hw is None


def test_times_before_the_dictation_belong_to_its_first_sentence(tmp_path: Path) -> None:
    """REFLACX counts from the start of the audio: looks before it have negative times and are the first sentence's."""
    track = build_track(2, (400, 350))
    early = replace(track, start_s=track.start_s - 3.0, words=tuple(
        replace(word, start_s=word.start_s - 3.0, end_s=word.end_s - 3.0) for word in track.words))  # fmt: skip
    assert early.start_s[0] == -3.0
    assert split_words(early.words)[0].gaze_from_s == -np.inf
    maps, shifted = (build_sentence_maps(each, (400, 350), (10, 10)) for each in (track, early))
    assert np.array_equal(maps.heat, shifted.heat) and shifted.has_gaze.all()
