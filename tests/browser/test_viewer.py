"""The viewer in a real browser: pixels lie where they should, words stay words, nothing is asked of the server."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from egma.imaging.geometry import Geometry
from tests.browser.conftest import Watched
from tests.browser.viewer_page import EVIL, FILM_HW, GRID_HW, HOT, film_values, served_page

VIEWER = "document.querySelector('.egv').viewer"


@pytest.fixture(scope="module")
def address(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("viewer")
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        patch.setenv("GRADIO_TEMP_DIR", str(folder / "uploads"))
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setenv("no_proxy", "127.0.0.1,localhost")
        with served_page(folder) as url:
            yield url


class Screen:
    """The viewer as a reader's hands and eyes have it."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.page = watched.page
        self.wait("state.film")

    def get(self, expression: str) -> Any:
        return self.page.evaluate(f"{VIEWER}.{expression}")

    def wait(self, condition: str) -> None:
        self.page.wait_for_function(f"document.querySelector('.egv')?.viewer?.{condition}")

    def settle(self) -> None:
        """Until the fine frame that follows a quick one is drawn."""
        self.page.wait_for_timeout(250)

    def press(self, *keys: str) -> None:
        self.page.locator(".egv canvas").focus()
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def ask(self, button: str = "Ask") -> None:
        self.page.get_by_role("button", name=button, exact=True).click()
        self.wait("state.mapsOn")
        self.get("look({ smooth: false, opacity: 1, peaks: false })")
        self.settle()

    @property
    def box(self) -> dict[str, float]:
        return self.page.locator(".egv canvas").bounding_box()

    def fitted_place(self, u: float, v: float, flipped: bool = False) -> tuple[float, float]:
        """Where a fitted film shows (u, v), in pixels of the stage: worked out here, not asked of the viewer."""
        width, height = self.box["width"], self.box["height"]
        scale = min(width / FILM_HW[1], height / FILM_HW[0])
        left, top = (width - FILM_HW[1] * scale) / 2, (height - FILM_HW[0] * scale) / 2
        return left + (1 - u if flipped else u) * FILM_HW[1] * scale, top + v * FILM_HW[0] * scale

    def colour(self, place: tuple[float, float]) -> tuple[int, ...]:
        x, y = round(place[0]), round(place[1])
        return tuple(self.get(f"context.getImageData({x}, {y}, 1, 1).data.slice(0, 3)"))

    def is_coloured(self, place: tuple[float, float]) -> bool:
        colour = self.colour(place)
        return max(colour) - min(colour) > 40

    def mouse(self, place: tuple[float, float]) -> None:
        self.page.mouse.move(self.box["x"] + place[0], self.box["y"] + place[1])

    def drag(self, dx: float, dy: float, button: str = "left") -> None:
        start = self.fitted_place(0.5, 0.5)
        self.mouse(start)
        self.page.mouse.down(button=button)
        self.page.mouse.move(self.box["x"] + start[0] + dx, self.box["y"] + start[1] + dy, steps=5)
        self.page.mouse.up(button=button)
        self.settle()


@pytest.fixture
def screen(address: str, open_page: Callable[..., Watched]) -> Screen:
    return Screen(open_page(address))


@pytest.fixture(scope="module")
def scripts(chromium: Any, address: str) -> Iterator[Any]:
    """A page that lends its scripts to tests that only calculate."""
    page = chromium.new_page()
    page.goto(address)
    page.wait_for_function("!!window.egmaViewer?.mount")
    yield page
    page.close()


def center_of(cell: tuple[int, int]) -> tuple[float, float]:
    """(u, v) of a patch's centre."""
    return (cell[1] + 0.5) / GRID_HW[1], (cell[0] + 0.5) / GRID_HW[0]


def test_all_sixteen_bits_reach_the_browser(screen: Screen) -> None:
    values = list(screen.page.evaluate(f"Array.from({VIEWER}.state.film.values)"))
    assert values == film_values().ravel().tolist()


def test_maps_are_off_until_the_reader_asks(screen: Screen) -> None:
    assert screen.get("state.mapsOn") is False
    screen.ask()
    assert screen.page.get_by_role("button", name="Show maps").get_attribute("aria-pressed") == "true"
    screen.page.get_by_role("button", name="Other film", exact=True).click()
    screen.wait("state.filmId === 'second'")
    assert screen.get("state.mapsOn") is False
    assert screen.get("state.layers.length") == 1


