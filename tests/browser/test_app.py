"""The whole page in Chromium, as a reader uses it. No request leaves the machine and no script complains."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.running import find_checkpoint, running_page

pytestmark = pytest.mark.browser

CANVAS = "#egma-viewer canvas"
HOSTILE = "<img src=x onerror=window.__x=1> ${window.__x=2} {{constructor.constructor('window.__x=3')()}}"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with running_page(find_checkpoint(tmp_path_factory.mktemp("checkpoint"))) as address:
        yield address


@pytest.fixture
def film_path(request, tmp_path) -> Path:
    """A real DICOM where the shared data is there, a phantom's elsewhere."""
    from egma.testing.phantoms import build_phantom, write_phantom_dicom

    try:
        real = request.getfixturevalue("shared_dir") / "data" / "dicom" / "siim_pneumothorax_1.dcm"
    except pytest.skip.Exception:
        return write_phantom_dicom(build_phantom(3, "Pneumothorax", "left"), tmp_path / "DOE^JOHN.dcm")
    copy = tmp_path / "DOE^JOHN.dcm"
    copy.write_bytes(real.read_bytes())
    return copy


def film_is_drawn(page) -> None:
    """Wait until the canvas shows more than one shade."""
    page.wait_for_function(
        """() => { const c = document.querySelector('#egma-viewer canvas'); if (!c || !c.width) return false;
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; const seen = new Set();
        for (let i = 0; i < d.length; i += 4 * 997) seen.add(d[i]); return seen.size > 20; }"""
    )


def picture(page) -> list[int]:
    """A sample of the canvas, to tell whether it changed."""
    return page.evaluate(
        """() => { const c = document.querySelector('#egma-viewer canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, out = [];
        for (let i = 0; i < d.length; i += 4 * 1009) out.push(d[i], d[i + 1], d[i + 2]); return out; }"""
    )


def ask(page, *phrases: str) -> None:
    box = page.get_by_label("Ask in words")
    box.fill("\n".join(phrases))
    box.press("Enter")
    for phrase in phrases:
        page.locator("#egma-viewer .egv-layers li").filter(has_text=phrase).first.wait_for()


def upload(page, path: Path) -> None:
    page.set_input_files("input[type=file]", str(path))


def test_a_film_is_on_screen_at_once_without_any_overlay(address, open_page):
    page = open_page(address).page
    film_is_drawn(page)
    assert page.get_by_role("heading", level=1).inner_text() == "EGMA Workbench"
    assert page.get_by_text("Research use only. Not a medical device").is_visible()
    assert page.locator("#egma-viewer .egv-layers li").count() == 0
    page.locator("#egma-findings details").first.wait_for()
    assert page.locator("#egma-findings details").count() == 15


def test_open_a_film_ask_two_phrases_toggle_zoom_and_export(address, open_page, film_path, tmp_path):
    watched = open_page(address)
    page = watched.page
    film_is_drawn(page)
    upload(page, film_path)
    page.locator("#egma-film").get_by_text("Your film").wait_for()
    film_is_drawn(page)
    plain = picture(page)

    ask(page, "left pneumothorax", "cardiomegaly")
    layers = page.locator("#egma-viewer .egv-layers li input[type=checkbox]")
    assert layers.count() == 2
    page.wait_for_timeout(300)
    with_maps = picture(page)

    asked = len(watched.requests)
    layers.first.click()
    page.wait_for_timeout(300)
    assert not layers.first.is_checked()
    page.locator(CANVAS).hover(position={"x": 200, "y": 200})
    page.mouse.wheel(0, -400)
    page.wait_for_timeout(300)
    assert picture(page) not in (plain, with_maps)
    assert len(watched.requests) == asked, watched.requests[asked:]

    with page.expect_download() as download:
        page.get_by_role("button", name="Save as PNG").click()
    saved = tmp_path / "export.png"
    download.value.save_as(saved)
    assert "DOE" not in download.value.suggested_filename
    with Image.open(saved) as exported:
        assert min(exported.size) > 300
        assert len(np.unique(np.asarray(exported.convert("RGB")).reshape(-1, 3), axis=0)) > 100

    assert "DOE" not in page.content()
    assert watched.outside == []
    assert watched.complaints == []


def test_probabilities_open_on_their_prompts_and_show_where(address, open_page):
    page = open_page(address).page
    film_is_drawn(page)
    row = page.locator("#egma-findings details[data-finding=Effusion]")
    row.locator("summary").click()
    assert row.get_by_text("Speaks for it").is_visible()
    row.get_by_role("button", name="Show where on the film").click()
    page.locator("#egma-viewer .egv-layers li").filter(has_text="pleural effusion").wait_for()
    assert page.get_by_label("Ask in words").input_value() == "pleural effusion"
    meter = row.get_by_role("meter")
    assert 0 <= int(meter.get_attribute("aria-valuenow")) <= 100


def test_the_order_of_findings_can_be_fixed(address, open_page):
    page = open_page(address).page
    page.get_by_role("button", name="Fixed order").click()
    names = page.locator("#egma-findings details").evaluate_all("all => all.map(each => each.dataset.finding)")
    assert names[:3] == ["No Finding", "Atelectasis", "Cardiomegaly"]


