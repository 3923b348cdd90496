"""The Gaze tab in Chromium: replay, dictation, sentences, files. The server is not asked while a recording plays."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from app.examples import Examples
from app.films import FilmStore
from app.gaze.example import open_example as build_example
from egma.gaze.grid import reduce_to_grid
from egma.testing.gaze import build_track, write_reflacx_reading
from tests.browser.running import find_checkpoint, running_page

pytestmark = pytest.mark.browser

VIEWER = "#egma-gaze-viewer"
EVIL = "<img src=x onerror=window.__x=1> ${window.__x=2}"
EXAMPLE = "Phantom with a simulated reading"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    with running_page(find_checkpoint(tmp_path_factory.mktemp("checkpoint"))) as address:
        yield address


@pytest.fixture
def open_tab(address, open_page):
    """Opens the Gaze tab, by default for a reader who wants no motion: then nothing plays until told to."""

    def visit(**settings):
        watched = open_page(address, **{"reduced_motion": "reduce", **settings})
        watched.page.get_by_role("tab", name="Gaze").click()
        watched.page.locator(f"{VIEWER} canvas").first.wait_for()
        watched.page.wait_for_function("window.egmaViewer?.gazeStage?.viewer.state.film")
        return watched

    return visit


def open_example(page, name: str = EXAMPLE) -> None:
    page.locator("#egma-gaze-examples input").click()
    page.get_by_role("option", name=name).click()
    page.locator("#egma-transcript [data-sentence]").first.wait_for()


def clock(page) -> float:
    return page.evaluate("egmaViewer.gazeStage.clock.now")


def picture(page) -> list[int]:
    return page.evaluate(
        f"""() => {{ const c = document.querySelector('{VIEWER} canvas');
        const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data, out = [];
        for (let i = 0; i < d.length; i += 4 * 1009) out.push(d[i], d[i + 1], d[i + 2]); return out; }}"""
    )


def test_the_example_plays_in_step_with_its_dictation_and_asks_nobody(open_tab):
    watched = open_tab()
    page = watched.page
    open_example(page)
    assert page.get_by_text("simulated", exact=False).first.is_visible()
    assert clock(page) == 0 and page.locator(f"{VIEWER} [data-gaze-play]").inner_text() == "Play"  # motion is unwanted
    page.wait_for_timeout(400)
    before, asked = picture(page), len(watched.requests)
    page.locator(f"{VIEWER} [data-gaze-play]").click()
    page.wait_for_function(
        "egmaViewer.gazeStage.clock.now > 1.4 && document.querySelector('#egma-transcript .egma-lit')"
    )
    lit = page.locator("#egma-transcript .egma-lit").inner_text()
    assert lit.lower() in [word.lower() for word in page.evaluate("egmaViewer.gazeStage.leader.words.map(w => w.text)")]
    page.locator(f"{VIEWER} [data-gaze-play]").click()
    stopped = clock(page)
    assert picture(page) != before
    assert watched.requests[asked:] == []
    page.wait_for_timeout(200)
    assert clock(page) == stopped


# Plays by hand, moment by moment, as the clock would; then draws the last moment at once, with nothing kept. Gives the
# share of places that differ, how many frames drew the film anew, and whether zoom and window changed on the way.
_BY_HAND = """([span, from_s, to_s]) => {
  const { gazeStage: stage } = egmaViewer, { viewer, clock } = stage, views = new Set();
  const look = () => { const c = viewer.canvas; return c.getContext('2d').getImageData(0, 0, c.width, c.height).data; };
  let films = 0;
  const drawFilm = egmaViewer.drawFilm;
  egmaViewer.drawFilm = (...all) => { films += 1; drawFilm(...all); };
  clock.pause();
  stage.span = span;
  stage.looks += 1;
  const frames = 90;
  for (let at = 0; at <= frames; at++) {
    clock.now = from_s + (to_s - from_s) * at / frames;
    clock.frames = 4 * at;
    clock.playing = true;
    stage.follow();
    views.add(viewer.view.key + viewer.state.window.width);
    viewer.quick = true;
    viewer.drawNow();
  }
  const kept = look(), drawn = films;
  clock.playing = false;
  viewer.drawNow();
  const whole = look();
  egmaViewer.drawFilm = drawFilm;
  let far = 0;
  const differs = (at) => Math.abs(kept[at] - whole[at]) + Math.abs(kept[at + 1] - whole[at + 1]) > 24;
  for (let at = 0; at < kept.length; at += 4) far += differs(at);
  return { share: far / (kept.length / 4), drawn, views: views.size };
}"""


@pytest.mark.parametrize("span", ["now", "last", "sentence"])
@pytest.mark.parametrize("back", [False, True], ids=["onwards", "after going back"])
def test_what_is_kept_from_frame_to_frame_is_what_is_drawn_at_once(open_tab, span, back):
    page = open_tab().page
    open_example(page)
    page.wait_for_function("egmaViewer.gazeStage.viewer.state.film && egmaViewer.gazeStage.leader")
    to_s = page.evaluate("egmaViewer.gazeStage.clock.to")
    if back:
        page.evaluate(_BY_HAND, [span, 0, to_s * 0.9])
    found = page.evaluate(_BY_HAND, [span, 0, to_s * 0.98])
    assert found["share"] < 0.004, "more than the joints of the path's lines differ"
    assert found["views"] > 1 and found["drawn"] <= found["views"] + 1  # once for each zoom or window


def test_scrubbing_and_keys_move_the_replay(open_tab):
    page = open_tab().page
    open_example(page)
    page.locator(f"{VIEWER} [data-gaze-scrub]").fill("7")
    assert clock(page) == pytest.approx(7, abs=0.02)
    page.locator(f"{VIEWER} canvas").first.focus()
    page.keyboard.press("j")
    assert clock(page) == pytest.approx(5, abs=0.02)
    page.keyboard.press(" ")
    assert page.evaluate("egmaViewer.gazeStage.clock.playing")
    page.keyboard.press(" ")
    page.keyboard.press(">")
    assert page.locator(f"{VIEWER} [data-gaze-speed]").input_value() == "1.5"
    page.keyboard.press("s")
    assert page.locator(f"{VIEWER} [data-gaze-switch=path]").get_attribute("aria-pressed") == "false"


def test_a_sentence_jumps_lights_its_word_and_is_compared_with_the_model(open_tab):
    page = open_tab().page
    open_example(page)
    page.locator("#egma-transcript [data-sentence='1']").click()
    sentence = page.evaluate("egmaViewer.gazeStage.leader.sentences[1]")
    assert clock(page) == pytest.approx(sentence["start_s"], abs=0.02)
    assert page.locator(f"{VIEWER} [data-gaze-span=sentence]").get_attribute("aria-pressed") == "true"
    assert page.locator("#egma-transcript .egma-lit").count() == 1
    assert page.locator("#egma-transcript [aria-current]").get_attribute("data-sentence") == "1"
    page.locator("#egma-gaze-versus .egma-measures tbody tr").nth(6).wait_for()
    page.get_by_role("button", name="Compare", exact=True).click()
    page.locator(f"{VIEWER} [data-status]").get_by_text("Working on it\u2026").wait_for()
    page.locator(f"{VIEWER} [data-status]").get_by_text("px").wait_for()
    first = page.locator("#egma-gaze-versus .egma-measures tbody tr").first
    assert first.locator("th").inner_text() == "AUC-Judd"
    assert 0 <= float(first.locator("td").first.inner_text()) <= 1
    assert page.locator("#egma-gaze-versus canvas").count() == 3
    assert sentence["text"] in page.locator("#egma-gaze-versus .egma-where").inner_text()


def test_the_map_in_the_browser_is_the_density_of_the_core(open_tab, tmp_path):
    page = open_tab().page
    open_example(page)
    drawn = page.evaluate(
        """() => { const stage = egmaViewer.gazeStage, grid = egmaViewer.densityOf(stage.leader, stage.aspect());
        return { width: grid.width, height: grid.height, values: [...grid.values] }; }"""
    )
    grid = np.array(drawn["values"]).reshape(drawn["height"], drawn["width"])
    films = FilmStore(tmp_path)
    films.reopen = Examples(films).reopen
    gaze = build_example(Examples(films), "effusion")
    density = gaze.readers[0].fixations.density((1024, 1024))
    expected = reduce_to_grid(density, grid.shape)
    assert np.corrcoef(grid.ravel(), expected.ravel())[0, 1] > 0.995
    assert np.abs(grid / grid.sum() - expected / expected.sum()).max() < 0.08 * (expected / expected.sum()).max()


def test_a_reading_is_dropped_on_the_page_with_its_film_and_its_words(open_tab, tmp_path):
    page = open_tab().page
    track = build_track(1, (400, 300), (EVIL, "The heart is not enlarged"))
    write_reflacx_reading(tmp_path / "DOE^JOHN", track)
    Image.fromarray(np.tile(np.linspace(0, 255, 300).astype(np.uint8), (400, 1))).save(tmp_path / "film.png")
    files = [tmp_path / "DOE^JOHN" / name for name in ("fixations.csv", "timestamps_transcription.csv")]
    page.locator("#egma-gaze-open").locator("..").locator("input[type=file]").set_input_files(
        [*files, tmp_path / "film.png"]
    )
    page.locator("#egma-transcript [data-sentence]").first.wait_for()
    assert "onerror" in page.locator("#egma-transcript [data-sentence='0']").inner_text()
    assert page.evaluate("window.__x") is None
    assert "DOE" not in page.content()
    page.locator("#egma-gaze-open").locator("..").locator("input[type=file]").set_input_files([files[1]])
    page.locator("#egma-gaze-said").get_by_text("no recording").wait_for()
    assert page.locator("#egma-transcript [data-sentence]").count() == 2  # nothing was lost


def test_readers_can_be_switched_and_the_picture_says_simulated(open_tab, tmp_path):
    page = open_tab().page
    open_example(page, "Phantom with three simulated readers")
    boxes = page.locator(f"{VIEWER} .egz-readers input")
    assert boxes.count() == 3
    before = picture(page)
    boxes.nth(1).uncheck()
    page.wait_for_timeout(150)
    assert picture(page) != before
    page.get_by_role("button", name="Show dictation").first.click()
    assert "simulated reader 2" in page.locator("#egma-transcript").inner_text()
    with page.expect_download() as got:
        page.locator(f"{VIEWER} [data-act=save]").click()
    got.value.save_as(tmp_path / "gaze.png")
    with Image.open(tmp_path / "gaze.png") as saved:
        pixels = np.asarray(saved.convert("RGB")).astype(int)
    assert (np.abs(pixels - (255, 215, 94)).sum(axis=2) < 30).sum() > 2000  # the label is burnt in


def test_the_replay_is_saved_as_a_film(open_tab, tmp_path):
    page = open_tab().page
    open_example(page)
    with page.expect_download() as got:
        page.locator(f"{VIEWER} [data-gaze-record]").click()
        page.wait_for_function("egmaViewer.gazeStage.clock.now > 0.8")
        page.locator(f"{VIEWER} [data-gaze-play]").click()
    got.value.save_as(tmp_path / "replay.webm")
    assert got.value.suggested_filename == "egma-replay.webm"
    data = (tmp_path / "replay.webm").read_bytes()
    assert data[:4] == b"\x1a\x45\xdf\xa3" and len(data) > 5000  # Matroska's first four bytes


def test_the_open_recording_is_a_layer_of_the_study_tab(open_tab):
    page = open_tab().page
    open_example(page)
    page.get_by_role("tab", name="Study").click()
    gaze = page.locator("#egma-viewer").get_by_role("button", name="Gaze")
    assert gaze.is_hidden()  # another film
    page.locator("#egma-examples input").click()
    page.get_by_role("option", name="Phantom: left pleural effusion").click()
    gaze.wait_for()
    page.wait_for_function("document.querySelector('#egma-viewer .egv').viewer.state.film?.width === 1024")
    gaze.click()
    assert gaze.get_attribute("aria-pressed") == "true"
    assert "Simulated gaze" in page.locator("#egma-viewer [data-status]").inner_text()


def test_on_a_phone_nothing_runs_over_the_edge(open_tab):
    page = open_tab(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).page
    open_example(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
