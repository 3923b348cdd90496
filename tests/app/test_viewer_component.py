"""The viewer's Python side: what travels to the browser is checked, what comes back is not read."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest
from pydantic import ValidationError

import app.viewer
from app.viewer import CXRViewer, LayerData, ViewerData
from app.viewer.component import script_tag

FOLDER = Path(app.viewer.__file__).parent
SCRIPTS = sorted((FOLDER / "static").iterdir())


def layer(**changes: object) -> LayerData:
    fields = {"id": "a", "phrase": "effusion", "rows": 2, "cols": 3, "data": [0.1] * 6} | changes
    return LayerData(**fields)


def test_a_map_that_does_not_fill_its_grid_is_refused_with_both_numbers() -> None:
    with pytest.raises(ValidationError, match="2 x 3 patches needs 6 values, got 5"):
        layer(data=[0.1] * 5)


@pytest.mark.parametrize(
    "changes",
    [{"rows": 0, "data": []}, {"rows": 300, "cols": 1, "data": [0.0] * 300}, {"box": [0, 0, 0, 1]}, {"peak": [0.5]}],
    ids=["no rows", "a picture sent as a grid", "a box without width", "half a point"],
)
def test_a_map_that_cannot_be_drawn_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        layer(**changes)


def test_what_was_not_seen_travels_as_null() -> None:
    assert layer(data=[0.5, math.nan, None, math.inf, 0.0, -0.1]).data == [0.5, None, None, None, 0.0, -0.1]
    assert "NaN" not in layer(data=[math.nan] * 6).model_dump_json()


def test_an_empty_viewer_can_be_built_and_is_off() -> None:
    empty = ViewerData()
    assert (empty.image, empty.layers, empty.show) == (None, [], 0)
    assert empty.notice == "Research use only. Not for diagnosis."


def test_a_payload_from_the_browser_is_never_read_back() -> None:
    viewer = CXRViewer(render=False)
    assert viewer.preprocess({"image": {"path": "/etc/passwd"}}) is None
    sent = ViewerData(title="film", layers=[layer()])
    assert viewer.postprocess(sent) is sent


def test_both_events_can_be_listened_to() -> None:
    viewer = CXRViewer(render=False)
    assert callable(viewer.patch_click)
    assert callable(viewer.layer_step)


def test_the_template_is_static_and_holds_no_handlers() -> None:
    markup = (FOLDER / "viewer.html").read_text(encoding="utf-8")
    assert not re.search(r"\$\{|\{\{|\bvalue\b\s*\}|<script|\son\w+=|javascript:", markup)
    styles = (FOLDER / "viewer.css").read_text(encoding="utf-8")
    assert not re.search(r"\$\{|\{\{|`|\\|url\(|@import", styles)  # the framework evaluates styles as a template too


def test_every_picture_on_a_button_is_defined() -> None:
    markup = (FOLDER / "viewer.html").read_text(encoding="utf-8")
    assert set(re.findall(r'href="#([\w-]+)"', markup)) <= set(re.findall(r'<symbol id="([\w-]+)"', markup))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_write_words_as_text_and_ask_nobody_else(script: Path) -> None:
    code = script.read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", code)
    assert not re.search(r"https?://|//[a-z]+\.[a-z]+/", code)


def test_the_served_folder_holds_the_scripts_and_nothing_else() -> None:
    assert {path.name for path in SCRIPTS} == set(CXRViewer.scripts)


def test_script_addresses_are_relative_and_change_with_the_script(tmp_path: Path) -> None:
    script = tmp_path / "a b.js"
    script.write_text("1", encoding="utf-8")
    before = script_tag(script)
    assert before.startswith('<script src="gradio_api/file=')
    assert "a%20b.js?v=" in before
    script.write_text("2", encoding="utf-8")
    assert script_tag(script) != before
