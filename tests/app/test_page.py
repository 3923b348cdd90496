"""How the page is wired: events, visibility, launch settings, and no data inside markup."""

import ast
from pathlib import Path

import gradio as gr
import pytest

import app
from app import api
from app.main import blocked_paths, launch_options
from app.page import build_page
from app.settings import Settings
from tests.app.conftest import make_study

SOURCES = sorted(Path(app.__file__).parent.rglob("*.py"))


@pytest.fixture
def page(services):
    return build_page(services, services.films.add(make_study(), "Film"))


def test_the_public_endpoints_are_exactly_those_of_the_contract(page):
    public = {fn.api_name: fn for fn in page.fns.values() if fn.api_visibility == "public"}
    assert set(public) == set(api.ENDPOINTS) == {"classify", "ground", "gaze", "search_text", "search_image"}
    names = {name: [each["parameter_name"] for each in info["parameters"]] for name, info in endpoints(page).items()}
    assert names == {
        "/classify": ["film"],
        "/ground": ["film", "text"],
        "/gaze": ["recording", "film"],
        "/search_text": ["words", "k"],
        "/search_image": ["film", "k"],
    }


def endpoints(page: gr.Blocks) -> dict:
    return page.get_api_info()["named_endpoints"]


def test_everything_else_is_private_and_limited(page):
    plumbing = [fn for fn in page.fns.values() if fn.api_visibility != "public"]
    assert plumbing
    for fn in plumbing:
        assert fn.api_visibility == "private"
        assert fn.fn is None or not fn.queue or fn.concurrency_id in ("model", "films", "train"), fn.api_name
        assert fn.show_progress == "hidden"


def test_no_reader_needs_a_permanent_connection(page):
    """gr.State, unload and streams open one per tab; over HTTP/1.1 the sixth tab then never loads."""
    config = page.get_config_file()
    assert not config["connect_heartbeat"] if "connect_heartbeat" in config else True
    assert all(component["type"] != "state" for component in config["components"])


def test_a_film_is_in_the_page_before_any_question(page):
    viewers = [each for each in page.get_config_file()["components"] if each["props"].get("elem_id") == "egma-viewer"]
    assert viewers[0]["props"]["value"]["image"]["path"].endswith(".png")
    assert viewers[0]["props"]["value"]["layers"] == []


def test_the_page_has_one_heading_of_the_first_level_and_a_caveat(page):
    texts = [each["props"].get("value") for each in page.get_config_file()["components"] if each["type"] == "markdown"]
    headings = [line for text in texts for line in str(text).splitlines() if line.startswith("# ")]
    assert "# EGMA Workbench" in headings
    assert any("Research use only" in str(text) for text in texts)


def test_launch_settings_are_closed_by_default(services):
    options = launch_options(services)
    wanted = {
        "run_history": False,
        "enable_monitoring": False,
        "show_error": False,
        "share": False,
        "pwa": False,
        "mcp_server": False,
        "ssr_mode": False,
        "strict_cors": True,
        "allowed_paths": [],
        "footer_links": [],
        "max_file_size": "100mb",
        "server_name": "127.0.0.1",
    }
    assert {name: options[name] for name in wanted} == wanted
    names = [each.cls.__name__ for each in options["app_kwargs"]["middleware"]]
    assert names == ["SecurityHeaders", "ClosedPaths", "NamelessUploads"]
    assert [route.path for route in options["app_kwargs"]["routes"]] == ["/healthz"]


def test_code_weights_and_the_readers_data_are_out_of_reach_but_uploads_are_not(services, tmp_path):
    blocked = blocked_paths(services)
    assert any(path.endswith("/checkpoints") for path in blocked)
    assert any(path.endswith("/.git") for path in blocked)
    assert str(tmp_path) not in blocked  # this data folder holds the private folder, and a block would win
    apart = Settings(data=tmp_path / "elsewhere")
    object.__setattr__(services, "settings", apart)
    assert str(tmp_path / "elsewhere") in blocked_paths(services)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_markup_is_made_of_data(path):
    """gr.HTML and gr.Markdown run or render what they are given: constants and the checkpoint's card only."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("gr.HTML", "HTML"):
            assert node.args and isinstance(node.args[0], ast.Constant), f"line {node.lineno}: markup must be constant"
        if isinstance(node, ast.keyword) and node.arg == "sanitize_html":
            raise AssertionError(f"line {node.value.lineno}: sanitising stays on")
        if isinstance(node, ast.Constant) and node.value == "html" and path.name != "alerts.py":
            raise AssertionError(f"line {node.lineno}: no table cell is markup")


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_handlers_are_named_so_that_a_test_can_call_them(path):
    """Events are wired to bound methods, never to lambdas or closures."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in (
            "click",
            "submit",
            "change",
            "load",
            "tick",
        ):
            assert not any(isinstance(each, ast.Lambda) for each in node.args), f"line {node.lineno}"


def test_scripts_of_the_panels_write_text_only():
    for script in (Path(app.__file__).parent / "panels").glob("*.js"):
        for banned in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert banned not in script.read_text(encoding="utf-8"), f"{script.name}: {banned}"


def test_no_type_stub_is_written_beside_the_sources(page):
    assert list(Path(app.__file__).parent.rglob("*.pyi")) == []