@pytest.mark.parametrize("flipped", [False, True], ids=["as recorded", "flipped"])
def test_a_hot_patch_is_painted_at_its_place_on_the_film(screen: Screen, flipped: bool) -> None:
    screen.ask()
    if flipped:
        screen.press("h")
    for row in range(GRID_HW[0]):
        for column in range(GRID_HW[1]):
            place = screen.fitted_place(*center_of((row, column)), flipped)
            assert screen.is_coloured(place) == ((row, column) in {HOT, (3, 0)}), (row, column)


@pytest.mark.parametrize("flipped", [False, True], ids=["as recorded", "flipped"])
def test_zooming_with_the_wheel_keeps_the_patch_under_the_pointer(screen: Screen, flipped: bool) -> None:
    screen.ask()
    if flipped:
        screen.press("h")
    place = screen.fitted_place(*center_of(HOT), flipped)
    before = screen.get("view.scale")
    screen.mouse(place)
    screen.page.mouse.wheel(0, -400)
    screen.settle()
    assert screen.get("view.scale") > 1.3 * before
    assert screen.is_coloured(place)
    patch = FILM_HW[1] / GRID_HW[1] * screen.get("view.scale")
    assert not screen.is_coloured((place[0] + 0.6 * patch, place[1]))
    assert screen.is_coloured((place[0] + 0.4 * patch, place[1]))


def test_a_click_sends_the_point_of_the_film_as_it_was_recorded(screen: Screen) -> None:
    screen.ask()
    screen.press("h")
    screen.mouse(screen.fitted_place(0.7, 0.4, flipped=True))
    screen.page.mouse.down()
    screen.page.mouse.up()
    box = screen.page.locator("#clicked textarea, #clicked input").first
    screen.page.wait_for_function("e => e.value", arg=box.element_handle())
    u, v = map(float, box.input_value().split())
    assert (u, v) == pytest.approx((0.7, 0.4), abs=0.01)


def test_dragging_with_the_right_button_sets_the_window_and_a_double_click_resets_it(screen: Screen) -> None:
    place = screen.fitted_place(0.5, 0.7)
    before = screen.colour(place)
    screen.drag(0, 120, button="right")
    assert screen.get("state.window.center") > 35_000
    assert screen.colour(place)[0] < before[0] - 20
    assert screen.get("view.fitted") is True
    screen.page.locator(".egv canvas").dblclick(position={"x": place[0], "y": place[1]})
    screen.settle()
    assert screen.get("state.window") == {"center": 30_000, "width": 60_000}
    assert screen.colour(place) == before


def test_the_window_shows_straight_lines_through_all_values(screen: Screen) -> None:
    for u, v in [(0.1, 0.1), (0.5, 0.5), (0.9, 0.9)]:
        value = int(film_values()[int(v * FILM_HW[0]), int(u * FILM_HW[1])])
        assert screen.colour(screen.fitted_place(u, v))[0] == pytest.approx(255 * value / 60_000, abs=2)
    screen.press("i")
    u, v = 0.5, 0.5
    value = int(film_values()[int(v * FILM_HW[0]), int(u * FILM_HW[1])])
    assert screen.colour(screen.fitted_place(u, v))[0] == pytest.approx(255 - 255 * value / 60_000, abs=2)


def test_a_threshold_above_the_map_hides_it_and_says_so(screen: Screen) -> None:
    screen.ask()
    place = screen.fitted_place(*center_of(HOT))
    assert screen.is_coloured(place)
    screen.page.get_by_label("Threshold in cosine similarity").fill("0.45")
    screen.settle()
    assert not screen.is_coloured(place)
    assert screen.page.get_by_text("max 0.40, below threshold").count() == 2


def test_switching_a_phrase_off_takes_only_its_map_away(screen: Screen) -> None:
    screen.ask()
    screen.page.get_by_role("checkbox", name="effusion").uncheck()
    screen.settle()
    assert not screen.is_coloured(screen.fitted_place(*center_of(HOT)))
    assert screen.is_coloured(screen.fitted_place(*center_of((3, 0))))


def test_smooth_colours_spread_beyond_the_patch_and_native_ones_do_not(screen: Screen) -> None:
    screen.ask()
    u, v = center_of(HOT)
    beside = screen.fitted_place(u + 0.54 / GRID_HW[1], v)
    screen.get("look({ threshold: 0.15 })")
    screen.settle()
    assert not screen.is_coloured(beside)
    screen.press("g")
    assert screen.is_coloured(beside)


