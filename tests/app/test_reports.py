"""The Reports tab's decisions: searches, open reports, drafts, exports; handlers called with real stores."""

from __future__ import annotations

import csv
import io

import gradio as gr
import pytest

from app.panels.report_data import DraftData, HitsData, ReportData
from app.tabs import reports_screen as show
from app.tabs.archive_handlers import ArchiveHandlers
from app.tabs.draft_handlers import DraftHandlers
from app.tabs.draft_screen import conflict_words
from app.tabs.reports_asked import Asked
from app.tabs.reports_filters import FilterHandlers
from app.tabs.reports_handlers import ReportsHandlers
from egma.errors import LibraryError
from egma.index import Hit, ReportRecord
from egma.index.draft import Conflict
from egma.index.film_settings import FilmSearchSettings, Measured
from egma.testing import tiny_engine
from tests.app.conftest import make_study, send
from tests.app.report_library import HOSTILE, REPORTS, fill_archive, fill_library


@pytest.fixture
def handlers(services, engine) -> ReportsHandlers:
    fill_library(services, engine)
    return ReportsHandlers(services)


@pytest.fixture
def drafts(handlers) -> DraftHandlers:
    return DraftHandlers(handlers.services)


@pytest.fixture
def asked(film) -> Asked:
    return Asked("ward", "", film.key, "tiny", [], [], [], [], None, None, "", "")


def ids(hits: HitsData) -> list[str]:
    return [hit.id for hit in hits.hits]


def test_words_find_the_report_that_says_them_and_mark_the_sentence(handlers, asked):
    found = handlers.search_words('"left pleural effusion"', *asked).hits
    assert found.state == "ready"
    assert ids(found) == ["R1"]
    card = found.hits[0]
    assert "effusion" in card.matched.lower()
    assert card.facts == ["Ward A", "PA", "female", "63 y", "2013-08-01"]
    assert "Pleural effusion" in card.findings
    assert "by words" in card.score_words
    assert found.meaning == show.TEXT_MEANING
    assert "not a probability" in found.meaning


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        pytest.param({"view": ["PA"]}, {"R1", "R3"}, id="view"),
        pytest.param({"sex": ["M"]}, {"R2"}, id="sex"),
        pytest.param({"source": ["Ward B"]}, {"R2"}, id="source"),
        pytest.param({"age_from": 50.0}, {"R1"}, id="age"),
        pytest.param({"date_from": "2014-01-01"}, {"R2"}, id="date"),
        pytest.param({"finding": ["Effusion"]}, {"R1"}, id="finding"),
    ],
)
def test_filters_narrow_a_search(handlers, asked, change, wanted):
    assert set(ids(handlers.search_words("heart", *asked._replace(**change)).hits)) == wanted


@pytest.mark.parametrize(
    ("words", "change", "said"),
    [
        pytest.param("", {}, "nothing to search", id="no words"),
        pytest.param("x" * 601, {}, "at most 600", id="too many words"),
        pytest.param("heart", {"library": "nowhere"}, "no library 'nowhere' any more", id="library gone"),
        pytest.param("heart", {"library": "../ward"}, "no library", id="a path"),
        pytest.param("heart", {"date_from": "yesterday"}, "YYYY-MM-DD", id="no date"),
        pytest.param("heart", {"finding": ["nonsense"]}, "no finding", id="no finding"),
        pytest.param('"nobody says this"', {}, "No report fits", id="nothing found"),
    ],
)
def test_what_cannot_be_found_is_one_sentence(handlers, asked, words, change, said):
    found = handlers.search_words(words, *asked._replace(**change)).hits
    assert found.state in ("failed", "none")
    assert said.lower() in found.message.lower()
    assert found.hits == []


def test_a_library_of_another_model_names_the_command_that_embeds_it_again(services, film, asked):
    fill_library(services, tiny_engine(9))
    found = ReportsHandlers(services).search_words("heart", *asked).hits
    assert found.state == "failed"
    assert found.command.startswith("python -m egma index reembed")
    assert "python" not in found.message


def test_without_any_library_the_search_says_what_to_do(services, asked):
    found = ReportsHandlers(services).search_words("heart", *asked._replace(library="")).hits
    assert found.state == "failed"
    assert "no library yet" in found.message


def test_a_film_finds_reports_by_cosine_and_says_that_it_was_not_measured(handlers, asked, engine, film, services):
    found = handlers.search_film(*asked).hits
    vector = engine.embed_studies([film.study]).globals[0]
    vectors = services.libraries.open("ward").vectors_of(list(REPORTS))
    wanted = sorted(vectors, key=lambda name: -float(vectors[name] @ vector))
    assert ids(found) == wanted
    assert [hit.score for hit in found.hits] == pytest.approx(
        [float(vectors[name] @ vector) for name in wanted], abs=1e-5
    )
    assert "not measured" in found.caveat
    assert "not a probability" in found.meaning


