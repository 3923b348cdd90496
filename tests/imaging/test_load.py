"""Bad input: each in one clear sentence, whatever the file's name says."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from pydicom import uid

from egma.errors import EgmaError, FilmDecodeError, FilmError, FilmTooLargeError
from egma.imaging import load_study, study_from_array
from egma.testing import hostile
from egma.testing.dicom import build_bytes, build_dataset, write_dicom

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def refusal(path, kind=FilmError) -> str:
    with pytest.raises(kind) as caught:
        load_study(path)
    sentence = str(caught.value)
    assert 20 < len(sentence) < 300
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert "Canary" not in sentence
    assert str(path) not in sentence or not str(path)
    return sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"not a film, but a letter\n" * 40, "text"),
        (b"<html><body>hello</body></html>" * 20, "web page"),
        (b"GIF89a" + bytes(100), "GIF"),
        (b"BM" + bytes(100), "BMP"),
        (b"RIFF\0\0\0\0WEBPVP8 " + bytes(100), "WebP"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "HEIC"),
        (b"PK\x03\x04" + bytes(100), "ZIP"),
        (b"%PDF-1.7\n" + bytes(100), "PDF"),
        (b"\x1f\x8b\x08" + bytes(100), "gzip"),
        (b"MZ" + bytes(100), "program"),
        (bytes(1000), "unknown kind"),
        (b"\x02", "unknown kind"),
    ],
)
def test_a_file_of_another_kind_is_named_and_the_accepted_kinds_too(tmp_path, content, words):
    path = tmp_path / "film.dcm"
    path.write_bytes(content)
    sentence = refusal(path)
    assert words in sentence
    assert not content or "DICOM, PNG, JPEG or TIFF" in sentence


def test_the_name_of_a_file_says_nothing(tmp_path):
    written = write_dicom(tmp_path / "film.jpg", RAMP)
    assert load_study(written).source == "dicom"
    Image.fromarray(RAMP.astype(np.uint8)).save(tmp_path / "x.png")
    renamed = (tmp_path / "x.png").rename(tmp_path / "film.dcm")
    assert load_study(str(renamed)).source == "png"


def test_paths_that_are_no_file_are_refused(tmp_path):
    assert "folder" in refusal(tmp_path)
    assert "no file" in refusal(tmp_path / "absent.dcm")
    assert "cannot be opened" in refusal("a\0b")
    assert "cannot be opened" in refusal("x" * 5000)
    os.mkfifo(tmp_path / "pipe")
    assert "ordinary file" in refusal(tmp_path / "pipe")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(tmp_path):
    path = write_dicom(tmp_path / "film.dcm", RAMP)
    path.chmod(0)
    assert "may not be read" in refusal(path)


@pytest.mark.parametrize(
    "face", [b"MZ\x90", b"\x7fELF", b"%PDF-1.4", b"PK\x03\x04", b"<script>", b"#!/bin/sh", b"\x89PNG"]
)
def test_a_film_with_a_second_face_is_refused(tmp_path, face):
    assert "something else at once" in refusal(hostile.write_polyglot(tmp_path / "film.dcm", face))


def test_a_tiff_preamble_is_a_film_all_the_same(tmp_path):
    assert load_study(hostile.write_polyglot(tmp_path / "film.dcm", b"II*\0")).shape == (8, 8)


@pytest.mark.parametrize("keep", [0.01, 0.03, 0.2, 0.9, 0.999])
def test_a_truncated_film_is_refused_never_guessed(tmp_path, keep):
    refusal(hostile.write_truncated(tmp_path / "film.dcm", keep))


@pytest.mark.parametrize("keep", [0.6, 0.9, 0.99])
@pytest.mark.parametrize("syntax", [uid.JPEG2000Lossless, uid.RLELossless, uid.JPEGBaseline8Bit], ids=lambda s: s.name)
def test_a_truncated_compressed_film_is_refused_never_guessed(tmp_path, syntax, keep):
    noise = np.random.default_rng(0).integers(0, 256, (96, 96)).astype(np.uint8)
    data = build_bytes(build_dataset(noise), noise, syntax)
    path = tmp_path / "film.dcm"
    path.write_bytes(data[: int(len(data) * keep)])
    assert "cut short" in refusal(path, FilmDecodeError)


def test_a_dicom_file_without_a_picture_is_refused(tmp_path):
    path = tmp_path / "film.dcm"
    path.write_bytes(build_bytes(build_dataset(RAMP), None))
    assert "missing" in refusal(path)
    report = build_dataset(RAMP, tags={"Rows": None, "Columns": None, "BitsAllocated": None})
    path.write_bytes(build_bytes(report, None))
    assert "no picture" in refusal(path)


@pytest.mark.parametrize(
    ("syntax", "words"),
    [("1.2.840.10008.1.2.4.100", "MPEG2"), ("1.2.3.4", "unknown transfer syntax"), ("1.2.840.10008.1.2.4.94", "JPIP")],
)
def test_a_transfer_syntax_outside_the_list_is_refused(tmp_path, syntax, words):
    path = tmp_path / "film.dcm"
    plain = build_bytes(build_dataset(RAMP), RAMP)
    declared = uid.ExplicitVRLittleEndian.encode() + b"\0"
    element = b"\x02\0\x10\0UI" + len(declared).to_bytes(2, "little") + declared
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    other = b"\x02\0\x10\0UI" + len(value).to_bytes(2, "little") + value
    path.write_bytes(plain.replace(element, other))
    assert words in refusal(path)


@pytest.mark.parametrize(
    "tags",
    [
        {"Rows": 0},
        {"BitsAllocated": 12},
        {"BitsStored": 17},
        {"SamplesPerPixel": 2},
        {"PhotometricInterpretation": "HSV"},
        {"PhotometricInterpretation": "RGB"},
    ],
    ids=str,
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path, tags):
    refusal(write_dicom(tmp_path / "film.dcm", RAMP, tags=tags))


@pytest.mark.parametrize(
    "write",
    [
        hostile.write_size_bomb,
        hostile.write_rle_bomb,
        hostile.write_png_bomb,
        lambda path: hostile.write_size_bomb(path, 64, 64, 2_000_000),
        lambda path: hostile.write_deflated_bomb(path, 1200),
    ],
    ids=["declared size", "RLE", "PNG", "frames", "deflated"],
)
def test_a_bomb_is_refused_and_costs_the_caller_little(tmp_path, write):
    import tracemalloc

    path = write(tmp_path / "bomb.dcm")
    assert path.stat().st_size < 8_000_000
    tracemalloc.start()
    refusal(path, FilmTooLargeError)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000
    assert load_study(write_dicom(tmp_path / "next.dcm", RAMP)).shape == (64, 64)


def test_a_file_beyond_the_budget_is_refused_unread(tmp_path):
    path = write_dicom(tmp_path / "film.dcm", RAMP)
    with path.open("r+b") as file:
        file.truncate(400_000_000)  # sparse: no disk is used
    assert "400 MB" in refusal(path, FilmTooLargeError)


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2, 3)])
def test_odd_sizes_load(tmp_path, size):
    film = (np.arange(size[0] * size[1]) % 200).astype(np.uint8).reshape(size)
    assert load_study(write_dicom(tmp_path / "film.dcm", film)).shape == size
    Image.fromarray(film).save(tmp_path / "film.png")
    study = load_study(tmp_path / "film.png")
    assert study.shape == size
    assert np.isfinite(study.pixels).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1), syntax=st.sampled_from((uid.ExplicitVRLittleEndian, uid.JPEGLSLossless)))
def test_damaged_bytes_give_a_film_or_a_sentence(tmp_path, seed, syntax):
    load_damaged(tmp_path / "film.dcm", build_bytes(build_dataset(RAMP, bits_stored=12), RAMP, syntax), seed)


@pytest.mark.long
@pytest.mark.parametrize(
    "syntax", [uid.ImplicitVRLittleEndian, uid.RLELossless, uid.JPEG2000Lossless, uid.JPEGLossless]
)
def test_much_damage_of_every_kind_gives_a_film_or_a_sentence(tmp_path, syntax):
    data = build_bytes(build_dataset(RAMP, bits_stored=12), RAMP, syntax)
    for seed in range(3000):
        load_damaged(tmp_path / "film.dcm", data, seed)


def load_damaged(path: Path, data: bytes, seed: int) -> None:
    """Overwrite a few bytes, cut, or repeat a stretch; then load."""
    rng = np.random.default_rng(seed)
    damaged = bytearray(data)
    for position in rng.integers(132, len(data), rng.integers(1, 12)):
        damaged[position] = int(rng.integers(0, 256))
    if rng.random() < 0.3:
        del damaged[int(rng.integers(132, len(data))) :]
    path.write_bytes(damaged)
    try:
        study = load_study(path)
    except EgmaError as error:
        assert "Canary" not in str(error)
    else:
        assert np.isfinite(study.pixels).all()
        assert "Canary" not in " ".join(study.warnings)


def test_an_array_becomes_a_study():
    study = study_from_array(np.array([[0.0, 0.5], [1.0, np.nan]]), spacing_mm=(0.2, 0.2), warnings=["a phantom"])
    assert study.pixels.dtype == np.float32
    assert study.pixels[1, 1] == 0.0
    assert study.source == "array"
    assert study.warnings[0] == "a phantom"
    assert any("not numbers" in sentence for sentence in study.warnings)
    assert study.display.values[1, 0] == 65535


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2, 3)), np.zeros(4), np.full((2, 2), 255), np.array([["a"]]), np.zeros((0, 3))]
)
def test_an_array_that_is_no_film_is_refused(array):
    with pytest.raises(FilmError):
        study_from_array(array)


def test_a_constant_array_is_said_to_be_constant():
    assert any("same value" in sentence for sentence in study_from_array(np.zeros((4, 4))).warnings)


@pytest.mark.parametrize("frame", [-1, 1.5, True, "0"])
def test_a_frame_that_is_no_number_is_refused(tmp_path, frame):
    with pytest.raises(FilmError, match="whole number"):
        load_study(write_dicom(tmp_path / "film.dcm", RAMP), frame=frame)


def test_a_real_chest_film_loads(shared_dir):
    study = load_study(shared_dir / "data" / "dicom" / "siim_pneumothorax_1.dcm")
    assert study.shape == (1024, 1024)
    assert study.spacing_mm == (0.168, 0.168)
    heart, air = study.pixels[600:900, 480:600].mean(), study.pixels[350:500, 250:350].mean()
    assert heart > 0.7 > 0.5 > air


def test_a_real_monochrome1_film_is_the_same_in_all_its_encodings():
    from importlib.util import find_spec

    spec = find_spec("data_store")
    if spec is None or spec.origin is None:
        pytest.skip("the package pydicom-data is not installed")
    films = [load_study(Path(spec.origin).parent / "data" / f"RG1_{kind}.dcm") for kind in ("UNCR", "J2KR")]
    assert films[0].key == films[1].key
    spine, lung = films[0].pixels[1300:1600, 850:950].mean(), films[0].pixels[300:400, 500:600].mean()
    assert spine > lung