@pytest.mark.parametrize(
    ("source_hw", "mode"),
    [((90, 120), "pad"), ((120, 70), "pad"), ((90, 120), "crop")],
    ids=["wide", "tall", "cropped"],
)
@pytest.mark.parametrize("smooth", [True, False], ids=["smooth", "native"])
def test_values_agree_with_the_maps_of_the_core(
    scripts: Any, source_hw: tuple[int, int], mode: Any, smooth: bool
) -> None:
    geometry = Geometry(source_hw, (56, 56), mode)
    grid = np.random.default_rng(5).uniform(-0.2, 0.5, (7, 7)).astype(np.float32)
    x0, y0, x1, y1 = geometry.grid_box_px()
    height, width = source_hw
    layer = {
        "id": "a",
        "phrase": "a",
        "rows": 7,
        "cols": 7,
        "data": grid.ravel().tolist(),
        "box": [x0 / width, y0 / height, x1 / width, y1 / height],
    }
    found = scripts.evaluate(
        """([layer, width, height, smooth]) => {
          const [map] = window.egmaViewer.parseLayers([layer]);
          const values = [];
          for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
            const value = map.valueAt((x + 0.5) / width, (y + 0.5) / height, smooth);
            values.push(Number.isNaN(value) ? null : value);
          }
          return values;
        }""",
        [layer, width, height, smooth],
    )
    values = np.array(found, dtype=np.float64).reshape(source_hw)
    np.testing.assert_allclose(values, geometry.map_to_source(grid, smooth=smooth), atol=1e-6)


def test_a_patch_that_saw_nothing_stays_clear(scripts: Any) -> None:
    layer = {"id": "a", "phrase": "a", "rows": 1, "cols": 3, "data": [0.4, None, 0.2], "box": [0, 0, 1, 1]}
    found = scripts.evaluate(
        """(layer) => {
          const [map] = window.egmaViewer.parseLayers([layer]);
          const read = (u, smooth) => map.valueAt(u, 0.5, smooth).toFixed(3);
          return [0.1, 0.5, 0.9].map((u) => [read(u, true), read(u, false)]);
        }""",
        layer,
    )
    assert found == [["0.400", "0.400"], ["NaN", "NaN"], ["0.200", "0.200"]]


def test_keys_work_only_while_the_film_has_the_focus(screen: Screen) -> None:
    screen.ask()
    screen.page.locator("#clicked textarea, #clicked input").first.focus()
    screen.page.keyboard.press("i")
    assert screen.get("state.inverted") is False
    screen.press("i", "o", "+", "?")
    assert screen.get("state.inverted") is True
    assert screen.get("state.mapsOn") is False
    assert screen.get("view.fitted") is False
    legend = screen.page.get_by_role("dialog", name="Keyboard and mouse")
    assert "Flip left to right" in legend.inner_text()
    screen.page.keyboard.press("Escape")
    assert not legend.is_visible()
    screen.press("r")
    assert (screen.get("state.inverted"), screen.get("view.fitted")) == (False, True)


def test_new_maps_leave_the_view_and_the_window_as_they_were(screen: Screen) -> None:
    screen.drag(80, 40, button="right")
    screen.press("+", "i")
    before = [screen.get(name) for name in ("view.scale", "state.window", "state.inverted")]
    screen.ask()
    assert [screen.get(name) for name in ("view.scale", "state.window", "state.inverted")] == before
    screen.page.get_by_role("button", name="Other film", exact=True).click()
    screen.wait("state.filmId === 'second' && document.querySelector('.egv').viewer.state.film")
    assert (screen.get("view.fitted"), screen.get("state.inverted")) == (True, False)


def test_stepping_shows_one_sentence_at_a_time(screen: Screen) -> None:
    screen.ask("Read report")
    caption = screen.page.get_by_role("group", name="Phrase on the film")
    assert "Second sentence." in caption.inner_text()
    assert screen.is_coloured(screen.fitted_place(*center_of((0, 0))))
    assert not screen.is_coloured(screen.fitted_place(*center_of(HOT)))
    screen.press("[")
    assert "First sentence." in caption.inner_text()
    assert screen.is_coloured(screen.fitted_place(*center_of(HOT)))
    caption.get_by_role("button", name="Next phrase").click()
    caption.get_by_role("button", name="Next phrase").click()
    assert "3 of 3" in caption.inner_text()