def test_the_measured_figure_stands_beside_a_search_by_film(engine):
    measured = Measured(188, 3927, {10: (0.548, 0.486, 0.611)}, 0.201)
    words = show.film_caveat(FilmSearchSettings(measured=measured), engine)
    assert "188 held-out films" in words
    assert "55%" in words
    assert "49% to 61%" in words
    assert "20% by chance" in words


def test_reports_like_a_report_leave_that_one_out(handlers, asked):
    found = handlers.search_like(send(id="R1"), *asked).hits
    assert found.state == "ready"
    assert "R1" not in ids(found)
    assert len(ids(found)) == 3
    gone = handlers.search_like(send(id="nobody"), *asked).hits
    assert "no longer in the library" in gone.message


def test_a_hit_opens_by_sections_with_its_sentence_marked(handlers, film):
    view = handlers.open_hit("ward", film.key, "tiny", send(id="R1", matched="Left pleural effusion."))
    report = view.report
    assert [section.name for section in report.sections] == ["Indication", "Findings", "Impression"]
    assert report.sections[0].first == -1  # why the film was taken cannot be asked
    assert report.sections[1].sentences == ["The heart is enlarged.", "There is a left pleural effusion."]
    assert [section.first for section in report.sections[1:]] == [0, 2]
    assert report.matched == 2
    assert view.opened == "R1"
    assert view.viewer.film_id == film.key
    assert view.viewer.layers == []
    assert "another patient" in report.hint


def test_a_sentence_is_shown_on_the_film(handlers, film, engine):
    view = handlers.ask_sentence("ward", film.key, "tiny", "R1", send(index=1))
    assert view.report.current == 1
    (layer,) = view.viewer.layers
    assert layer.phrase == "There is a left pleural effusion."
    grid = engine.ground(film.study, [layer.phrase])[0].grid
    assert layer.data == pytest.approx(grid.ravel().tolist(), abs=1e-3)
    assert view.viewer.show > 0


@pytest.mark.parametrize("index", [-1, 3, True, "0", None, 1.5])
def test_a_sentence_that_is_not_there_is_refused(handlers, film, index):
    view = handlers.ask_sentence("ward", film.key, "tiny", "R1", send(index=index))
    assert view.report.id == ""
    assert "no longer there" in view.report.hint


def test_a_report_that_was_deleted_meanwhile_is_one_sentence(handlers, film):
    view = handlers.open_hit("ward", film.key, "tiny", send(id="nobody"))
    assert view.report == ReportData(hint="That report is no longer in the library; search again.")


def test_a_report_with_two_sections_of_one_name_keeps_every_sentence():
    text = "FINDINGS: The heart is enlarged. IMPRESSION: Effusion. FINDINGS: The lungs are clear. Bones are intact."
    data = show.report_screen("R", ReportRecord(text=text), "ward")
    said = [sentence for section in data.sections for sentence in section.sentences if section.first >= 0]
    assert said == [each.text for each in show.askable(text)]
    assert [section.first for section in data.sections] == [0, 1, 2]


def test_a_draft_names_its_sources_and_says_what_it_is(drafts, asked):
    draft = drafts.draft(*asked).draft
    assert draft.stamp
    assert "not a finding of this film" in draft.caveat
    assert [sentence.words for sentence in draft.sentences] == ["The heart is enlarged."]
    assert {source.id for source in draft.sentences[0].sources} == {"R1", "R3", "=R4"}
    assert drafts.draft(*asked).draft.stamp != draft.stamp  # a new draft begins with nothing accepted


def test_a_sentence_of_a_draft_is_shown_on_the_film(drafts, asked, film):
    draft = drafts.draft(*asked).draft
    view = drafts.ask_draft(draft, film.key, "tiny", send(index=0))
    assert view.viewer.layers[0].phrase == "The heart is enlarged."
    assert (view.draft.current, view.draft.stamp) == (0, draft.stamp)
    assert "no longer there" in drafts.ask_draft(DraftData(), film.key, "tiny", send(index=0)).draft.message


def test_contradictions_are_said_in_words():
    words = conflict_words(Conflict("Effusion", "presence", (3, 0)))
    assert words == "Pleural effusion: present in some, absent in others (sentences 1, 4)."


