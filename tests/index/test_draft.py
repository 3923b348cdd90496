"""A draft says only what reports say, names who says it, and shows where they disagree."""

from __future__ import annotations

import pytest

from egma.errors import LibraryError
from egma.index.draft import Conflict, DraftSentence, draft_from, find_conflicts
from egma.index.records import Hit, ReportRecord
from egma.testing import tiny_engine


@pytest.fixture(scope="module")
def engine():
    return tiny_engine()


def hit(name: str, text: str, score: float = 0.5) -> Hit:
    return Hit(name, score, "", text, ReportRecord(text=text))


THREE = [
    hit("CXR1", "FINDINGS: The heart is enlarged. There is a left pleural effusion. IMPRESSION: Cardiac device.", 0.9),
    hit("CXR2", "FINDINGS: The heart is enlarged. No pleural effusion. The bones are intact.", 0.8),
    hit(
        "CXR3",
        "INDICATION: left pleural effusion. FINDINGS: No pleural effusion! There is a left pleural effusion.",
        0.7,
    ),
]


def test_every_sentence_stands_word_for_word_in_a_report_it_names(engine):
    draft = draft_from(engine, THREE)
    texts = {each.id: each.text for each in THREE}
    assert draft.sentences
    for sentence in draft.sentences:
        assert sentence.words in texts[sentence.sources[0].report]
        assert all(source.words in texts[source.report] for source in sentence.sources)
    assert draft.reports == ("CXR1", "CXR2", "CXR3")


def test_what_one_report_alone_says_is_left_out_and_counted(engine):
    draft = draft_from(engine, THREE)
    said = [sentence.words for sentence in draft.sentences]
    assert "The bones are intact." not in said
    assert draft.left_out == 2  # the bones, the device
    assert len(draft_from(engine, THREE, least_reports=1).sentences) == len(said) + 2


def test_sources_are_counted_once_a_report_nearest_first(engine):
    draft = draft_from(engine, THREE)
    heart = next(sentence for sentence in draft.sentences if "heart" in sentence.words)
    assert [source.report for source in heart.sources] == ["CXR1", "CXR2"]


def test_present_and_absent_are_never_put_together_and_are_flagged(engine):
    draft = draft_from(engine, THREE)
    there = next(place for place, each in enumerate(draft.sentences) if "Effusion" in each.present)
    not_there = next(place for place, each in enumerate(draft.sentences) if "Effusion" in each.absent)
    assert draft.sentences[there].contradicts == (not_there,)
    assert draft.sentences[not_there].contradicts == (there,)
    assert [(each.finding, each.about) for each in draft.conflicts if each.finding == "Effusion"] == [
        ("Effusion", "presence")
    ]


def test_why_the_film_was_taken_is_no_finding_of_it(engine):
    only = [hit("A", "INDICATION: pneumothorax. FINDINGS: The lungs are clear.")]
    assert [sentence.words for sentence in draft_from(engine, only).sentences] == ["The lungs are clear."]


def test_left_and_right_are_two_things(engine):
    reports = [
        hit("A", "There is a left pleural effusion."),
        hit("B", "There is a left pleural effusion."),
        hit("C", "There is a right pleural effusion."),
        hit("D", "There is a right pleural effusion."),
    ]
    draft = draft_from(engine, reports)
    assert len(draft.sentences) == 2
    assert draft.conflicts == (Conflict("Effusion", "side", (0, 1)),)
    assert [each.contradicts for each in draft.sentences] == [(1,), (0,)]


def test_a_bilateral_finding_does_not_contradict_a_side():
    sentences = [
        DraftSentence("Bilateral pleural effusions.", (), present=("Effusion",)),
        DraftSentence("Left pleural effusion.", (), present=("Effusion",)),
    ]
    assert find_conflicts(sentences) == []


def test_a_wording_without_marks_and_without_earlier_films_stands_for_the_rest(engine):
    reports = [
        hit("A", "Stable XXXX cardiomegaly."),
        hit("B", "stable xxxx cardiomegaly"),
        hit("C", "The heart is enlarged."),
        hit("D", "The heart is enlarged."),
    ]
    draft = draft_from(engine, reports)
    flagged = {each.words: (each.of_change, each.marked) for each in draft.sentences}
    assert flagged["The heart is enlarged."] == (False, False)
    assert all(value == (True, True) for words, value in flagged.items() if "table" in words)


def test_the_order_is_that_of_the_reports(engine):
    text = "The heart is enlarged. The lungs are clear. No pleural effusion. The bones are intact."
    draft = draft_from(engine, [hit("A", text), hit("B", text)])
    assert " ".join(sentence.words for sentence in draft.sentences) == text


def test_reports_without_a_sentence_are_refused_in_one(engine):
    with pytest.raises(LibraryError, match="no sentence to draft from"):
        draft_from(engine, [hit("A", "")])
    with pytest.raises(LibraryError):
        draft_from(engine, [])
