"""Words find reports by meaning and by letter, and a denial is not found as its opposite."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egma.errors import EgmaError, LibraryError, PromptError
from egma.index import Filters, ReportIndex
from egma.index.sections import label_masks, named_in, split_report, split_sections
from egma.index.stance import Stance
from egma.index.words import find_quoted, read_question, stands_in
from tests.index.conftest import REPORTS


def ids_of(hits) -> list[str]:
    return [hit.id for hit in hits]


@pytest.mark.parametrize(
    ("words", "first", "last"),
    [
        ("pleural effusion", "b", "a"),
        ("no pleural effusion", "a", "b"),
        ("pneumothorax", "e", "d"),
        ("no pneumothorax", "d", "e"),
        ("rib fracture", "c", "d"),
        ("no rib fracture", "d", "c"),
        ("cardiomegaly", "be", "a"),
        ("normal heart size", "a", "be"),
    ],
)
def test_a_finding_and_its_denial_do_not_rank_together(library, engine, words: str, first: str, last: str) -> None:
    hits = library.search_text(engine, words, 5)
    assert hits[0].id in first and hits[0].stance == "agrees"
    opposite = [hit for hit in hits if hit.id in last]
    assert all(hit.stance == "contradicts" and hit.score < 0.11 for hit in opposite)
    stances = [hit.stance == "contradicts" for hit in hits]
    assert opposite and stances == sorted(stances)  # none that contradicts stands before one that does not
    assert all(hit.stance != "contradicts" for hit in library.search_text(None, words, 1))


def test_without_negation_handling_the_opposite_ranks_like_any_other(library, engine) -> None:
    hits = library.search_text(engine, "no rib fracture", 5, negation=False)
    assert {hit.id: hit.score for hit in hits}["c"] > 0.4


def test_a_hit_shows_the_sentence_that_matched(library, engine) -> None:
    (hit, *_) = library.search_text(engine, "Mild cardiomegaly.", 5)
    assert (hit.id, hit.sentence) == ("b", "Mild cardiomegaly.")
    assert hit.cosine == pytest.approx(1, abs=1e-5) and hit.text == REPORTS["b"]
    assert hit.as_json().keys() == {"id", "score", "sentence", "text"}
    (hit, *_) = library.search_text(None, "displaced fracture", 5, negation=False)
    assert (hit.id, hit.sentence, hit.cosine) == ("d", "No displaced rib fracture.", None)


def test_scores_fall_and_are_one_where_a_report_is_first_in_both_rankings(library, engine) -> None:
    hits = library.search_text(engine, "Right apical pneumothorax.", 5)
    scores = [hit.score for hit in hits]
    assert scores[0] == 1.0 and hits[0].place == (1, 1) and scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_what_is_quoted_must_stand_word_for_word(library, engine) -> None:
    assert ids_of(library.search_text(engine, '"left pleural effusion"', 5)) == ["b"]
    assert library.search_text(engine, '"left pleural effusions"', 5) == []
    assert library.search_text(engine, '"effusion left pleural"', 5) == []
    assert ids_of(library.search_text(engine, "fracture \u201cclear lungs\u201d", 5)) == ["c"]
    assert stands_in("clear lungs", "Clear,  LUNGS.") and not stands_in("lear lungs", "Clear lungs")


@pytest.mark.parametrize(
    "words",
    [
        'pleural" OR "x',
        "NEAR(pleural effusion, 2)",
        "text:effusion",
        "effusion AND",
        "* ^ - + ( ) { }",
        "effus*",
        '"""',
        "'; DROP TABLE records; --",
        "${jndi:ldap://x} <img src=x onerror=1>",
        "effusion\x00\x07",
        "größe Ätelektase 肺炎 😀",
        "a" * 9_000,
    ],
    ids=range(12),
)
def test_no_words_break_the_search(library, engine, words: str) -> None:
    try:
        hits = library.search_text(engine, words, 5)
    except PromptError as error:
        assert "nothing to search for" in str(error) or "characters" in str(error)
    else:
        assert all(hit.text == REPORTS[hit.id] for hit in hits)
    assert len(library) == 5


@settings(max_examples=150, deadline=None)
@given(words=st.text(max_size=60))
def test_any_text_is_a_question_or_one_sentence(tmp_path_factory, words: str) -> None:
    index = _shared(tmp_path_factory)
    try:
        for hit in index.search_text(None, words, 3):
            assert hit.text == REPORTS[hit.id]
    except EgmaError as error:
        assert str(error)


_opened: list[ReportIndex] = []