def test_an_export_is_text_that_no_spreadsheet_runs(handlers):
    sent = [
        {"id": "R1", "score": 0.5, "matched": "Left pleural effusion."},
        {"id": "=R4", "score": float("inf"), "matched": "not in the report"},
        {"id": "nobody", "score": 1},
        "nonsense",
    ]
    file = handlers.export("ward", send(hits=sent))
    assert file.name.startswith("egma-reports-")
    rows = list(csv.reader(io.StringIO(file.text, newline="")))
    assert [row[0] for row in rows] == ["id", "R1", "'=R4"]
    assert rows[1][1:3] == ["0.5", "Left pleural effusion."]
    assert rows[2][1:3] == ["", ""]
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]
    assert HOSTILE in rows[2][3]


@pytest.mark.parametrize("hits", [None, "x", [], [None], [{"id": 5}]])
def test_an_export_of_nonsense_is_an_empty_table(handlers, hits):
    assert len(handlers.export("ward", send(hits=hits)).text.splitlines()) == 1


def test_films_of_the_archive_stand_beside_the_results_and_open(handlers, asked, services, engine, tmp_path, film):
    fill_archive(services, engine, tmp_path / "films")
    asked = asked._replace(archive="films")
    strip = handlers.search_words("heart", *asked).strip
    assert len(strip.films) == 3
    assert all(each.picture.startswith("data:image/jpeg;base64,") for each in strip.films)
    like = handlers.search_film(*asked).strip
    assert "like this one" in like.title
    request = ArchiveHandlers(services).open_archived("films", send(id=like.films[0].id))
    assert services.films.find(request.film).title == "Film of your archive"


def test_an_archive_that_cannot_answer_says_so_beside_the_reports(handlers, asked, services, tmp_path):
    fill_archive(services, tiny_engine(9), tmp_path / "films")
    found = handlers.search_words("heart", *asked._replace(archive="films"))
    assert found.hits.state == "ready"
    assert found.strip.films == []
    assert "checkpoint" in found.strip.message
    gone = handlers.search_film(*asked._replace(archive="gone"))
    assert gone.hits.state == "ready"
    assert "no archive 'gone' any more" in gone.strip.message


def test_the_film_stays_as_it_is_until_another_is_opened(handlers, film, services):
    same = handlers.show_film(film.key, "tiny", film.key)
    assert all(value == gr.skip() for value in same)
    other = services.films.add(make_study(5), "Another film")
    changed = handlers.show_film(other.key, "tiny", film.key)
    assert changed.viewer.film_id == changed.shown == other.key
    assert changed.draft.sentences == []
    assert changed.report.id == changed.opened == ""


def test_without_an_archive_a_search_by_film_says_how_to_make_one(handlers, asked):
    strip = handlers.search_film(*asked).strip
    assert strip.films == []
    assert strip.command.startswith("python -m egma embed FOLDER --out ")


def test_the_score_in_words():
    record = ReportRecord(text="The heart is enlarged.")
    both = Hit("A", 0.98, "", "", record, 0.71, (1, 3))
    assert show.score_words(both) == "Score 0.98: 1st by meaning, 3rd by words; cosine of the marked sentence 0.71"
    assert show.score_words(Hit("A", 0.123, "", "", record)) == "Score 0.123"
    assert [show.ordinal(n) for n in (1, 2, 3, 4, 11, 12, 21, 112)] == [
        "1st", "2nd", "3rd", "4th", "11th", "12th", "21st", "112th",
    ]  # fmt: skip


def test_a_report_that_says_the_opposite_is_flagged():
    record = ReportRecord(text="No pleural effusion.")
    hit = Hit("A", 0.1, "No pleural effusion.", record.text, record, stance="contradicts")
    assert "opposite" in show.hit_screen(hit, "ward").warning


def test_open_i_is_cited_with_its_licence():
    words = show.citation("CXR1021", ReportRecord(source="Open-i"), "open-i")
    assert "CXR1021" in words
    assert "CC BY-NC-ND 4.0" in words
    assert "research use only" in words


def test_filters_offer_what_the_library_knows_and_say_what_it_does_not(handlers, services):
    view = FilterHandlers(services).offer("ward")
    assert ("PA (2)", "PA") in view.view["choices"]
    assert ("female (1)", "F") in view.sex["choices"]
    assert view.age_from["visible"]
    assert view.note == ""
    assert "visible" not in FilterHandlers(services).offer("nowhere").view


def test_names_of_libraries_are_checked():
    from app.libraries import check_name

    assert check_name("  my   reports 2 ") == "my reports 2"
    for wrong in ("", "..", "a/b", "a\0b", ".hidden", "x" * 61, "ends.", "${x}", "<b>"):
        with pytest.raises(LibraryError):
            check_name(wrong)
