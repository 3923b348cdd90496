"""What a header says beside pixels: spacing, sentences, look-up tables as makers really write them."""

from __future__ import annotations

import numpy as np
import pytest
from pydicom import uid

from egma.imaging import load_study
from egma.imaging.luts import read_table
from egma.testing.dicom import PATIENT_NAME, build_bytes, build_dataset, build_table, write_dicom

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)
WINDOW = {"WindowCenter": 2048, "WindowWidth": 4096}


@pytest.mark.parametrize(
    ("tags", "spacing"),
    [
        ({"PixelSpacing": [0.2, 0.1], "ImagerPixelSpacing": [0.4, 0.4]}, (0.2, 0.1)),
        ({"ImagerPixelSpacing": [0.143, 0.143]}, (0.143, 0.143)),
        ({"NominalScannedPixelSpacing": [0.3, 0.3]}, (0.3, 0.3)),
        ({"PixelSpacing": [0, 0], "ImagerPixelSpacing": [0.15, 0.15]}, (0.15, 0.15)),
        ({"PixelSpacing": [0, 0]}, None),
        ({"PixelSpacing": [-1, 1]}, None),
        ({"PixelSpacing": [0.2]}, None),
        ({}, None),
    ],
)
def test_spacing_is_row_then_column_from_the_best_source(load_film, tags, spacing):
    study = load_film(RAMP, bits_stored=12, tags=tags)
    assert study.spacing_mm == spacing
    said = any("spacing is not valid" in sentence for sentence in study.warnings)
    assert said is (spacing is None and bool(tags))


@pytest.mark.parametrize("tags", [{"PixelSpacing": [0.2, 0.1]}, {"PixelAspectRatio": [2, 1]}])
def test_pixels_that_are_not_square_are_said(load_film, tags):
    assert any("not square" in s for s in load_film(RAMP, bits_stored=12, tags=tags).warnings)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Modality": "CT"}, "another modality"),
        ({"ViewPosition": "LL"}, "lateral"),
        ({"BodyPartExamined": "SKULL"}, "another part of the body"),
        ({"PresentationIntentType": "FOR PROCESSING"}, "raw detector data"),
        ({"PatientOrientation": ["R", "F"]}, "mirrored or turned"),
        ({"PatientOrientation": ["L", "H"]}, "mirrored or turned"),
    ],
)
def test_a_header_that_says_it_is_no_upright_frontal_is_passed_on(load_film, tags, words):
    assert any(words in sentence for sentence in load_film(RAMP, bits_stored=12, tags=tags).warnings)


@pytest.mark.parametrize("orientation", [["L", "F"], ["A", "F"], "", None])
def test_an_upright_film_is_not_called_mirrored(load_film, orientation):
    study = load_film(RAMP, bits_stored=12, tags={"PatientOrientation": orientation})
    assert not any("mirrored" in sentence for sentence in study.warnings)


def test_a_table_of_65536_entries_is_declared_as_zero(load_film):
    entries = np.arange(65536).astype(np.uint16)
    film = np.linspace(0, 65535, 4096).astype(np.uint16).reshape(64, 64)
    study = load_film(film, tags={"VOILUTSequence": [build_table(entries)]})
    np.testing.assert_allclose(study.pixels, film / 65535, atol=1e-6)


def test_a_table_may_start_below_zero_on_a_signed_film(load_film):
    film = (RAMP.astype(np.int32) - 2048).astype(np.int16)
    entries = np.arange(4096).astype(np.uint16)
    table = build_table(entries, first=-2048, bits=12, signed_first=True)
    study = load_film(film, bits_stored=12, tags={"ModalityLUTSequence": [table], **WINDOW})
    assert (np.diff(study.pixels.ravel()) >= 0).all()
    assert study.pixels.ravel()[2048] == pytest.approx(2048 / 4095, abs=1e-3)


def test_a_signed_start_written_as_unsigned_is_understood():
    assert read_table(build_table(np.arange(10), first=65526), signed_input=True).first == -10
    assert read_table(build_table(np.arange(10), first=65526), signed_input=False).first == 65526


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.ImplicitVRLittleEndian])
def test_8_bit_entries_packed_in_words_are_unpacked(load_film, syntax):
    entries = np.arange(255, -1, -1)
    film = np.tile(np.arange(256, dtype=np.uint16), (8, 1))
    study = load_film(film, syntax=syntax, tags={"VOILUTSequence": [build_table(entries, bits=8, packed=True)]})
    np.testing.assert_allclose(study.pixels[0], entries / 255, atol=1e-6)


@pytest.mark.parametrize("packed", [False, True])
def test_tables_of_a_big_endian_film_are_swapped(load_film, packed):
    entries = np.arange(255, -1, -1)
    table = build_table(entries, bits=8)
    words = entries.astype(np.uint8).view("<u2") if packed else entries
    table.LUTData = words.astype(">u2").tobytes()
    film = np.tile(np.arange(256, dtype=np.uint16), (8, 1))
    study = load_film(film, syntax=uid.ExplicitVRBigEndian, tags={"VOILUTSequence": [table]})
    np.testing.assert_allclose(study.pixels[0], entries / 255, atol=1e-6)


def test_values_beyond_a_table_take_its_nearest_entry(load_film):
    table = build_table(np.array([100, 4000], np.uint16), first=1000, bits=12)
    shown = load_film(RAMP, bits_stored=12, tags={"VOILUTSequence": [table]}).pixels.ravel()
    assert shown[0] == shown[1000] == pytest.approx(100 / 4095)
    assert shown[1001] == shown[4095] == pytest.approx(4000 / 4095)


def test_a_vendor_table_that_declares_too_many_bits_is_not_black(load_film):
    entries = np.arange(4096).astype(np.uint16)
    study = load_film(RAMP, bits_stored=12, tags={"VOILUTSequence": [build_table(entries, bits=16)]})
    assert study.pixels.max() == 1.0
    assert any("more bits than it uses" in sentence for sentence in study.warnings)


def test_a_damaged_voi_table_gives_way_to_the_window(load_film):
    table = build_table(np.arange(4096).astype(np.uint16))
    table.LUTData = table.LUTData[:100]
    study = load_film(RAMP, bits_stored=12, tags={**WINDOW, "VOILUTSequence": [table]})
    assert study.display.note == "window from the file"
    assert any("VOI table is damaged" in sentence for sentence in study.warnings)


def test_window_text_that_is_no_number_gives_way_to_percentiles(tmp_path):
    data = build_bytes(build_dataset(RAMP, bits_stored=12, tags={"WindowCenter": "2048", "WindowWidth": "4096"}), RAMP)
    (tmp_path / "film.dcm").write_bytes(data.replace(b"2048", b"abcd"))
    study = load_study(tmp_path / "film.dcm")
    assert study.display.note.startswith("percentiles")
    assert any("window is not valid" in sentence for sentence in study.warnings)


def test_no_patient_data_reaches_the_reader(tmp_path, caplog, capfd):
    hostile = '<img src=x onerror="alert(1)">'
    tags = {
        "PatientName": PATIENT_NAME,
        "ViewPosition": PATIENT_NAME,
        "BodyPartExamined": hostile,
        "Modality": PATIENT_NAME,
        "VOILUTFunction": PATIENT_NAME,
        "WindowCenterWidthExplanation": PATIENT_NAME,
        **WINDOW,
    }
    study = load_study(write_dicom(tmp_path / "film.dcm", RAMP, bits_stored=12, tags=tags))
    out, err = capfd.readouterr()
    said = " ".join([*study.warnings, study.display.note, out, err, caplog.text])
    assert "Canary" not in said
    assert "onerror" not in said
