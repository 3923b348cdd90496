"""Phrases within bounds, and reports as sentences."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egma.errors import PromptError
from egma.inference.prompts import (
    MAX_PHRASE_CHARS,
    MAX_REPORT_CHARS,
    check_texts,
    clean_phrases,
    clean_text,
    split_sentences,
)

SPLITS = {
    "plain": ("The heart is normal. No effusion.", ["The heart is normal.", "No effusion."]),
    "decimals": ("A 2.5 cm nodule. It was 1.5 x 2.0 cm.", ["A 2.5 cm nodule.", "It was 1.5 x 2.0 cm."]),
    "headings": (
        "FINDINGS: Lungs are clear.\nIMPRESSION: No acute disease.",
        ["Lungs are clear.", "No acute disease."],
    ),
    "headings inline": ("Findings: Clear. Impression: Normal.", ["Clear.", "Normal."]),
    "headings alone on a line": ("FINDINGS\nLungs are clear.\nIMPRESSION\nNormal.", ["Lungs are clear.", "Normal."]),
    "numbered lines": (
        "IMPRESSION:\n1. No effusion.\n2) Nodule.\n(3) Hernia.",
        ["No effusion.", "Nodule.", "Hernia."],
    ),
    "numbered inline": ("IMPRESSION: 1. No effusion. 2. Normal heart.", ["No effusion.", "Normal heart."]),
    "bullets": ("- Heart normal\n* Lungs clear\n• No effusion", ["Heart normal", "Lungs clear", "No effusion"]),
    "titles": ("Discussed with Dr. Smith by phone. Stable.", ["Discussed with Dr. Smith by phone.", "Stable."]),
    "versus": ("Atelectasis vs. pneumonia. Stable.", ["Atelectasis vs. pneumonia.", "Stable."]),
    "about": ("Measures approx. 3 cm. Stable.", ["Measures approx. 3 cm.", "Stable."]),
    "an initial": ("Opacity in the R. lower lobe. Stable.", ["Opacity in the R. lower lobe.", "Stable."]),
    "a clock": ("Seen at 3 p.m. on Monday. Stable.", ["Seen at 3 p.m. on Monday.", "Stable."]),
    "a clock at the end": ("Seen at 3 p.m. The heart is big.", ["Seen at 3 p.m.", "The heart is big."]),
    "a count": ("See film No. 2 above. Stable.", ["See film No. 2 above.", "Stable."]),
    "a number at the end": ("Fracture of rib 7. The heart is big.", ["Fracture of rib 7.", "The heart is big."]),
    "dots inside": ("Catheter tip in the SVC... unchanged. Ok.", ["Catheter tip in the SVC... unchanged.", "Ok."]),
    "marks": ("XXXX XXXX. Left effusion in XXXX. ___.", ["Left effusion in XXXX."]),
    "questions": ("Pneumothorax? None seen! Good.", ["Pneumothorax?", "None seen!", "Good."]),
    "lower case": ("no effusion. heart is normal.", ["no effusion.", "heart is normal."]),
    "no blank": ("No effusion.Heart is normal.", ["No effusion.", "Heart is normal."]),
    "wrapped": (
        "There is a large left pleural effusion with adjacent atelectasis\nof the lower lobe. Stable.",
        ["There is a large left pleural effusion with adjacent atelectasis of the lower lobe.", "Stable."],
    ),
    "short lines": ("Heart size normal\nLungs clear", ["Heart size normal", "Lungs clear"]),
    "windows lines": ("Clear lungs.\r\nNormal heart.\r\n", ["Clear lungs.", "Normal heart."]),
    "anatomy is no heading": ("LUNGS: Clear. HEART: Normal.", ["LUNGS: Clear.", "HEART: Normal."]),
    "markup": ("<b>Effusion</b> & more. Done.", ["<b>Effusion</b> & more.", "Done."]),
    "brackets": ("Stable (see prior). Normal heart.", ["Stable (see prior).", "Normal heart."]),
    "nothing": ("", []),
    "only marks": ("XXXX. ___ 3. - !", []),
}


@pytest.mark.parametrize(("report", "sentences"), SPLITS.values(), ids=SPLITS.keys())
def test_a_report_becomes_its_sentences(report: str, sentences: list[str]) -> None:
    assert split_sentences(report) == sentences


def test_a_sentence_above_the_bound_is_cut_at_a_comma() -> None:
    pieces = split_sentences("The lung is clear and well seen, " * 20)
    assert all(len(piece) <= MAX_PHRASE_CHARS for piece in pieces)
    assert all(piece.endswith("seen,") for piece in pieces)


def test_a_report_above_the_bound_is_refused() -> None:
    with pytest.raises(PromptError, match="one report at a time"):
        split_sentences("x" * (MAX_REPORT_CHARS + 1))


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400))
def test_every_sentence_of_any_text_can_be_asked(report: str) -> None:
    sentences = split_sentences(report)
    for sentence in sentences:
        assert clean_phrases([sentence]) == [sentence]


def test_phrases_come_one_a_line_without_blanks_and_repeats() -> None:
    assert clean_phrases(" effusion \n\n heart\nheart") == ["effusion", "heart"]


def test_a_list_keeps_its_length_and_order() -> None:
    assert clean_phrases(["b", " a\t b ", "b"]) == ["b", "a b", "b"]


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("e\u0301dema", "édema"),
        ("left\u0000 \u202eeffusion\u200b", "left effusion\u200b"),
        ("\ud800mass", "mass"),
        ("👩\u200d⚕️", "👩\u200d⚕️"),
        ("<script>alert(1)</script>", "<script>alert(1)</script>"),
    ],
)
def test_control_and_direction_marks_go_and_everything_else_stays(typed: str, kept: str) -> None:
    assert clean_text(typed) == kept


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "nothing to ask"),
        (" \n\t\n", "nothing to ask"),
        ([], "nothing to ask"),
        (["heart", "\u0000"], "a phrase is empty"),
        ("x" * 301, "301 characters"),
        (["x" * 301], "301 characters"),
        ("x" * 100_000, "100,000 characters"),
        ("\n".join(f"phrase {number}" for number in range(33)), "at most 32 phrases"),
        (["heart"] * 33, "at most 32 phrases"),
        ([5], "wanted a text, got int"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(words: object, sentence: str) -> None:
    with pytest.raises(PromptError, match=sentence) as caught:
        clean_phrases(words)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 200


def test_texts_to_embed_may_be_longer_than_a_phrase() -> None:
    assert check_texts(["word " * 1000]) == [("word " * 1000).strip()]
    with pytest.raises(PromptError, match="at most 10,000"):
        check_texts(["word " * 3000])
