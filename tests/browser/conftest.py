"""A real Chromium for tests: nothing from outside is let through, and what the console complains of is kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

_HERE = Path(__file__).parent
_OWN_HOSTS = ("127.0.0.1", "localhost")
_INNER_SCHEMES = ("data", "blob", "about")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test here drives a browser, over a server whose queue uses pandas in ways that pandas is giving up."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.filterwarnings("ignore:.*(no_silent_downcasting|copy keyword is deprecated)"))


@dataclass
class Watched:
    """A page and what happened on it.

    Attributes:
        page: Playwright's page.
        requests: every address asked for, in order.
        outside: those of other machines; they were blocked.
        complaints: errors of the console and of scripts.
    """

    page: Any
    requests: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def watch(self) -> None:
        self.page.route("**/*", self._pass)
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _pass(self, route: Any) -> None:
        address = urlsplit(route.request.url)
        if address.scheme in _INNER_SCHEMES or address.hostname in _OWN_HOSTS:
            return route.continue_()
        self.outside.append(route.request.url)
        return route.abort()

    def _hear(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"{message.text} at {(message.location or {}).get('url', 'nowhere')}")


@pytest.fixture(scope="package")
def chromium() -> Iterator[Any]:
    """The system's Chromium, headless; skips where there is none.

    It ends with the tests of this folder: its event loop would be in the way of others' in the same thread.
    """
    playwright = pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.skip("no Chromium on this machine: install the package chromium to run browser tests")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Watched]]:
    """Opens watched pages: `open_page(url, viewport=..., has_touch=...)`. At the end none may have complained."""
    opened: list[Watched] = []

    def open_at(url: str, **settings: Any) -> Watched:
        settings.setdefault("viewport", {"width": 1360, "height": 900})
        context = chromium.new_context(**settings)
        watched = Watched(context.new_page())
        watched.watch()
        opened.append(watched)
        watched.page.goto(url)
        return watched

    yield open_at
    complaints = [words for watched in opened for words in watched.complaints]
    outside = [address for watched in opened for address in watched.outside]
    for watched in opened:
        watched.page.context.close()
    assert not outside, f"asked for addresses outside: {outside}"
    assert not complaints, f"the console complained: {complaints}"
