"""The films' manifest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from egma.data.films import load_film_array
from egma.data.manifest import label_arrays, load_manifest
from egma.errors import DataError
from egma.findings import FINDINGS

HEADER = "image,split,source,patient,view,sex,age,labels,licence\n"


def write_manifest(folder: Path, rows: str, header: str = HEADER) -> Path:
    (folder / "cxr").mkdir()
    (folder / "cxr" / "manifest.csv").write_text(header + rows, encoding="utf-8")
    return folder


def test_labels_of_both_kinds_are_read(tmp_path: Path) -> None:
    rows = load_manifest(
        write_manifest(
            tmp_path,
            "a.jpg,train,nih14,p1,PA,F,61,Effusion|Pleural_Thickening,free\n"
            "b.jpg,val,hannover,p2,AP,,,COVID-19,CC BY 3.0\n",
        )
    )
    present, known = label_arrays(rows)
    assert {FINDINGS[column] for column in np.flatnonzero(present[0])} == {"Effusion", "Pleural Thickening"}
    assert known[0].all()
    assert {FINDINGS[column] for column in np.flatnonzero(known[1])} == {"Pneumonia", "No Finding"}
    assert (rows[0].age, rows[1].age) == (61.0, None)


@pytest.mark.parametrize(
    ("licence", "may"),
    [("CC BY 3.0", True), ("free", True), ("CC BY-NC-SA 4.0", False), ("unstated", False), ("", False)],
)
def test_only_stated_and_commercial_licences_let_a_model_ship(tmp_path: Path, licence: str, may: bool) -> None:
    (row,) = load_manifest(write_manifest(tmp_path, f"a.jpg,train,nih14,p1,PA,F,61,Mass,{licence}\n"))
    assert row.may_ship is may


@pytest.mark.parametrize(
    ("rows", "header", "sentence"),
    [
        ("a.jpg,trian,nih14,p1,PA,F,61,Mass,free\n", HEADER, "row 2: wanted a split"),
        (
            "a,train,nih14,p1,PA,F,1,Mass,free\nb,test,nih14,p1,PA,F,1,Mass,free\n",
            HEADER,
            "one patient is in train and in",
        ),
        ("a.jpg,train\n", "image,split\n", "column 'source' is missing"),
    ],
)
def test_a_bad_manifest_is_one_sentence(tmp_path: Path, rows: str, header: str, sentence: str) -> None:
    with pytest.raises(DataError, match=sentence):
        load_manifest(write_manifest(tmp_path, rows, header))


def test_a_missing_manifest_names_what_was_wanted(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"wanted cxr/manifest\.csv"):
        load_manifest(tmp_path)


def test_films_become_squares_with_their_shape_kept(tmp_path: Path) -> None:
    path = tmp_path / "film.png"
    Image.fromarray(np.full((40, 20), 200, np.uint8)).save(path)
    (film,) = load_film_array([path], 32)
    assert film.shape == (32, 32)
    assert (film[:, :8] == 0).all() and (film[:, 24:] == 0).all()
    assert (film[:, 8:24] == 200).all()


def test_a_film_that_is_no_image_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "film.png").write_text("no image")
    with pytest.raises(DataError, match="film 1 of the manifest cannot be read"):
        load_film_array([tmp_path / "film.png"], 32)


def test_the_shared_manifest_keeps_patients_apart(shared_dir: Path) -> None:
    rows = load_manifest(shared_dir / "data")
    assert len(rows) == 1911
    assert sum(row.may_ship for row in rows if row.source == "nih14") == 1369
