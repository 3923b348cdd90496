"""The Reports tab in Chromium: search by words and by film, open a hit beside the film, draft, export; nothing runs."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from egma.archive import embed_folder
from egma.index import ReportIndex
from egma.inference.engine import load_engine
from tests.app.report_library import HOSTILE, REPORTS
from tests.browser.running import find_checkpoint, running_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page whose data holds a library of four reports and an archive of one film, hostile names among them."""
    from egma.testing.phantoms import build_phantom, write_phantom_dicom

    folder = tmp_path_factory.mktemp("data")
    checkpoint = find_checkpoint(folder)
    engine = load_engine(checkpoint)
    (folder / "libraries").mkdir()
    with ReportIndex.open(folder / "libraries" / "ward") as index:
        index.add_reports(engine, list(REPORTS), list(REPORTS.values()))
    (folder / "films").mkdir()
    write_phantom_dicom(build_phantom(3, "Pneumothorax", "left"), folder / "films" / "${window.__x=4}<img src=x>.dcm")
    embed_folder(engine, folder / "films", folder / "archives" / "films")
    with running_page(checkpoint, data=folder) as address:
        yield address


@pytest.fixture
def page(address, open_page):
    page = open_page(address).page
    open_tab(page)
    return page


def open_tab(page) -> None:
    page.get_by_role("tab", name="Reports").click()
    page.get_by_label("Search reports").wait_for()
    page.wait_for_function("document.querySelector('#egma-library input')?.value === 'ward'")


def search(page, words: str) -> None:
    page.get_by_label("Search reports").fill(words)
    page.get_by_label("Search reports").press("Enter")
    page.locator("#egma-hits .egma-title").get_by_text(f"for {words}").wait_for()


def test_words_find_a_report_that_opens_beside_the_film_and_a_sentence_shows_where(page):
    search(page, "left pleural effusion")
    first = page.locator(".egma-hit").first
    assert first.locator(".egma-hit-id").inner_text() == "R1"
    assert "effusion" in first.locator("mark").inner_text()
    first.get_by_role("button", name="Open beside the film").click()
    report = page.locator("#egma-open-report")
    report.get_by_text("Indication").wait_for()
    assert page.locator("#egma-report-viewer .egv-layers li").count() == 0
    report.get_by_role("button", name="There is a left pleural effusion.").click()
    page.locator("#egma-report-viewer .egv-caption").get_by_text("There is a left pleural effusion.").wait_for()
    assert report.locator("[aria-pressed=true]").inner_text() == "There is a left pleural effusion."
    report.get_by_role("button", name="Close").click()
    report.get_by_text("Open a result to read").wait_for()


def test_the_film_on_screen_finds_reports_with_the_caveat_and_films_of_the_archive(page):
    page.get_by_role("button", name="Use the film on screen").click()
    page.locator("#egma-hits .egma-figure").wait_for()
    assert page.locator(".egma-hit").count() == len(REPORTS)
    assert "not a probability" in page.locator("#egma-hits .egma-meaning").inner_text()
    strip = page.locator("#egma-strip li button")
    strip.first.wait_for()
    assert strip.first.locator("img").evaluate("image => image.naturalWidth") > 0
    strip.first.click()
    page.locator("#egma-film").get_by_text("Film of your archive").wait_for()


def test_reports_of_any_kind_are_text_and_nothing_runs(page):
    search(page, "nodule")
    hostile = page.locator(".egma-hit").filter(has_text="=R4")
    assert "<img src=x onerror" in hostile.inner_text()
    hostile.get_by_role("button", name="Open beside the film").click()
    page.locator("#egma-open-report").get_by_text("<img src=x onerror").first.wait_for()
    page.locator("#egma-open-report .egma-ask").first.click()
    page.locator("#egma-report-viewer .egv-caption").get_by_text("<img src=x onerror").wait_for()
    page.get_by_role("button", name="Use the film on screen").click()
    page.locator("#egma-strip").get_by_text("${window.__x=4}").wait_for()
    page.locator("#egma-draft-button").click()
    page.locator(".egma-draft-line").first.wait_for()
    page.locator(".egma-sources summary").first.click()
    search(page, HOSTILE)
    page.get_by_role("button", name="Filters").click()
    page.wait_for_timeout(300)
    assert page.evaluate("window.__x") is None
    assert page.locator("#egma-hits img, #egma-open-report img, #egma-draft img").count() == 0


def test_a_draft_is_accepted_sentence_by_sentence_and_copied_with_its_caveat(address, open_page):
    page = open_page(address, permissions=["clipboard-read", "clipboard-write"]).page
    open_tab(page)
    page.locator("#egma-draft-button").click()
    page.locator(".egma-draft-line").first.wait_for()
    copy = page.locator("#egma-draft").get_by_role("button", name="Copy accepted sentences")
    assert copy.is_disabled()
    page.locator("#egma-draft").get_by_text("0 of 1 sentences accepted").wait_for()
    page.locator(".egma-draft-line").get_by_role("checkbox").check()
    page.locator("#egma-draft").get_by_text("1 of 1 sentences accepted").wait_for()
    page.locator(".egma-draft-line").get_by_role("button", name="Show where on the film").click()
    page.locator("#egma-report-viewer .egv-caption").get_by_text("The heart is enlarged.").wait_for()
    assert page.locator(".egma-draft-line").get_by_role("checkbox").is_checked()
    copy.click()
    page.locator("#egma-draft").get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("The heart is enlarged.")
    assert "Not for diagnosis" in copied


def test_results_are_saved_as_a_table_that_no_spreadsheet_runs(page, tmp_path):
    search(page, "heart")
    with page.expect_download() as download:
        page.get_by_role("button", name="Export CSV").click()
    path = tmp_path / "export.csv"
    download.value.save_as(path)
    assert download.value.suggested_filename.startswith("egma-reports-")
    rows = list(csv.reader(io.StringIO(Path(path).read_text(encoding="utf-8-sig"), newline="")))
    assert sorted(row[0] for row in rows[1:]) == ["'=R4", "R1", "R2", "R3"]


def test_what_cannot_be_found_is_said_in_place_and_the_words_stay(page):
    page.get_by_label("Search reports").fill('"nobody says this"')
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator("#egma-hits").get_by_text("No report fits").wait_for()
    assert page.get_by_label("Search reports").input_value() == '"nobody says this"'


def test_it_works_on_a_phone_without_sideways_scrolling(address, open_page):
    page = open_page(address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).page
    open_tab(page)
    search(page, "heart")
    page.get_by_role("button", name="Open beside the film").first.click()
    page.locator("#egma-open-report .egma-ask").first.wait_for()
    page.wait_for_timeout(400)
    assert page.locator("#egma-open-report .egma-title").evaluate("each => each.getBoundingClientRect().top") < 844
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_every_control_of_the_tab_has_a_name(page):
    search(page, "heart")
    page.get_by_role("button", name="Filters").click()
    page.get_by_role("button", name="Add reports").click()
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, select, textarea, input:not([type=file]):not([type=hidden])')]
        .filter(each => each.offsetParent && !(each.labels && each.labels.length) && !each.getAttribute('aria-label')
          && !each.getAttribute('title') && !each.textContent.trim()).map(each => each.outerHTML.slice(0, 200))"""
    )
    assert nameless == []
