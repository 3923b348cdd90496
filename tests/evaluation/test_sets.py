"""Every reader on a copy of its data set's layout, and refusals in one sentence."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from egma.errors import DataError
from egma.evaluation.sets.catalogue import detect_set, list_sets
from egma.evaluation.sets.films import PRESENT, UNKNOWN, LabelledSet, shuffle_split
from egma.evaluation.sets.readers import open_films, open_regions
from egma.evaluation.sets.rle import decode_coco, decode_siim, encode_coco, encode_siim
from egma.evaluation.table import read_rows
from egma.testing import data_sets

WRITERS = {
    "nih": data_sets.write_nih,
    "rsna": data_sets.write_rsna,
    "siim": data_sets.write_siim,
    "chexpert": data_sets.write_chexpert,
    "chexpert-5x200": data_sets.write_5x200,
    "chexpert-8x200": data_sets.write_8x200,
    "mimic-5x200": data_sets.write_mimic_5x200,
    "chexlocalize": data_sets.write_chexlocalize,
    "ms-cxr": data_sets.write_ms_cxr,
    "vindr": data_sets.write_vindr,
}


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_copy_in_the_official_layout_is_recognised(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path)
    task = next(info.tasks[0] for info in list_sets() if info.name == name)
    info, folder = detect_set(tmp_path, task)
    assert (info.name, folder) == (name, tmp_path)


def truth_of(found: LabelledSet, name: str) -> list[str]:
    film = next(film for film in found.films if film.name.endswith(name))
    return [label for label, value in zip(found.classes, film.truth, strict=True) if value == PRESENT]


def test_nih_tests_on_the_official_list_and_spells_its_findings(tmp_path: Path) -> None:
    found = open_films(data_sets.write_nih(tmp_path), "zeroshot")
    assert [film.name for film in found.tested] == [f"{number:08}_000.png" for number in range(1, 7)]
    assert truth_of(found, "00000001_000.png") == ["Effusion", "Infiltration"]
    assert truth_of(found, "00000003_000.png") == ["Pleural Thickening"]
    assert {film.split for film in found.films} == {"train", "val", "test"}


def test_nih_boxes_are_shares_of_the_released_picture(tmp_path: Path) -> None:
    found = open_regions(data_sets.write_nih(tmp_path), "grounding")
    first = next(region for region in found.tested if region.finding == "Cardiomegaly")
    assert first.boxes == ((0.25, 0.5, 0.125, 64.5 / 1024),)
    mask = first.mask((64, 64))
    assert mask[32:36, 16:24].all() and mask[36, 16] and not mask[37:].any()
    assert {region.finding for region in found.tested} == {"Cardiomegaly", "Infiltration"}


def test_rsna_is_split_as_mgca_splits_it(tmp_path: Path) -> None:
    found = open_films(data_sets.write_rsna(tmp_path), "zeroshot")
    names = sorted(film.name for film in found.films)
    train, rest = train_test_split(names, test_size=0.3, random_state=0)
    test, validation = train_test_split(rest, test_size=0.5, random_state=0)
    assert sorted(film.name for film in found.tested) == sorted(test)
    assert sorted(film.name for film in found.of("val")) == sorted(validation)
    assert sorted(film.name for film in found.of("train")) == sorted(train)
    assert truth_of(found, "0000cfab-14fd.dcm") == ["Pneumonia"]


@pytest.mark.parametrize(("count", "share"), [(10, 0.3), (26684, 0.3), (101, 0.5)])
def test_the_split_is_scikit_learns(count: int, share: float) -> None:
    wanted_train, wanted_test = train_test_split(np.arange(count), test_size=share, random_state=0)
    train, test = shuffle_split(count, share, 0)
    assert np.array_equal(train, wanted_train)
    assert np.array_equal(test, wanted_test)


def test_siim_masks_run_down_the_columns(tmp_path: Path) -> None:
    found = open_regions(data_sets.write_siim(tmp_path), "grounding")
    mask = found.regions[0].mask((1024, 1024))
    # 102,400 pixels are 100 columns; then 200 rows, then the same 200 rows of the next column.
    assert mask[:200, 100:102].all() and mask.sum() == 400
    assert found.regions[0].mask((64, 64)).shape == (64, 64)
    films = open_films(tmp_path, "zeroshot")
    assert sum(film.truth == (0, 1) for film in films.films) == 14


def test_run_lengths_return_unharmed() -> None:
    mask = np.random.default_rng(0).random((37, 53)) > 0.6
    assert np.array_equal(decode_siim(encode_siim(mask), (37, 53)), mask)
    assert np.array_equal(decode_coco(encode_coco(mask), (37, 53)), mask)
    full = np.ones((5, 4), bool)
    assert np.array_equal(decode_coco(encode_coco(full), (5, 4)), full)
    assert np.array_equal(decode_coco([3, 2, 1], (3, 2)), np.array([[0, 1], [0, 1], [0, 0]], bool))
    assert not decode_siim("-1", (5, 4)).any()


@pytest.mark.parametrize("text", ["5", "a b", "-3 2", "1048570 20"], ids=["odd", "words", "negative", "too long"])
def test_run_lengths_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(DataError, match="run lengths"):
        decode_siim(text)


def test_the_published_tables_of_torchxrayvision_are_read_as_they_are() -> None:
    xrv = pytest.importorskip("importlib.metadata").distribution("torchxrayvision")
    folder = Path(str(xrv.locate_file("torchxrayvision/data")))
    rows = read_rows(folder / "siim-pneumothorax-train-rle.csv.gz", ["ImageId", "EncodedPixels"])
    marked = [row["EncodedPixels"] for row in rows if row["EncodedPixels"] != "-1"]
    assert len({row["ImageId"] for row in rows}) > 12_000
    areas = [int(decode_siim(text).sum()) for text in marked[:50]]
    assert min(areas) > 100 and max(areas) < 400_000
    boxes = read_rows(folder / "BBox_List_2017.csv.gz", ["Image Index", "Finding Label", "Bbox [x", "y", "w", "h]"])
    assert len(boxes) == 984
    labels = read_rows(folder / "Data_Entry_2017_v2020.csv.gz", ["Image Index", "Finding Labels", "Patient ID"])
    assert len(labels) == 112_120
    vindr = read_rows(folder / "vinbigdata-train.csv.gz", ["image_id", "class_name", "x_min", "y_max"])
    assert len(vindr) > 60_000


@pytest.mark.parametrize(("layout", "views"), [("gloria", "frontal only"), ("medclip", "as listed (5 laterals)")])
def test_both_published_lists_of_5x200_are_read_and_told_apart(layout: str, views: str, tmp_path: Path) -> None:
    found = open_films(data_sets.write_5x200(tmp_path, layout), "zeroshot")
    assert found.view_filter == views
    assert len(found.tested) == 10 and found.exclusive
    other = data_sets.write_5x200(tmp_path / "other", "gloria" if layout == "medclip" else "medclip")
    assert open_films(other, "zeroshot").list_sha256 != found.list_sha256


def test_chexpert_tests_on_frontal_validation_films_and_leaves_uncertain_labels_out(tmp_path: Path) -> None:
    found = open_films(data_sets.write_chexpert(tmp_path), "probe")
    assert len(found.tested) == 8
    assert all("frontal" in film.name for film in found.films)
    edema = found.classes.index("Edema")
    assert any(film.truth[edema] == UNKNOWN for film in found.of("train"))
    assert open_films(tmp_path, "zeroshot").list_sha256 == found.list_sha256


def test_chexlocalize_keeps_validation_masks_for_choosing(tmp_path: Path) -> None:
    found = open_regions(data_sets.write_chexlocalize(tmp_path), "grounding")
    assert [(region.film.split, region.finding) for region in found.regions] == [
        ("test", "Cardiomegaly"),
        ("val", "Cardiomegaly"),
    ]
    assert found.tested[0].mask((64, 64)).sum() == 20 * 30
    with pytest.raises(DataError, match="64 x 64"):
        found.tested[0].mask((32, 32))


def test_ms_cxr_joins_the_boxes_of_a_phrase(tmp_path: Path) -> None:
    found = open_regions(data_sets.write_ms_cxr(tmp_path), "grounding")
    assert len(found.tested) == 2
    assert found.tested[0].phrase == "right basilar opacity"
    assert found.tested[0].boxes == ((0.125, 0.25, 0.25, 0.25), (0.625, 0.25, 0.125, 0.25))


def test_vindr_boxes_are_in_the_films_own_pixels(tmp_path: Path) -> None:
    found = open_regions(data_sets.write_vindr(tmp_path), "grounding")
    assert len(found.tested) == 2
    assert found.tested[0].mask((64, 64)).sum() == 30 * 30


def test_the_lists_hash_knows_films_and_labels_but_not_their_order(tmp_path: Path) -> None:
    rows = [[f"{k}.png", f"p{k}", "test", k % 2, 1 - k % 2] for k in range(4)]
    one = open_films(data_sets.write_labels(tmp_path, ("A", "B"), rows), "zeroshot").list_sha256
    two = open_films(data_sets.write_labels(tmp_path, ("A", "B"), rows[::-1]), "zeroshot").list_sha256
    rows[0][3] = 1
    three = open_films(data_sets.write_labels(tmp_path, ("A", "B"), rows), "zeroshot").list_sha256
    assert one == two != three


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([["a.png", "p1", "train", 1], ["b.png", "p1", "test", 0]], "one patient is in train and in test"),
        ([["a.png", "p1", "test", 1], ["a.png", "p1", "test", 1]], "listed 2 times"),
        ([["a.png", "p1", "test", 7]], "wanted a label of 1, 0"),
        ([["a.png", "p1", "exam", 1]], "wanted a split"),
        ([["a.png", "p1", "train", 1]], "no film is in the split 'test'"),
        ([["../a.png", "p1", "test", 1]], "not found"),
        ([], "no row"),
    ],
    ids=["both sides", "twice", "label", "split", "no test", "climbing", "empty"],
)
def test_a_list_that_will_not_do_is_one_sentence(rows: list[list[object]], sentence: str, tmp_path: Path) -> None:
    folder = tmp_path / "set"
    folder.mkdir()
    data_sets.write_labels(folder, ("A",), rows)
    with pytest.raises(DataError, match=sentence):
        open_films(folder, "zeroshot")


def test_a_class_without_a_film_is_refused_where_one_class_is_to_be_named(tmp_path: Path) -> None:
    root = data_sets.write_5x200(tmp_path)
    lines = (root / "chexpert_5x200.csv").read_text(encoding="utf-8").splitlines()
    (root / "chexpert_5x200.csv").write_text("\n".join([lines[0], *lines[3:]]) + "\n", encoding="utf-8")
    with pytest.raises(DataError, match="Atelectasis has no film"):
        open_films(root, "zeroshot")


def test_a_link_that_leads_out_of_the_copy_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "set"
    root.mkdir()
    outside = data_sets.write_film(tmp_path / "outside.png", 0)
    (root / "a.png").symlink_to(outside)
    data_sets.write_labels(root, ("A",), [["a.png", "p1", "test", 1]])
    with pytest.raises(DataError, match="link out"):
        open_films(root, "zeroshot")
