"""Phantoms: equal seeds give equal films, and every lesion is where its mask and its sentence say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from egma.errors import DataError
from egma.findings import FINDINGS
from egma.imaging import load_study
from egma.testing.lesions import BILATERAL, LESIONS, MIDLINE
from egma.testing.phantoms import PHANTOM_WARNING, Phantom, build_phantom, build_phantoms, write_phantom_dicom

SMALL = (144, 144)
SIDED = sorted(set(LESIONS) - BILATERAL - MIDLINE)
BRIGHTER = ("Consolidation", "Effusion", "Mass", "Nodule", "Pneumonia", "Pleural Thickening", "Infiltration", "Edema")
DARKER = ("Pneumothorax", "Emphysema")


def left_share(mask: np.ndarray) -> float:
    """Share of a mask on the image's right, the patient's left."""
    return float(mask[:, mask.shape[1] // 2 :].sum() / mask.sum())


def test_every_finding_but_no_finding_has_a_phantom() -> None:
    assert set(LESIONS) == set(FINDINGS) - {"No Finding"}


@pytest.mark.parametrize("finding", [None, *sorted(LESIONS)])
def test_equal_seeds_give_equal_films(finding: str | None) -> None:
    first, second = (build_phantom(5, finding, size=SMALL) for _ in range(2))
    assert first.study.key == second.study.key and first.sentences == second.sentences
    assert build_phantom(6, finding, size=SMALL).study.key != first.study.key


@pytest.mark.parametrize("finding", sorted(LESIONS))
def test_a_lesion_has_a_mask_a_name_and_a_sentence(finding: str) -> None:
    for seed in range(3):
        phantom = build_phantom(seed, finding, size=SMALL)
        assert phantom.findings == (finding,)
        mask = phantom.masks[finding]
        assert mask.dtype == np.bool_ and mask.shape == SMALL
        assert 3 <= mask.sum() < 0.5 * mask.size
        assert len(phantom.sentences) == 1 and phantom.sentences[0].endswith(".")
        assert "{" not in phantom.sentences[0] and "  " not in phantom.sentences[0]


@pytest.mark.parametrize("finding", SIDED)
@pytest.mark.parametrize("side", ["left", "right"])
def test_a_lesion_lies_on_the_patient_s_own_side_and_the_sentence_agrees(finding: str, side: str) -> None:
    for seed in range(2):
        phantom = build_phantom(seed, finding, side, size=SMALL)
        assert phantom.sides == (side,)
        share = left_share(phantom.masks[finding])
        assert share > 0.8 if side == "left" else share < 0.2
        other = {"left": "right", "right": "left"}[side]
        assert side in phantom.sentences[0].lower() and other not in phantom.sentences[0].lower()


@pytest.mark.parametrize("finding", [*BRIGHTER, *DARKER])
def test_a_lesion_changes_the_film_inside_its_mask_in_the_right_direction(finding: str) -> None:
    difference = []
    for seed in range(6):
        phantom = build_phantom(seed, finding, "left", size=SMALL, severity=0.7)
        other_lung = phantom.lungs["right"] & ~phantom.masks[finding]
        if not other_lung.any():  # a finding of both lungs: compare with a patient without it
            other_lung, pixels = phantom.lungs["right"], build_phantom(seed, size=SMALL).study.pixels
        else:
            pixels = phantom.study.pixels
        difference.append(phantom.study.pixels[phantom.masks[finding]].mean() - pixels[other_lung].mean())
    assert np.mean(difference) > 0.03 if finding in BRIGHTER else np.mean(difference) < -0.03


def test_severity_grows_the_lesion() -> None:
    for finding in ("Effusion", "Pneumothorax", "Mass", "Cardiomegaly"):
        areas = [
            build_phantom(3, finding, "left", size=SMALL, severity=severity).masks[finding].sum()
            for severity in (0.1, 0.9)
        ]
        assert areas[1] > 1.2 * areas[0]


def test_a_large_heart_is_wider_than_half_the_chest_and_a_normal_one_is_not() -> None:
    def ratio(phantom: Phantom, heart: np.ndarray) -> float:
        lungs = phantom.lungs["left"] | phantom.lungs["right"]
        width = [np.ptp(np.nonzero(mask.any(axis=0))[0]) for mask in (heart, lungs)]
        return width[0] / width[1]

    for seed in range(5):
        large = build_phantom(seed, "Cardiomegaly", size=SMALL)
        assert ratio(large, large.masks["Cardiomegaly"]) > 0.5


def test_a_normal_film_has_clear_lungs_and_normal_sentences() -> None:
    phantom = build_phantom(1, "No Finding", size=SMALL)
    assert phantom.findings == () and phantom.masks == {}
    assert len(phantom.sentences) == 3
    lungs = phantom.lungs["left"] | phantom.lungs["right"]
    assert 0.1 < lungs.mean() < 0.5
    assert left_share(phantom.lungs["left"]) > 0.95 and left_share(phantom.lungs["right"]) < 0.05
    pixels = phantom.study.pixels
    assert pixels[lungs].mean() < 0.5 < pixels[-15:, 60:84].mean()


def test_several_findings_share_a_film() -> None:
    phantom = build_phantom(2, findings=[("Effusion", "left"), ("Mass", "right"), ("Cardiomegaly", None)], size=SMALL)
    assert phantom.findings == ("Effusion", "Mass", "Cardiomegaly")
    assert phantom.sides == ("left", "right", "")
    assert len(phantom.sentences) == 3 and set(phantom.masks) == set(phantom.findings)


def test_a_phantom_says_that_it_is_one() -> None:
    assert PHANTOM_WARNING in build_phantom(0, size=SMALL).study.warnings


@pytest.mark.parametrize("size", [(64, 64), (240, 160), (160, 240), (1, 1), (1, 300), (300, 1)])
def test_any_size_is_drawn(size: tuple[int, int]) -> None:
    for finding in (None, "Mass", "Effusion", "Edema", "Atelectasis"):
        phantom = build_phantom(0, finding, size=size)
        assert phantom.study.shape == size
        assert np.isfinite(phantom.study.pixels).all()


def test_the_same_patient_at_twice_the_size_has_the_lesion_in_the_same_place() -> None:
    small = build_phantom(8, "Effusion", "left", size=(160, 160), severity=0.6)
    large = build_phantom(8, "Effusion", "left", size=(320, 320), severity=0.6)
    centers = [np.argwhere(one.masks["Effusion"]).mean(axis=0) / one.study.shape[0] for one in (small, large)]
    np.testing.assert_allclose(*centers, atol=0.02)


def test_a_balanced_mix_has_normals_and_several_findings() -> None:
    mix = list(build_phantoms(35, seed=3, size=(96, 96)))
    counts = [len(phantom.findings) for phantom in mix]
    assert counts.count(0) == 7 and counts.count(2) >= 5
    assert {name for phantom in mix for name in phantom.findings} == set(LESIONS)
    again = list(build_phantoms(5, seed=3, size=(96, 96)))
    assert [phantom.study.key for phantom in mix[:5]] == [phantom.study.key for phantom in again]


def test_an_unknown_finding_or_side_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="no phantom of 'Fracture'"):
        build_phantom(0, "Fracture")
    with pytest.raises(DataError, match="'left' or 'right'"):
        build_phantom(0, "Mass", "top")


def test_a_phantom_travels_through_dicom(tmp_path: Path) -> None:
    phantom = build_phantom(4, "Mass", "right", size=(200, 180))
    study = load_study(write_phantom_dicom(phantom, tmp_path / "phantom.dcm"))
    np.testing.assert_allclose(study.pixels, phantom.study.pixels, atol=2 / 4095)
    assert study.spacing_mm == pytest.approx(phantom.study.spacing_mm, abs=1e-3)
    assert b"SYNTHETIC PHANTOM" in (tmp_path / "phantom.dcm").read_bytes()
