"""The Evaluate tab in Chromium: phantoms measured, the page reloaded meanwhile, figures opened, a file exported."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from egma.checkpoints import save_checkpoint
from egma.jobs import JobFolder, list_jobs
from egma.testing.data_sets import write_labels
from egma.testing.models import build_tiny_model
from egma.testing.phantoms import build_phantom
from tests.browser.running import running_page

pytestmark = pytest.mark.browser
PATIENCE_MS = 90_000
FINDINGS = ("Effusion", "Mass")
FILMS = 24
"""Ten with and ten without each finding: fewer are not judged."""


@dataclass(frozen=True)
class Place:
    """A data root with two checkpoints and a data set of phantoms, and the page's address on it."""

    data: Path
    address: str

    @property
    def jobs(self) -> list[JobFolder]:
        return list_jobs(self.data / "evaluations")


def write_phantoms(folder: Path) -> None:
    """A labels.csv of small phantoms, half of them with an effusion, the others with a mass."""
    rows = []
    for number in range(FILMS):
        finding = FINDINGS[number % 2]
        pixels = build_phantom(number, finding=finding, size=(96, 87)).study.pixels
        name = f"films/{number:02}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(folder / name)
        rows.append([name, f"patient {number}", "test", *(int(each == finding) for each in FINDINGS)])
    write_labels(folder, FINDINGS, rows)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("data")
    write_phantoms(data / "datasets" / "phantoms")
    for seed, name in enumerate(("tiny", "other"), start=3):
        model = build_tiny_model(seed=seed)
        save_checkpoint(model, model.config, data / "checkpoints" / name, f"# {name}\n\nA double for tests.\n")
    wanted = {"EGMA_LOCKS": os.environ["EGMA_LOCKS"], "OMP_NUM_THREADS": "1"}
    with running_page(str(data / "checkpoints" / "tiny"), data=data, **wanted) as address:
        found = Place(data, address)
        yield found
        for job in found.jobs:
            if job.mark is not None:
                job.mark.send(signal.SIGKILL)


def open_evaluate(page: Any) -> None:
    page.locator("#egma-viewer canvas").first.wait_for()
    page.get_by_role("tab", name="Evaluate").click()
    page.locator("#egma-evaluate-start").wait_for()


def wait_for_state(page: Any, state: str) -> None:
    page.locator(f"#egma-evaluation .egma-state-{state}").wait_for(timeout=PATIENCE_MS)


def hold_once_running(place: Place) -> JobFolder:
    """The job that was just started, its process held in the midst of its work."""
    until = time.monotonic() + PATIENCE_MS / 1000
    while time.monotonic() < until:
        for job in place.jobs:
            if job.state().name == "running" and job.mark is not None and job.mark.send(signal.SIGSTOP):
                return job
        time.sleep(0.02)
    raise AssertionError("no evaluation began")


