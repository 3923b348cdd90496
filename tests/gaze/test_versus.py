"""Model against reader: one unit, a floor, a ceiling, and what cannot be compared refused."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from egma.errors import GazeError
from egma.gaze.describe import describe_recording
from egma.gaze.export import write_samples_csv, write_sentences_csv
from egma.gaze.frame import guess_frame
from egma.gaze.meaning import MEASURES, measure_lines, write_measures_csv
from egma.gaze.merge import merge_rows
from egma.gaze.metrics import centre_bias
from egma.gaze.regions import BoxRegion, film_sixths, measure_regions, write_regions_csv
from egma.gaze.replay import MOST_FRAMES, draw_replay_gif
from egma.gaze.track import GazeTrack, Word
from egma.gaze.versus import MEASURED_SIDE_PX, as_spread, compare_with_reader, measured_shape, resize_track, shrink_map
from egma.testing.gaze import build_track
from egma.types import Study

SHAPE = (800, 700)


def track_at(*xy: tuple[float, float], **changes: object) -> GazeTrack:
    count = len(xy)
    values = {"xy_px": np.array(xy, np.float64), "start_s": np.arange(count) * 0.5, "duration_s": np.full(count, 0.3)}
    return GazeTrack(**(values | changes))  # type: ignore[arg-type]


def test_a_map_equal_to_the_readers_density_agrees_with_it_and_differs_nowhere() -> None:
    track = build_track(1, SHAPE)
    found = compare_with_reader(track.density(SHAPE), track)
    assert found.measures.cc > 0.99 and found.measures.sim > 0.97 and found.measures.kl < 0.02
    assert np.abs(found.difference).mean() < 0.05
    assert found.measures.information_gain > 1 > found.floor.information_gain == pytest.approx(0, abs=1e-9)


def test_maps_are_in_times_an_even_spread() -> None:
    found = compare_with_reader(np.random.default_rng(0).random(SHAPE), build_track(2, SHAPE))
    assert found.model.shape == measured_shape(SHAPE) and max(found.model.shape) == MEASURED_SIDE_PX
    assert found.model.mean() == pytest.approx(1, abs=1e-5)
    assert found.reader.mean() == pytest.approx(1, abs=1e-4)
    assert np.allclose(found.difference, found.model - found.reader)


def test_the_floor_is_the_centre_bias_and_the_ceiling_the_other_readers() -> None:
    track, twin = build_track(3, SHAPE), build_track(3, SHAPE)
    alone = compare_with_reader(centre_bias(SHAPE), track)
    assert alone.ceiling is None
    assert alone.measures.nss == pytest.approx(alone.floor.nss, abs=1e-3)
    found = compare_with_reader(centre_bias(SHAPE), track, others=[twin])
    assert found.ceiling is not None and found.ceiling.nss > found.floor.nss


def test_shuffled_auc_needs_recordings_of_other_films() -> None:
    saliency = np.random.default_rng(1).random(SHAPE)
    assert np.isnan(compare_with_reader(saliency, build_track(1, SHAPE)).measures.auc_shuffled)
    found = compare_with_reader(saliency, build_track(1, SHAPE), elsewhere=[build_track(9, (300, 500))])
    assert 0 <= found.measures.auc_shuffled <= 1


def test_a_reduced_map_gives_the_same_answer_as_the_whole_one() -> None:
    track, saliency = build_track(4, SHAPE), centre_bias(SHAPE).astype(np.float32)
    reduced = shrink_map(saliency, measured_shape(SHAPE))
    whole, small = compare_with_reader(saliency, track), compare_with_reader(reduced, track, shape=SHAPE)
    assert whole.measures == small.measures


def test_gaze_beside_the_film_has_nothing_to_compare() -> None:
    with pytest.raises(GazeError, match="nothing to compare"):
        compare_with_reader(np.ones((10, 10)), track_at((20.0, 3.0)))


def test_what_a_model_did_not_see_stays_unseen() -> None:
    image = np.ones((4, 4), np.float32)
    image[0] = np.nan
    assert np.isnan(as_spread(image)[0]).all() and (as_spread(image)[1:] == 1).all()
    assert np.isnan(shrink_map(np.full((800, 800), np.nan, np.float32), (100, 100))).all()


def test_resizing_a_track_scales_place_degree_and_shown_rectangle() -> None:
    track = track_at(
        (10.0, 20.0), pixels_per_degree=np.array([[4.0, 8.0]]), shown_px=np.array([[0.0, 0.0, 40.0, 80.0]])
    )
    half = resize_track(track, (80, 40), (40, 20))
    assert half.xy_px.tolist() == [[5, 10]]
    assert half.pixels_per_degree is not None and half.pixels_per_degree.tolist() == [[2, 4]]
    assert half.shown_px is not None and half.shown_px.tolist() == [[0, 0, 20, 40]]


def test_every_measure_has_a_meaning_and_a_row() -> None:
    found = compare_with_reader(np.random.default_rng(0).random(SHAPE), build_track(1, SHAPE))
    lines = measure_lines(found)
    assert [line.measure.name for line in lines] == [
        "AUC-Judd",
        "Shuffled AUC",
        "NSS",
        "Information gain",
        "CC",
        "SIM",
        "KL",
    ]
    assert all(len(each.meaning) > 40 for each in MEASURES)
    assert lines[1].model is None and lines[0].ceiling is None


EVIL = "=cmd|' /C calc'!A0"


def test_no_cell_of_a_table_is_a_formula() -> None:
    word = Word("=HYPERLINK(1)", 0.0, 0.2)
    track = track_at((5.0, 5.0), (6.0, 6.0), words=(word, Word(".", 0.9, 1.0)))
    found = compare_with_reader(np.ones((20, 20)), track)
    regions = measure_regions(track, [BoxRegion(EVIL, (0, 0, 9, 9))], (20, 20))
    texts = [
        write_measures_csv([(EVIL, EVIL, found)]),
        write_sentences_csv([(EVIL, track)]),
        write_regions_csv(regions),
    ]
    for text in texts:
        cells = [cell for row in csv.reader(io.StringIO(text)) for cell in row]
        assert not [cell for cell in cells if cell[:1] in "=+@" and cell]
        assert f"'{EVIL}" in cells


def test_samples_are_written_with_an_empty_place_in_a_blink() -> None:
    text = write_samples_csv(track_at((1.25, 2.0), (np.nan, np.nan), kind="samples", simulated=True))
    assert text.splitlines()[1:] == ["simulated sample,0.0000,0.3000,1.25,2.00", "simulated sample,0.5000,0.3000,,"]


def test_a_film_without_known_regions_is_measured_in_sixths() -> None:
    rows = measure_regions(track_at((10.0, 10.0), (90.0, 290.0)), film_sixths((300, 100)), (300, 100))
    seen = {row.region: row.fixations for row in rows}
    assert seen["right upper sixth of the film"] == 1 and seen["left lower sixth of the film"] == 1
    assert sum(seen.values()) == 2


def test_merging_keeps_all_time_and_says_how_many_rows_became_one() -> None:
    track = track_at(*[(float(at), 0.0) for at in range(10)])
    merged, size = merge_rows(track, 4)
    assert (len(merged), size) == (4, 3)
    assert merged.duration_s.sum() == pytest.approx(track.duration_s.sum())
    assert merged.xy_px[0].tolist() == [1.0, 0.0]
    assert merge_rows(track, 10)[1] == 1


@pytest.mark.parametrize(
    ("changes", "shape", "note"),
    [
        ({"frame_hw": (50, 60)}, (50, 60), ""),
        ({"shown_px": np.array([[0.0, 0.0, 90.0, 70.0]] * 2)}, (70, 90), "largest part"),
        ({}, (31, 21), "how far the looks reach"),
        ({"frame_hw": (1, 1), "stretched": True, "xy_px": np.array([[0.5, 0.5], [0.2, 0.1]])}, (512, 512), "square"),
    ],
    ids=["says it", "was shown", "reaches", "fractions"],
)
def test_a_film_that_is_not_at_hand_has_a_stated_size(changes, shape, note) -> None:
    track = track_at((20.0, 30.0), (2.0, 3.0), **changes)
    frame = guess_frame(track)
    assert frame.shape == shape and (note in frame.note if note else not frame.note)
    assert describe_recording(track).density.sum() == pytest.approx(1, abs=1e-5)


def test_a_replay_is_a_gif_that_says_simulated_and_stays_small() -> None:
    from PIL import Image

    track = build_track(1, (200, 160))
    data = draw_replay_gif(Study(np.full((200, 160), 0.5, np.float32), None), track)
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "GIF" and 5 < picture.n_frames <= MOST_FRAMES
        first = np.asarray(picture.convert("RGB"))
    label = (np.abs(first.astype(int) - (255, 215, 94)).sum(axis=2) < 60).sum()
    assert label > 500  # the yellow ground of SIMULATED
    with pytest.raises(GazeError, match="no fixation"):
        draw_replay_gif(Study(np.zeros((200, 160), np.float32), None), track.select(slice(0, 0)))
