"""Tables of films: what a row becomes, and every way a row can be wrong, each said once."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from egma.data import GazeChoice, Sample, examine_data, gaze_heat, open_data, rows
from egma.data.splits import choose_gaze, split_by_hash
from egma.errors import DataError
from egma.findings import FINDINGS


def draw(path: Path, shape: tuple[int, int] = (64, 48)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(len(path.name))
    Image.fromarray(random.integers(0, 255, shape, dtype=np.uint8)).save(path)
    return path


def write_table(folder: Path, text: str, name: str = "labels.csv", encoding: str = "utf-8") -> Path:
    for each in ("a.png", "b.png", "c.png"):
        draw(folder / each)
    (folder / name).write_bytes(text.encode(encoding))
    return folder


def labels_of(sample: Sample) -> dict[str, int | None]:
    return {finding: value for finding, value in zip(FINDINGS, sample.labels) if value is not None}


def test_a_folder_with_labels_is_read_by_its_columns(tmp_path: Path) -> None:
    data = open_data(
        write_table(
            tmp_path,
            "Image Index,Patient ID,Finding Labels,split\n"
            "a.png,1,Effusion|Mass,train\nb.png,2,No Finding,validate\nc.png,3,,test\n",
        )
    )
    assert [(sample.id, sample.patient, sample.split) for sample in data] == [
        ("a.png", "1", "train"),
        ("b.png", "2", "val"),
        ("c.png", "3", "test"),
    ]
    assert labels_of(data[0])["Effusion"] == 1 and labels_of(data[0])["Nodule"] == 0
    assert labels_of(data[1])["No Finding"] == 1 and labels_of(data[1])["Mass"] == 0
    assert labels_of(data[2]) == {}
    assert data[0].image_path == tmp_path / "a.png" and not data.problems


def test_a_column_a_finding_is_read_with_chexpert_s_codes(tmp_path: Path) -> None:
    header = "Path,patient,Pleural Effusion,Edema,Pneumonia,Lung Lesion,No Finding\n"
    data = open_data(write_table(tmp_path, header + "a.png,1,1.0,0.0,-1.0,0.0,\nb.png,2,,,,1.0,\n"))
    assert labels_of(data[0]) == {
        "Effusion": 1,
        "Edema": 0,
        "Pneumonia": -1,
        "Mass": 0,
        "Nodule": 0,
        "No Finding": 0,
    }
    assert labels_of(data[1]) == {}, "a lung lesion is a mass or a nodule: neither is known to be there"


def test_a_report_gives_its_findings_sentences_and_labels(tmp_path: Path) -> None:
    text = '"INDICATION: Cough.\nFINDINGS: There is a left pleural effusion. No pneumothorax.\nIMPRESSION: Effusion."'
    data = open_data(write_table(tmp_path, f"image,patient,text\na.png,1,{text}\n"))
    assert data[0].sentences == ("There is a left pleural effusion.", "No pneumothorax.", "Effusion.")
    assert labels_of(data[0])["Effusion"] == 1 and labels_of(data[0])["Pneumothorax"] == 0
    assert data[0].gaze == (None, None, None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_spreadsheets_export_in_many_ways(tmp_path: Path, encoding: str, separator: str) -> None:
    text = "image,patient,labels\r\na.png,1,Mass\r\n\r\nb.png,2,Effusion\r\n".replace(",", separator)
    data = open_data(write_table(tmp_path, text, encoding=encoding))
    assert [labels_of(sample).get("Mass") for sample in data] == [1, 0]


def test_ten_thousand_missing_images_are_one_sentence(tmp_path: Path) -> None:
    rows = "".join(f"no{number}.png,{number},Mass\n" for number in range(10_000))
    found = examine_data(write_table(tmp_path, "image,patient,labels\n" + rows + "a.png,x,Mass\n"))
    (problem,) = [each for each in found.problems if each.kind == "missing image"]
    assert problem.count == 10_000 and problem.rows == (2, 3, 4) and len(problem.sentence) < 250
    assert problem.sentence.startswith("10,000 images are not there: row 2 ('no0.png'), row 3")
    assert sum(found.counts.values()) == 1


HOSTILE = [
    pytest.param("/etc/passwd", "outside", id="an absolute path"),
    pytest.param("../../etc/passwd", "outside", id="a way up"),
    pytest.param("..\\\\secret.png", "outside", id="a way up with backslashes"),
    pytest.param("C:\\films\\a.png", "outside", id="a drive"),
    pytest.param("https://example.org/a.png", "outside", id="an address"),
    pytest.param("x" * 5000, "outside", id="an endless name"),
    pytest.param("link.png", "link out", id="a link that leads out"),
    pytest.param("dangling.png", "link out", id="a link to nothing outside"),
    pytest.param("images", "no file", id="a folder"),
    pytest.param("pipe", "no file", id="a pipe"),
]


@pytest.mark.parametrize(("name", "kind"), HOSTILE)
def test_a_table_cannot_name_what_lies_outside_its_folder(tmp_path: Path, name: str, kind: str) -> None:
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    draw(tmp_path / "outside.png")
    (folder / "link.png").symlink_to(tmp_path / "outside.png")
    (folder / "dangling.png").symlink_to(tmp_path / "nothing.png")
    os.mkfifo(folder / "pipe")
    found = open_data(write_table(folder, f"image,patient,labels\n{name},1,Mass\na.png,2,Mass\n"))
    assert [(each.kind, each.count, each.rows) for each in found.problems] == [(kind, 1, (2,))]
    assert [sample.id for sample in found] == ["a.png"]


def test_a_link_inside_the_folder_is_followed(tmp_path: Path) -> None:
    write_table(tmp_path, "image,patient\nlink.png,1\n")
    (tmp_path / "link.png").symlink_to("a.png")
    assert open_data(tmp_path)[0].image_path == tmp_path / "link.png"


def test_a_patient_in_two_splits_blocks_and_is_named_by_row(tmp_path: Path) -> None:
    found = examine_data(write_table(tmp_path, "image,patient,split\na.png,1,train\nb.png,1,test\nc.png,2,val\n"))
    assert not found.ready
    assert found.problems[0].sentence.startswith("one patient is in two splits: row 2;")


@pytest.mark.parametrize(
    ("rows", "kind", "blocking"),
    [
        ("a.png,1,trian,\na.png,2,val,\n", "unknown split", True),
        ("a.png,1,train,\na.png,2,val,\n", "duplicate id", False),
        (",1,train,\na.png,2,val,\n", "no image named", True),
        ("a.png,1,train,Effuson\nb.png,2,val,\n", "finding", False),
    ],
)
def test_each_kind_of_bad_row_is_one_sentence(tmp_path: Path, rows: str, kind: str, blocking: bool) -> None:
    found = open_data(write_table(tmp_path, "image,patient,split,labels\n" + rows))
    assert (found.problems[0].kind, found.problems[0].blocking) == (kind, blocking)


def test_a_cell_that_is_no_code_is_named_with_its_column(tmp_path: Path) -> None:
    found = open_data(write_table(tmp_path, "image,patient,Mass\na.png,1,yes!\n"))
    assert "row 2 ('Mass: yes!')" in found.problems[0].sentence


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is empty or no text"),
        ("image,patient\n", "has a header but no row"),
        ("name,patient\nx,1\n", "no column names the images"),
        ("image,image\na,b\n", "is there twice"),
        ('image,patient\na.png,"' + "x" * 200_000 + '"\n', "a cell is too long"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        open_data(write_table(tmp_path, text))


def test_a_folder_without_a_table_says_what_was_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="the folder has none of them"):
        open_data(tmp_path)
    with pytest.raises(DataError, match="there is nothing there"):
        open_data(tmp_path / "nowhere")


def test_films_without_a_patient_column_are_warned_of(tmp_path: Path) -> None:
    found = open_data(write_table(tmp_path, "image\na.png\nb.png\n"))
    assert [(problem.kind, problem.blocking) for problem in found.problems] == [("no patient column", False)]


def test_an_examination_counts_opens_and_names(tmp_path: Path) -> None:
    write_table(tmp_path, "image,patient,split,labels\na.png,1,train,Mass\nb.png,2,val,Effusion\nc.png,3,val,\n")
    (tmp_path / "c.png").write_text("no film")
    found = examine_data(tmp_path)
    assert found.counts == {"train": 1, "val": 2, "test": 0}
    assert found.classes["Mass"] == (1, 1, 0, 1)
    assert [sample.id for sample in found.opened] == ["a.png", "b.png"]
    assert found.problems[0].kind == "unreadable" and "'c.png' cannot be opened" in found.problems[0].sentence


def test_the_split_by_hash_is_stable_and_near_its_shares() -> None:
    splits = [split_by_hash(f"patient {number}") for number in range(4000)]
    assert splits[:6] == [split_by_hash(f"patient {number}") for number in range(6)]
    assert abs(splits.count("train") / 4000 - 0.8) < 0.03 and abs(splits.count("val") / 4000 - 0.1) < 0.02
    assert splits != [split_by_hash(f"patient {number}", seed=1) for number in range(4000)]


def gazed(number: int, split: str = "train") -> Sample:
    heat = np.full((2, 2), 255, np.uint8)
    return Sample(id=f"film {number}", patient=str(number), split=split, sentences=("x.",), gaze=(heat,))  # type: ignore[arg-type]


def test_a_gaze_share_is_exact_nested_and_leaves_validation_alone() -> None:
    samples = [gazed(number) for number in range(370)] + [gazed(1000 + number, "val") for number in range(20)]
    small, half = (choose_gaze(samples, GazeChoice(share, seed=3)) for share in (0.1, 0.5))
    names = [
        {sample.id for sample in chosen if sample.split == "train" and sample.has_gaze} for chosen in (small, half)
    ]
    assert [len(each) for each in names] == [37, 185] and names[0] < names[1]
    assert all(sample.has_gaze for sample in small if sample.split == "val")
    assert [sample.id for sample in small] == [sample.id for sample in samples]
    other = choose_gaze(samples, GazeChoice(0.1, seed=4))
    assert {sample.id for sample in other if sample.has_gaze} != {sample.id for sample in small if sample.has_gaze}


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_outside_0_to_1_is_refused(share: float) -> None:
    with pytest.raises(DataError, match="between 0 and 1"):
        GazeChoice(share)


def test_heat_is_a_share_of_the_peak_and_another_grid_is_refused() -> None:
    heat, has_gaze = gaze_heat(gazed(1), (2, 2))
    assert heat.tolist() == [[[1, 1], [1, 1]]] and has_gaze.tolist() == [True]
    with pytest.raises(DataError, match="are 2 x 2, wanted 4 x 4"):
        gaze_heat(gazed(1), (4, 4))


def test_equal_sets_have_equal_digests_wherever_they_lie(tmp_path: Path) -> None:
    text = "image,patient,labels\na.png,1,Mass\nb.png,2,Effusion\n"
    first, second = (open_data(write_table(tmp_path / name, text)) for name in ("x", "y"))
    assert first.digest == second.digest
    assert first.digest != open_data(write_table(tmp_path / "z", text.replace("Mass", "Nodule"))).digest


def test_the_project_s_own_manifest_is_read_too(shared_dir: Path) -> None:
    found = open_data(shared_dir / "data")
    assert [(problem.kind, problem.count, problem.blocking) for problem in found.problems] == [
        ("duplicate id", 3, False)
    ]
    assert [len(found.only(split)) for split in ("train", "val", "test")] == [1529, 154, 225]


@pytest.mark.parametrize("link", ["labels.csv", "cxr"])
def test_a_table_that_is_a_link_out_of_the_folder_is_refused(tmp_path: Path, link: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("labels.csv", "manifest.csv"):
        (outside / name).write_text("secret,words\n1,2\n")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / link).symlink_to(outside if link == "cxr" else outside / link)
    with pytest.raises(DataError, match="is a link that leads out of its folder") as told:
        open_data(tmp_path / "data")
    assert "secret" not in str(told.value)


def test_a_line_that_is_no_header_is_not_quoted(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1\n")
    with pytest.raises(DataError, match="not divided into columns") as told:
        open_data(tmp_path)
    assert "root" not in str(told.value)


def test_a_small_packed_table_that_grows_beyond_measure_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MAX_BYTES", 1 << 20)
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(bytes(1 << 24)))
    with pytest.raises(DataError, match="larger than 1 MiB"):
        list(rows.read_rows(tmp_path / "bomb.csv.gz"))
