"""Built data folders: true to their source, rebuilt when it changes, small, whole or not there, and safe to open."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from egma.__main__ import main
from egma.data import GazeChoice, Grid, Reading, Source, build_data, examine_data, open_data
from egma.data.sources.phantoms import build_phantom_data
from egma.data.store import FACTS, MANIFEST, MAPS
from egma.errors import DataError
from egma.testing import gaze_roots as roots
from egma.testing import mimic_files as mimic
from egma.testing.gaze import build_track

SHAPE = (300, 260)
TRACK = build_track(1, SHAPE)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    readings = {f"P300R{number:06d}": roots.Reading(mimic.invented_film(number), TRACK) for number in range(3)}
    readings["P300R000009"] = roots.Reading(mimic.invented_film(9), None)
    return roots.write_reflacx_root(tmp_path / "reflacx", readings)


def touch(path: Path) -> None:
    status = path.stat()
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000_000_000))


def test_a_folder_gives_back_the_samples_it_was_built_from(root: Path, tmp_path: Path) -> None:
    images = mimic.write_mimic_cxr(tmp_path / "jpg", [(mimic.invented_film(0), SHAPE)])
    how = Reading(images=images)
    plain, cached = open_data(root, how), open_data(root, Reading(images=images, cache=tmp_path / "out"))
    assert cached.digest == plain.digest and cached.dropped == plain.dropped
    assert [each.kind for each in cached.problems] == [each.kind for each in plain.problems] == ["missing image"]
    for one, other in zip(plain, cached):
        assert one.image_path == other.image_path and one.labels == other.labels and one.report == other.report
        assert np.allclose(one.times_s, other.times_s, atol=1e-3) and one.shape_hw == other.shape_hw
        assert all(np.array_equal(a, b) for a, b in zip(one.gaze, other.gaze))


def test_nothing_is_built_twice_until_the_source_changes(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert build_data(Source(root), out) is True
    assert build_data(Source(root), out) is False
    touch(root / "main_data" / "P300R000001" / "fixations.csv")
    assert build_data(Source(root), out) is True
    assert build_data(Source(root), out, grid=Grid(14, 14)) is True
    assert build_data(Source(root), out, grid=Grid(14, 14, "crop")) is True


def test_a_stale_folder_is_rebuilt_when_it_is_opened(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_data(Source(root), out)
    roots.write_reflacx_reading(root / "main_data" / "P300R000001", build_track(5, SHAPE))
    assert open_data(out).digest == open_data(root).digest


def test_another_share_changes_the_choice_and_no_map(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_data(Source(root), out)
    before = (out / MAPS).stat().st_mtime_ns
    assert build_data(Source(root), out, choice=GazeChoice(0.0)) is False
    assert not any(sample.has_gaze for sample in open_data(out).only("train"))
    assert all(sample.has_gaze for sample in open_data(out, Reading(GazeChoice(1.0))))
    assert (out / MAPS).stat().st_mtime_ns == before


def test_another_grid_is_made_anew_from_the_recordings_never_resized(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_data(Source(root), out)
    assert open_data(out, Reading(grid=Grid(7, 7))).grid_hw == (7, 7)
    assert open_data(out).grid_hw == (7, 7)


def test_without_its_source_a_folder_still_opens_and_says_so(root: Path, tmp_path: Path) -> None:
    build_data(Source(root), tmp_path / "out")
    root.rename(tmp_path / "moved")
    found = open_data(tmp_path / "out")
    assert len(found) == 3 and "source gone" in [problem.kind for problem in found.problems]
    with pytest.raises(DataError, match="20x20 pad, and the recordings that others could be made from"):
        open_data(tmp_path / "out", Reading(grid=Grid(7, 7)))


def test_images_that_come_later_are_found_without_building_again(root: Path, tmp_path: Path) -> None:
    (tmp_path / "jpg").mkdir()
    build_data(Source(root, images=tmp_path / "jpg"), tmp_path / "out")
    assert not [sample for sample in open_data(tmp_path / "out") if sample.image_path]
    mimic.write_mimic_cxr(tmp_path / "jpg", [(mimic.invented_film(1), SHAPE)], tables=False)
    assert [sample.id for sample in open_data(tmp_path / "out") if sample.image_path] == ["reflacx-P300R000001"]


def test_a_report_that_changes_makes_a_folder_stale(root: Path, tmp_path: Path) -> None:
    images = mimic.write_mimic_cxr(tmp_path / "jpg", [(mimic.invented_film(1), SHAPE)], tables=False)
    source = Source(root, images, images)
    build_data(source, tmp_path / "out")
    report = next(images.rglob("*.txt"))
    report.write_text("FINDINGS: There is a pneumothorax.")
    assert build_data(source, tmp_path / "out") is True
    assert "There is a pneumothorax." in [text for sample in open_data(tmp_path / "out") for text in sample.report]


def test_an_interrupted_build_leaves_no_folder_that_opens(root: Path, tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "out"
    build_data(Source(root), out)
    touch(root / "main_data" / "P300R000001" / "fixations.csv")
    monkeypatch.setattr("egma.data.store.save_facts", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    with pytest.raises(KeyboardInterrupt):
        build_data(Source(root), out)
    monkeypatch.undo()
    with pytest.raises(DataError, match="its building was interrupted"):
        open_data(out)
    assert build_data(Source(root), out) is True and len(open_data(out)) == 3
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("name", [FACTS, MANIFEST, MAPS])
@pytest.mark.parametrize("damage", [b"", b"{}", b"\0" * 40, b"image,split\nx\n", b"[" * 100_000])
def test_a_damaged_folder_is_one_sentence(root: Path, tmp_path: Path, name: str, damage: bytes) -> None:
    build_data(Source(root), tmp_path / "out")
    (tmp_path / "out" / name).write_bytes(damage)
    with pytest.raises(DataError, match=r"build (it|the (data )?folder) again"):
        open_data(tmp_path / "out")


def test_a_manifest_cannot_name_an_image_outside_its_root(root: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    build_phantom_data(out, 2, size_px=64)
    text = (out / MANIFEST).read_text().replace("images/phantom-00000.png", "../../../etc/passwd")
    (out / MANIFEST).write_text(text)
    assert open_data(out)[0].image_path is None and open_data(out)[1].image_path is not None


def test_a_folder_with_other_files_is_never_built_into(root: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("x")
    with pytest.raises(DataError, match="holds other files"):
        build_data(Source(root), tmp_path / "mine")
    with pytest.raises(DataError, match="must not lie inside the data set"):
        build_data(Source(root), root / "main_data" / "out")
    with pytest.raises(DataError, match="is a file"):
        build_data(Source(root), tmp_path / "mine" / "thesis.txt")
    with pytest.raises(DataError, match="no gaze data set"):
        build_data(Source(tmp_path / "mine"), tmp_path / "out")


def test_phantoms_are_the_same_samples_and_say_that_they_are_simulated(tmp_path: Path) -> None:
    assert build_phantom_data(tmp_path / "a", 12, size_px=96, seed=4) is True
    assert build_phantom_data(tmp_path / "a", 12, size_px=96, seed=4) is False
    build_phantom_data(tmp_path / "b", 12, size_px=96, seed=4)
    found = examine_data(tmp_path / "a")
    assert found.samples.digest == open_data(tmp_path / "b").digest
    assert all(sample.simulated and sample.image_path and sample.has_gaze for sample in found.samples)
    assert all(None not in sample.labels for sample in found.samples) and len(found.opened) == 3
    assert sum(found.counts.values()) == 12 and found.classes["No Finding"][0] == 3


@pytest.mark.parametrize(("count", "size", "seed"), [(0, 96, 0), (3, 8, 0), (3, 96, -1)])
def test_phantoms_out_of_range_are_refused(tmp_path: Path, count: int, size: int, seed: int) -> None:
    with pytest.raises(DataError, match=r"wanted|has"):
        build_phantom_data(tmp_path / "a", count, size_px=size, seed=seed)


@pytest.mark.parametrize("grid", [(0, 4), (4, 65)])
def test_a_grid_out_of_range_is_refused(grid: tuple[int, int]) -> None:
    with pytest.raises(DataError, match="1 to 64 rows"):
        Grid(*grid)


def run(capsys, *arguments: object) -> tuple[int, str, str]:
    status = main(["gaze-data", *map(str, arguments)])
    printed = capsys.readouterr()
    return status, printed.out, printed.err


def test_the_command_builds_checks_and_names_what_it_left_out(root: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "out"
    status, text, err = run(capsys, "build", root, "--out", out, "--share", "0.5", "--seed", "3", "--json")
    found = json.loads(text)
    assert status == 0 and found["built"] and found["films"] == 3 and found["grid"] == [20, 20]
    assert (found["share"], found["seed"]) == (0.5, 3) and found["bytes"] < 20_000
    assert found["dropped"] == {"reflacx-P300R000009": "its eye tracking was discarded by the authors"}
    assert "left out: reflacx-P300R000009" in err and not found["ready"]
    assert json.loads((out / FACTS).read_text())["share"] == 0.5
    status, text, _ = run(capsys, "check", out, "--share", "1")
    assert status == 0 and "6 sentences, 6 with gaze" in text


def test_the_command_checks_tables_too(tmp_path: Path, capsys) -> None:
    mimic.draw_film(tmp_path / "a.png", (64, 64))
    (tmp_path / "labels.csv").write_text("image,patient,labels\na.png,1,Mass\n/etc/passwd,2,Mass\n")
    status, text, err = run(capsys, "check", tmp_path, "--json")
    found = json.loads(text)
    assert status == 0 and not found["ready"] and found["classes"]["Mass"] == [1, 0, 0, 0]
    assert "problem: one image lies outside the data's folder: row 3 ('/etc/passwd')" in err


@pytest.mark.parametrize(
    ("extra", "sentence"),
    [
        (["--share", "2"], "between 0 and 1"),
        (["--grid", "axb"], "--grid wants rows x columns"),
        (["--grid", "999"], "1 to 64"),
        (["--images", "/nowhere"], "the folder of images is not there"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(root: Path, tmp_path: Path, capsys, extra, sentence) -> None:
    status, text, err = run(capsys, "build", root, "--out", tmp_path / "out", *extra)
    assert (status, text) == (2, "") and sentence in err and err.count("\n") == 1