def test_an_evaluation_outlives_a_reload_and_its_figures_lead_to_films(place: Place, open_page: Any) -> None:
    page = open_page(place.address).page
    open_evaluate(page)
    page.get_by_text("No evaluation yet.").wait_for()
    page.wait_for_function("document.querySelector('#egma-evaluate-data input').value === 'datasets/phantoms'")
    page.locator("#egma-evaluate-models input").click()
    page.get_by_role("option", name="other", exact=True).click()
    page.keyboard.press("Escape")
    page.locator("#egma-evaluate-start").click()
    job = hold_once_running(place)
    wait_for_state(page, "running")

    page.reload()
    open_evaluate(page)
    wait_for_state(page, "running")
    page.get_by_text("Its tables come when it has run to its end").wait_for()
    assert job.mark is not None and job.mark.send(signal.SIGCONT)
    wait_for_state(page, "finished")

    result = page.locator("#egma-evaluate-result")
    measured = json.loads((job.path / "results" / "result.json").read_text(encoding="utf-8"))
    figure = next(row for row in measured["figures"] if (row["model"], row["item"]) == ("tiny", "Effusion"))
    cell = result.get_by_role("button", name="Effusion, tiny:")
    assert f"{figure['value']:.3f}" in cell.inner_text()
    assert f"{figure['low']:.3f} to {figure['high']:.3f}" in cell.inner_text()
    assert f"n = {FILMS}" in result.inner_text() and f"{FILMS} of {FILMS} patients" in result.inner_text()
    result.get_by_text("Differences from tiny").click()
    assert result.get_by_text("other: AUROC, Effusion").is_visible() and result.get_by_text("DeLong").first.is_visible()

    cell.click()
    films = page.locator("#egma-evaluate-films .caption-label")
    films.nth(11).wait_for(timeout=PATIENCE_MS)
    kept = (job.path / "results" / "cases.csv").read_text(encoding="utf-8").splitlines()[1:]
    rows = [row.split(",") for row in kept if row.startswith("tiny,Effusion,")]
    worst = sorted(rows, key=lambda row: -float(row[5]))
    assert films.all_inner_texts() == [f"Effusion: {row[3]}, said {row[4]}" for row in worst[:12]]


def test_figures_are_drawn_for_both_looks_and_the_table_is_downloaded(place: Place, open_page: Any) -> None:
    page = open_page(place.address, color_scheme="dark").page
    open_evaluate(page)
    wait_for_state(page, "finished")
    seen = page.locator("#egma-evaluate-plots img:visible")
    seen.nth(1).wait_for(timeout=PATIENCE_MS)
    drawn = "document.querySelectorAll('#egma-evaluate-plots img')"
    shown = f"[...{drawn}].filter((each) => each.offsetParent)"
    page.wait_for_function(f"{shown}.every((each) => each.naturalWidth)", timeout=PATIENCE_MS)
    assert [name.rsplit("/", 1)[1] for name in seen.evaluate_all("(all) => all.map((each) => each.src)")] == [
        "roc-dark.png",
        "reliability-dark.png",
    ]
    page.locator("#egma-theme").click()
    page.wait_for_function("!document.body.classList.contains('dark')")
    assert seen.first.get_attribute("src").endswith("/roc.png")
    with page.expect_download() as downloading:
        page.locator("#egma-export-figures").click()
    saved = Path(downloading.value.path()).read_text(encoding="utf-8")
    assert saved == (place.jobs[0].path / "results" / "figures.csv").read_text(encoding="utf-8")


def test_a_film_behind_a_figure_opens_in_the_study_tab_with_its_finding_asked(place: Place, open_page: Any) -> None:
    page = open_page(place.address).page
    open_evaluate(page)
    page.locator("#egma-evaluate-result").get_by_role("button", name="Mass, tiny:").click()
    page.locator("#egma-evaluate-films button").first.click()
    page.locator("#egma-film .egma-title").get_by_text("Film of an evaluation").wait_for(timeout=PATIENCE_MS)
    page.locator("#egma-viewer .egv-layers li").get_by_text("Mass").wait_for(timeout=PATIENCE_MS)


def test_a_card_is_written_again_from_the_evaluation(place: Place, open_page: Any) -> None:
    page = open_page(place.address).page
    open_evaluate(page)
    page.get_by_role("tab", name="Model cards").click()
    page.locator("#egma-cards button").filter(has_text="other").click()
    card = page.locator("#egma-cards-text")
    card.get_by_text("A double for tests.").wait_for()
    page.locator("#egma-cards-facts .egma-title").get_by_text("other").wait_for()
    page.locator("#egma-cards-write").click()
    card.get_by_role("heading", name="zeroshot on labels").wait_for(timeout=PATIENCE_MS)
    page.locator("#egma-cards-run .egma-state-finished").wait_for(timeout=PATIENCE_MS)
    written = (place.data / "checkpoints" / "other" / "card.md").read_text(encoding="utf-8")
    assert "A double for tests." in written and f"{FILMS} cases of {FILMS} patients" in written
