"""What a sentence says of each finding."""

from __future__ import annotations

import pytest

from egma.data.labels import label_mesh, label_sentence, load_vocabulary, sides_of, swap_sides
from egma.findings import FINDINGS


def said(sentence: str) -> dict[str, int]:
    labels = label_sentence(sentence)
    return {finding: int(value) for finding, value in zip(FINDINGS, labels) if value}


@pytest.mark.parametrize(
    ("sentence", "finding", "value"),
    [
        ("There is a left pleural effusion.", "Effusion", 1),
        ("No pleural effusion.", "Effusion", -1),
        ("There is no pneumothorax or pleural effusion.", "Effusion", -1),
        ("There is no pneumothorax or pleural effusion.", "Pneumothorax", -1),
        ("Pneumothorax is not seen.", "Pneumothorax", -1),
        ("The pleural effusion has resolved.", "Effusion", -1),
        ("Heart size is enlarged.", "Cardiomegaly", 1),
        ("The heart is not enlarged.", "Cardiomegaly", -1),
        ("Heart size is normal.", "Cardiomegaly", -1),
        ("No effusion, but there is basilar atelectasis.", "Atelectasis", 1),
        ("No effusion, but there is basilar atelectasis.", "Effusion", -1),
        ("No significant change in the left effusion.", "Effusion", 1),
        ("Possible pneumonia.", "Pneumonia", 1),
        ("The lungs are clear.", "Consolidation", -1),
        ("The costophrenic angles are sharp.", "Effusion", -1),
        ("Hiatal hernia is noted.", "Hernia", 1),
        ("Subcutaneous emphysema.", "Emphysema", 0),
        ("Mass effect on the trachea.", "Mass", 0),
    ],
)
def test_a_sentence_says_a_finding_is_there_or_not_or_nothing(sentence: str, finding: str, value: int) -> None:
    assert said(sentence).get(finding, 0) == value


def test_a_normal_film_is_no_finding_and_a_finding_makes_it_abnormal() -> None:
    assert said("No acute cardiopulmonary abnormality.")["No Finding"] == 1
    assert said("The lungs are clear.")["No Finding"] == 1
    assert said("Small right pneumothorax.")["No Finding"] == -1


def test_normal_bones_do_not_make_a_normal_film() -> None:
    assert "No Finding" not in said("No evidence of acute bony abnormality.")


def test_words_about_nothing_here_say_nothing() -> None:
    assert said("Compared with XXXX.") == {}
    assert said("") == {}


def test_every_word_of_the_vocabulary_belongs_to_a_finding() -> None:
    words = load_vocabulary()
    named = {*words.terms, *words.denied_by, *words.denied_by_clear_lungs, *words.denied_by_normal_film}
    assert named | {finding for findings in words.mesh.values() for finding in findings} <= set(FINDINGS)
    assert set(words.terms) == set(FINDINGS) - {"No Finding"}


def test_mesh_headings_name_findings_whatever_their_qualifiers() -> None:
    labels = label_mesh(
        ("Pleural Effusion/left/small", "Airspace Disease/lung/base", "Thoracic Vertebrae/degenerative")
    )
    assert {finding for finding, value in zip(FINDINGS, labels) if value} == {
        "Effusion",
        "Consolidation",
        "Infiltration",
    }
    assert not label_mesh(()).any()


def test_sides_are_read_and_exchanged() -> None:
    assert sides_of("Left basilar opacity") == {"left"}
    assert sides_of("Bilateral effusions") == {"left", "right"}
    assert sides_of("Cardiomegaly") == set()
    assert swap_sides("Left effusion, right base clear.") == "Right effusion, left base clear."
    assert swap_sides(swap_sides("Left and right.")) == "Left and right."
    assert swap_sides("Bright leftover") == "Bright leftover"
