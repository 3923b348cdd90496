"""Models on the page in Chromium: switching while it runs, two side by side, and their cards."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from egma.checkpoints import save_checkpoint
from egma.testing.models import build_tiny_model
from tests.browser.running import running_page
from tests.browser.test_app import ask, film_is_drawn, picture

pytestmark = pytest.mark.browser

FIRST, SECOND = "#egma-viewer", "#egma-second"
VIEW = "root => { const v = document.querySelector(root + ' .egv').viewer; return %s; }"
HOSTILE = "<img src=x onerror=window.__x=1> ${window.__x=2}"


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    data = tmp_path_factory.mktemp("data")
    for seed, (name, low) in enumerate((("one", -0.3), ("two", -0.2))):
        model = build_tiny_model(seed)
        card = f"# Model {name}\n\nLicence: MIT\n\n![A plot {HOSTILE}](plot.png)\n\n{HOSTILE}\n"
        folder = data / "checkpoints" / name
        save_checkpoint(model, replace(model.config, display_range=(low, 0.5)), folder, card)
        Image.new("RGB", (60, 40), "white").save(folder / "plot.png")
    damaged = data / "checkpoints" / "damaged"
    model = build_tiny_model(3)
    save_checkpoint(model, model.config, damaged, "# Damaged")
    weights = (damaged / "model.safetensors").read_bytes()
    (damaged / "model.safetensors").write_bytes(weights[:-9] + b"123456789")
    (data / "checkpoints" / "cut").mkdir()
    (data / "checkpoints" / "cut" / "config.json").write_text("{cut")
    with running_page("one", data=data) as address:
        yield address


def choose(page, menu: str, name: str) -> None:
    page.locator(f"{menu} input").click()
    page.get_by_role("option", name=name).first.click()


def strongest(page, viewer: str = FIRST) -> list[str]:
    return page.locator(f"{viewer} .egv-max").all_inner_texts()


def read(page, viewer: str, what: str):
    return page.evaluate(VIEW % what, viewer)


def test_a_switch_changes_maps_and_findings_and_keeps_film_phrases_and_window(address, open_page):
    page = open_page(address).page
    film_is_drawn(page)
    ask(page, "left pleural effusion", "nodule")
    page.locator("#egma-findings .egma-meaning").get_by_text("one weighs").wait_for()
    page.locator(f"{FIRST} canvas").hover(position={"x": 200, "y": 200})
    page.mouse.wheel(0, -300)
    page.get_by_label("Window width").first.fill("9000")
    page.get_by_label("Window width").first.press("Enter")
    page.locator(f"{FIRST} .egv-layers input").first.uncheck()
    page.wait_for_timeout(300)
    kept = "[v.state.filmId, v.state.window, v.view.scale, v.view.x, [...v.state.off], v.state.mapsOn]"
    before, maps, drawn = read(page, FIRST, kept), strongest(page), picture(page)
    choose(page, "#egma-model", "two")
    page.locator("#egma-findings .egma-meaning").get_by_text("two weighs").wait_for()
    page.wait_for_function(VIEW % "v.state.look.low === -0.2", arg=FIRST)
    assert read(page, FIRST, kept) == before
    assert strongest(page) != maps and picture(page) != drawn
    assert page.get_by_label("Ask in words").input_value() == "left pleural effusion\nnodule"
    assert page.locator(f"{FIRST} [data-model]").inner_text().startswith("two ")


@pytest.mark.parametrize(("name", "said"), [("damaged", "model.safetensors"), ("cut", "not JSON")])
def test_a_model_that_cannot_be_opened_is_one_sentence_and_the_old_one_goes_on(address, open_page, name, said):
    page = open_page(address).page
    film_is_drawn(page)
    ask(page, "nodule")
    maps = strongest(page)
    choose(page, "#egma-model", name)
    status = page.locator("#egma-model-status").get_by_role("alert")
    status.get_by_text(said).wait_for()
    assert "one stays in use" in status.inner_text() and "Traceback" not in status.inner_text()
    assert page.locator("#egma-model input").input_value() == "one"
    assert strongest(page) == maps
    ask(page, "nodule", "mass")  # and it still answers
    choose(page, "#egma-model", "two")
    status.wait_for(state="hidden")


def test_two_models_side_by_side_move_together_each_with_its_own_scale(address, open_page):
    watched = open_page(address, viewport={"width": 1500, "height": 900})
    page = watched.page
    film_is_drawn(page)
    ask(page, "left pleural effusion", "nodule")
    choose(page, "#egma-compare", "two")
    page.locator(f"{SECOND} .egv-layers li").nth(1).wait_for()
    page.wait_for_function(VIEW % "v.state.film && v.state.mapsOn", arg=SECOND)
    assert strongest(page) != strongest(page, SECOND)
    assert [read(page, viewer, "v.state.look.low") for viewer in (FIRST, SECOND)] == [-0.3, -0.2]
    assert page.locator(f"{SECOND} [data-model]").inner_text().startswith("two ")

    asked = len(watched.requests)
    place = "[v.view.toFilm(v.view.stage.width / 2, v.view.stage.height / 2), v.view.scale / v.view.fitScale]"
    for hand, other in ((FIRST, SECOND), (SECOND, FIRST)):
        page.locator(f"{hand} canvas").hover(position={"x": 120, "y": 150})
        page.mouse.wheel(0, -250)
        page.wait_for_timeout(250)
        (ours, zoom), (theirs, other_zoom) = read(page, hand, place), read(page, other, place)
        assert zoom == pytest.approx(other_zoom, rel=1e-3) and zoom > 1.1
        assert (ours["u"], ours["v"]) == pytest.approx((theirs["u"], theirs["v"]), abs=1e-3)
        page.locator(f"{hand} canvas").press("i")
        page.locator(f"{hand} canvas").press("h")
        page.wait_for_timeout(150)
        shared = "[v.state.inverted, v.view.flipped, v.state.window]"
        assert read(page, hand, shared) == read(page, other, shared)
    page.locator(f"{SECOND} .egv-layers input").first.uncheck()
    page.wait_for_function(VIEW % "v.state.off.size === 1", arg=FIRST)
    page.locator(f"{FIRST} canvas").press("0")
    page.wait_for_function(VIEW % "v.view.fitted", arg=SECOND)
    assert len(watched.requests) == asked, watched.requests[asked:]

    ask(page, "left pleural effusion", "nodule", "mass")
    page.locator(f"{SECOND} .egv-layers li").nth(2).wait_for()
    table = page.locator("#egma-comparison table")
    assert table.locator("tbody tr").count() == 15
    assert table.locator("thead th").nth(2).inner_text().startswith("two ")
    page.locator("#egma-examples input").click()
    page.get_by_role("option", name="Phantom: right lung mass").click()
    page.locator("#egma-film").get_by_text("Phantom: right lung mass").wait_for()
    page.wait_for_function(VIEW % "v.state.title.includes('right lung mass') && v.state.film", arg=SECOND)
    assert read(page, SECOND, "v.state.layers.length") == 0
    choose(page, "#egma-compare", "Nothing")
    page.locator(SECOND).wait_for(state="detached")


def test_side_by_side_is_stacked_on_a_phone_and_nothing_scrolls_sideways(address, open_page):
    page = open_page(address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).page
    film_is_drawn(page)
    ask(page, "nodule")
    choose(page, "#egma-compare", "two")
    page.locator(f"{SECOND} .egv-layers li").first.wait_for()
    page.wait_for_timeout(300)
    upper, lower = (page.locator(f"{viewer} canvas").bounding_box() for viewer in (FIRST, SECOND))
    assert upper["y"] + upper["height"] <= lower["y"] and lower["width"] > 300
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_card_follows_the_model_and_its_words_are_text(address, open_page):
    page = open_page(address).page
    film_is_drawn(page)
    page.get_by_role("tab", name="About").click()
    rows = page.locator("#egma-checkpoints li")
    page.locator("#egma-card-facts figure img").first.wait_for()
    assert {"one", "two", "damaged", "cut"} <= set(rows.evaluate_all("all => all.map(each => each.dataset.name)"))
    assert "not JSON" in page.locator("#egma-checkpoints li[data-name=cut]").inner_text()
    assert page.locator("#egma-card-text").get_by_role("heading", name="Model one").count() == 1
    assert HOSTILE in page.locator("#egma-card-facts figcaption").inner_text()
    assert page.evaluate("document.querySelector('#egma-card-facts img').naturalWidth") == 60
    page.locator("#egma-checkpoints li[data-name=two] button").click()
    page.locator("#egma-card-text").get_by_role("heading", name="Model two").wait_for()
    page.locator("#egma-use-model").click()
    page.get_by_label("Ask in words").wait_for()
    page.wait_for_function("document.querySelector('#egma-model input').value === 'two'")
    page.locator("#egma-findings .egma-meaning").get_by_text("two weighs").wait_for()
    assert page.evaluate("window.__x") is None


def test_a_checkpoint_that_appears_while_the_page_is_open_is_in_the_menu(address, open_page, tmp_path_factory):
    data = next(path for path in tmp_path_factory.getbasetemp().iterdir() if (path / "checkpoints" / "one").is_dir())
    page = open_page(address).page
    film_is_drawn(page)
    model = build_tiny_model(9)
    save_checkpoint(model, model.config, Path(data) / "checkpoints" / "newcomer", "# New")
    page.locator("#egma-model input").click()
    page.get_by_role("option", name="newcomer").wait_for()
    page.get_by_role("option", name="newcomer").click()
    page.locator("#egma-findings .egma-meaning").get_by_text("newcomer weighs").wait_for()