def test_nothing_is_asked_of_the_server_while_the_reader_works(screen: Screen) -> None:
    screen.ask()
    screen.page.wait_for_load_state("networkidle")
    before = len(screen.watched.requests)
    screen.drag(60, 30, button="right")
    screen.drag(-40, 20)
    screen.mouse(screen.fitted_place(0.5, 0.5))
    screen.page.mouse.wheel(0, -300)
    screen.page.get_by_label("Opacity of the maps").fill("0.8")
    screen.page.get_by_label("Colours of the maps").select_option("viridis")
    screen.page.get_by_label("Window preset").select_option("lungs")
    screen.press("h", "i", "g", "s", "]", "[", "0", "1", ",", ".")
    assert screen.watched.requests[before:] == []


def test_words_from_outside_stay_words(screen: Screen) -> None:
    screen.ask("Ask evil")
    screen.press("s", "?")
    screen.settle()
    assert screen.page.evaluate("window.pwned") is None
    assert screen.page.locator(".egv img").count() == 0
    assert screen.get("state.layers[0].phrase") == EVIL
    assert EVIL in screen.page.locator(".egv-phrase").first.text_content()


def test_the_saved_picture_carries_scale_words_and_caveat(screen: Screen) -> None:
    screen.ask()
    screen.press("h")
    with screen.page.expect_download() as waiting:
        screen.page.get_by_role("button", name="Save as PNG").click()
    assert waiting.value.suggested_filename == "egma-map.png"
    picture = Image.open(io.BytesIO(Path(waiting.value.path()).read_bytes())).convert("RGB")
    pixels = np.asarray(picture).astype(int)
    film_width, film_height = 1024, round(1024 * FILM_HW[0] / FILM_HW[1])
    assert picture.width > film_width
    assert picture.height > film_height + 60
    band = pixels[film_height + 8 :]
    assert (band.min(axis=2) > 200).sum() > 500, "there are words below the film"
    u, v = center_of(HOT)
    hot = pixels[round(v * film_height), round((1 - u) * film_width)]
    assert hot.max() - hot.min() > 40, "the map is flipped with the film"
    assert (pixels[:40, :300].min(axis=2) > 200).sum() > 200, "the caveat stands on the film itself"


def test_two_fingers_zoom(address: str, open_page: Callable[..., Watched]) -> None:
    screen = Screen(open_page(address, viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True))
    screen.page.locator(".egv canvas").scroll_into_view_if_needed()
    touch = screen.page.context.new_cdp_session(screen.page)
    x, y = (screen.box["x"] + screen.box["width"] / 2, screen.box["y"] + screen.box["height"] / 2)

    def send(kind: str, *spread: float) -> None:
        points = [{"x": x + side * each, "y": y, "id": at} for each in spread for at, side in enumerate((-1, 1))]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    before = screen.get("view.scale")
    send("touchStart", 30)
    for spread in (45, 60, 75, 90):
        send("touchMove", spread)
    send("touchEnd")
    screen.settle()
    assert screen.get("view.scale") == pytest.approx(3 * before, rel=0.15)


def test_a_phone_needs_no_sideways_scrolling_and_every_control_has_a_name(
    address: str, open_page: Callable[..., Watched]
) -> None:
    screen = Screen(open_page(address, viewport={"width": 390, "height": 844}))
    screen.ask()
    assert screen.page.evaluate("document.documentElement.scrollWidth") <= 390
    nameless = screen.page.evaluate(
        """() => [...document.querySelectorAll('.egv button, .egv input, .egv select')].filter((node) =>
             !(node.getAttribute('aria-label') || node.textContent.trim() || node.closest('label')?.textContent.trim()))
             .map((node) => node.outerHTML)"""
    )
    assert nameless == []


def test_a_picture_that_cannot_be_read_leaves_a_sentence(screen: Screen) -> None:
    screen.page.get_by_role("button", name="Broken film", exact=True).click()
    screen.page.get_by_text("The film's picture could not be loaded (").wait_for()
    assert screen.get("state.film") is None
    screen.page.get_by_role("button", name="Ask", exact=True).click()
    screen.wait("state.film")
    assert screen.get("state.mapsOn") is True
