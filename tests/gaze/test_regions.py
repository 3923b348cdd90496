"""First look, dwell, visits and coverage of boxes, ellipses and masks."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest

from egma.errors import GazeError
from egma.gaze.regions import BoxRegion, MaskRegion, lung_zones, measure_regions, write_regions_csv
from egma.gaze.track import GazeTrack

SHAPE = (100, 100)
TRACK = GazeTrack(
    xy_px=np.array([[90.0, 90], [12, 12], [13, 14], [np.nan, np.nan], [90, 12], [11, 15], [-4, 12]]),
    start_s=np.array([1.0, 1.5, 2.0, 2.4, 2.5, 3.0, 4.0]),
    duration_s=np.array([0.5, 0.4, 0.3, 0.1, 0.2, 0.6, 9.0]),
    pixels_per_degree=np.full((7, 2), 5.0),
)


def test_a_box_is_measured_as_worked_by_hand() -> None:
    row = measure_regions(TRACK, [BoxRegion("corner", (10, 10, 20, 20))], SHAPE)[0]
    assert row.first_look_s == pytest.approx(0.5) and row.dwell_s == pytest.approx(1.3)
    assert row.dwell_share == pytest.approx(1.3 / 2.0)  # the look beside the film is not on it
    assert (row.fixations, row.visits, row.revisits) == (3, 2, 1)
    assert 0.4 < row.coverage < 1


def test_coverage_is_the_share_within_a_degree() -> None:
    track = GazeTrack(np.array([[50.0, 50]]), np.zeros(1), np.ones(1), pixels_per_degree=np.full((1, 2), 20.0))
    whole = measure_regions(track, [BoxRegion("film", (0, 0, 100, 100))], SHAPE)[0]
    assert whole.coverage == pytest.approx(np.pi * 20**2 / 100**2, rel=0.01)


def test_a_region_nobody_looked_at_has_no_first_look() -> None:
    row = measure_regions(TRACK, [BoxRegion("apex", (40, 40, 50, 50))], SHAPE)[0]
    assert row.first_look_s is None and (row.dwell_s, row.visits, row.coverage) == (0, 0, 0)


def test_an_ellipse_leaves_its_corners_out() -> None:
    ellipse = BoxRegion("mass", (0, 0, 20, 10), "ellipse")
    assert ellipse.contains(np.array([[10.0, 5], [1, 1], [19.5, 5], [np.nan, 5]])).tolist() == [
        True,
        False,
        True,
        False,
    ]
    assert ellipse.mask(SHAPE).sum() == pytest.approx(np.pi * 10 * 5, rel=0.05)


def test_lung_zones_are_thirds_by_height() -> None:
    left, right = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    left[10:70, 60:90] = True
    zones = lung_zones(left, right)
    assert [zone.name for zone in zones] == ["left upper zone", "left middle zone", "left lower zone"]
    assert [int(zone.mask(SHAPE).sum()) for zone in zones] == [600, 600, 600]
    assert zones[1].contains(np.array([[75.0, 40.0], [75.0, 20.0]])).tolist() == [True, False]


def test_a_mask_of_another_size_is_refused() -> None:
    with pytest.raises(GazeError, match="the mask of 'lung' is 5 x 6"):
        measure_regions(TRACK, [MaskRegion("lung", np.ones((5, 6), bool))], SHAPE)


def test_the_table_is_csv_with_an_empty_cell_for_no_look() -> None:
    regions = [BoxRegion("corner, upper", (10, 10, 20, 20)), BoxRegion("apex", (40, 40, 50, 50))]
    rows = list(csv.DictReader(io.StringIO(write_regions_csv(measure_regions(TRACK, regions, SHAPE)))))
    assert [row["region"] for row in rows] == ["corner, upper", "apex"]
    assert rows[0]["dwell_s"] == "1.3" and rows[1]["first_look_s"] == ""