def _shared(factory: pytest.TempPathFactory) -> ReportIndex:
    if not _opened:
        import numpy as np

        _opened.append(ReportIndex.open(factory.mktemp("words")))
        _opened[0].add(list(REPORTS), np.eye(5), list(REPORTS.values()))
    return _opened[0]


@pytest.mark.parametrize("words", ["", "  ", "?!", '""', "x" * 10_001, 7], ids=range(6))
def test_nothing_to_search_for_is_one_sentence(library, engine, words) -> None:
    with pytest.raises(PromptError, match=r"search for|can be asked"):
        library.search_text(engine, words, 5)


def test_filters_narrow_a_search_by_words(tmp_path: Path, engine) -> None:
    facts = [{"text": text, "source": name, "age": 40 + place} for place, (name, text) in enumerate(REPORTS.items())]
    with ReportIndex.open(tmp_path) as index:
        index.add_reports(engine, list(REPORTS), facts)
        assert ids_of(index.search_text(engine, "heart", 5, Filters(source=("E",)))) == ["e"]
        assert set(ids_of(index.search_text(engine, "lungs", 5, Filters(age=(None, 42))))) == {"a", "b", "c"}
        assert ids_of(index.search_text(engine, "heart", 5, Filters(finding=("Pneumothorax",)))) == ["e"]
        both = Filters(finding=("Effusion", "Cardiomegaly"))
        assert ids_of(index.search_text(engine, "heart", 5, both)) == ["b"]
        assert index.search_text(engine, "heart", 5, Filters(source=("'; --",))) == []
        assert not Filters() and both
    with pytest.raises(LibraryError, match="'Flu' is no finding"):
        Filters(finding=("Flu",))
    with pytest.raises(LibraryError, match="YYYY-MM-DD"):
        Filters(date=("yesterday", ""))


def test_a_report_falls_into_sections_and_the_sentences_of_what_was_seen() -> None:
    text = "INDICATION: Rule out pneumonia. FINDINGS: Lungs are clear. No effusion.\nIMPRESSION: Normal chest."
    assert [(each.name, each.text) for each in split_sections(text)] == [
        ("indication", "Rule out pneumonia."),
        ("findings", "Lungs are clear. No effusion."),
        ("impression", "Normal chest."),
    ]
    assert [each.text for each in split_report(text)] == ["Lungs are clear.", "No effusion.", "Normal chest."]
    assert [each.section for each in split_report("Clear lungs.")] == [""]
    assert [each.text for each in split_report("INDICATION: Cough and fever.")] == ["Cough and fever."]


def test_a_report_with_a_finding_is_not_normal() -> None:
    present, absent = label_masks(["No acute disease.", "Large pleural effusion."])
    assert named_in(present) == ("Effusion",) and "No Finding" in named_in(absent)


@pytest.mark.parametrize(
    ("asked", "said", "stance"),
    [
        ("foreign body", "A metallic foreign body is seen.", "agrees"),
        ("foreign body", "No radiopaque foreign body.", "contradicts"),
        ("no foreign body", "Without foreign body.", "agrees"),
        ("no free air", "Free air under the diaphragm.", "contradicts"),
        ("free air", "INDICATION: free air? FINDINGS: Normal.", ""),
        ("lymphadenopathy", "No mass. There is lymphadenopathy.", "agrees"),
        ("calcified aorta", "No change in the calcified aorta.", "agrees"),
    ],
)
def test_words_that_are_no_finding_are_denied_by_the_same_rules(asked: str, said: str, stance: str) -> None:
    assert Stance.of(read_question(asked)).of_text(said) == stance


def test_quoted_phrases_are_found_whatever_the_library_holds(library) -> None:
    with library.reading() as connection:
        assert len(find_quoted(connection, ("heart is",))) == 2
        assert len(find_quoted(connection, ("heart is", "pneumothorax"))) == 1


def test_words_that_nearly_every_report_holds_are_not_scored_beside_one_that_tells(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("egma.index.words._COMMON_FROM", 50)
    texts = [
        f"Study of the chest {'left' if row % 2 else 'right'} {'bulla' if row in (7, 90) else ''}" for row in range(99)
    ]
    with ReportIndex.open(tmp_path) as index:
        index.add([f"r{row}" for row in range(99)], [[1.0, 0.0]] * 99, texts)
        found = [hit.id for hit in index.search_text(None, "study bulla unheard", 20)]
        assert found == ["r7", "r90"]
        assert len(index.search_text(None, "study chest", 20)) == 20  # where all are common, all count
        assert index.search_text(None, "study left bulla", 20)[0].id == "r7"  # all of them