def test_a_report_is_stepped_through_and_the_viewer_follows(address, open_page):
    page = open_page(address).page
    film_is_drawn(page)
    page.get_by_role("button", name="Step through a report").click()
    page.get_by_label("Report", exact=True).fill("FINDINGS: The heart is enlarged. No pleural effusion. Left nodule.")
    page.get_by_role("button", name="Read sentence by sentence").click()
    steps = page.locator("#egma-sentences")
    steps.get_by_text("Sentence 1 of 3").wait_for()
    steps.get_by_role("button", name="Next").click()
    steps.get_by_text("Sentence 2 of 3").wait_for()
    page.locator("#egma-viewer").get_by_text("No pleural effusion.").first.wait_for()
    page.locator(CANVAS).press("]")
    steps.get_by_text("Sentence 3 of 3").wait_for()


def test_a_click_on_a_patch_says_what_it_matches(address, open_page):
    page = open_page(address).page
    film_is_drawn(page)
    box = page.locator(CANVAS).bounding_box()
    page.locator(CANVAS).click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.locator("#egma-patch").get_by_text(re.compile(r"Patch in row \d+, column \d+")).wait_for()
    assert page.locator("#egma-patch table").count() == 1


def test_words_of_any_kind_are_text_and_nothing_runs(address, open_page):
    watched = open_page(address)
    page = watched.page
    film_is_drawn(page)
    ask(page, HOSTILE)
    page.get_by_role("button", name="Step through a report").click()
    page.get_by_label("Report", exact=True).fill(f"{HOSTILE} is one sentence. The heart is normal.")
    page.get_by_role("button", name="Read sentence by sentence").click()
    page.locator("#egma-sentences").get_by_text("<img src=x").first.wait_for()
    box = page.locator(CANVAS).bounding_box()
    page.locator(CANVAS).click(position={"x": box["width"] / 2, "y": box["height"] / 2})
    page.locator("#egma-patch table").first.wait_for()
    assert page.evaluate("window.__x") is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("letter.dcm", b"Dear colleague, " * 99, id="a letter"),
        pytest.param("empty.dcm", b"", id="an empty file"),
        pytest.param("half.png", b"\x89PNG\r\n\x1a\n" + bytes(99), id="half a PNG"),
    ],
)
def test_a_bad_film_is_one_sentence_and_nothing_is_lost(address, open_page, tmp_path, name, content):
    page = open_page(address).page
    film_is_drawn(page)
    ask(page, "nodule")
    title = page.locator("#egma-film .egma-title").inner_text()
    (tmp_path / name).write_bytes(content)
    upload(page, tmp_path / name)
    toast = page.get_by_test_id("toast-body").first
    toast.wait_for()
    assert "Traceback" not in toast.inner_text()
    assert len(toast.inner_text()) < 400
    assert page.locator("#egma-film .egma-title").inner_text() == title
    assert page.locator("#egma-viewer .egv-layers li").count() == 1
    assert page.get_by_label("Ask in words").input_value() == "nodule"


def test_words_that_cannot_be_asked_are_one_sentence_and_nothing_is_lost(address, open_page):
    watched = open_page(address)
    page = watched.page
    film_is_drawn(page)
    ask(page, "nodule")
    page.get_by_label("Ask in words").fill("x" * 500)
    page.get_by_role("button", name="Show where", exact=True).click()
    said = page.locator("#egma-said").get_by_role("alert")
    said.wait_for()
    assert "at most 300" in said.inner_text()
    assert page.locator("#egma-viewer .egv-layers li").count() == 1
    assert page.get_by_label("Ask in words").input_value() == "x" * 500
    ask(page, "mass")
    said.wait_for(state="hidden")


def test_a_film_dropped_anywhere_is_opened(address, open_page, film_path):
    page = open_page(address).page
    film_is_drawn(page)
    data = film_path.read_bytes().hex()
    transfer = page.evaluate_handle(
        """hex => { const bytes = Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16));
        const data = new DataTransfer(); data.items.add(new File([bytes], 'film')); return data; }""",
        data,
    )
    page.dispatch_event("#egma-viewer", "drop", {"dataTransfer": transfer})
    page.locator("#egma-film").get_by_text("Your film").wait_for()


def test_it_works_on_a_phone_without_sideways_scrolling(address, open_page):
    page = open_page(address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).page
    film_is_drawn(page)
    ask(page, "pleural effusion")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_dark_and_light_follow_the_system_and_the_reader(address, open_page):
    page = open_page(address, color_scheme="dark").page
    film_is_drawn(page)
    shade = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(shade)
    page.get_by_role("button", name="Dark / light").click()
    assert page.evaluate(shade) != dark
    page.reload()
    film_is_drawn(page)
    page.wait_for_function("!document.body.classList.contains('dark')")


def test_every_control_has_a_name_and_the_keyboard_reaches_them(address, open_page):
    page = open_page(address).page
    film_is_drawn(page)
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, select, textarea, input:not([type=file]):not([type=hidden])')]
        .filter(each => each.offsetParent && !(each.labels && each.labels.length) && !each.getAttribute('aria-label')
          && !each.getAttribute('title') && !each.textContent.trim()).map(each => each.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


def test_eight_tabs_open_side_by_side(address, chromium):
    """A page that kept a connection open per tab would stall at the seventh over HTTP/1.1."""
    context = chromium.new_context()
    for _ in range(8):
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Ask in words").wait_for(timeout=30_000)
    context.close()
