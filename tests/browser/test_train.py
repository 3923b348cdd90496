"""The Train tab in Chromium: a phantom job outlives a reload and a killed server, is stopped, resumed and used."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from egma.jobs import JobFolder, list_jobs
from tests.browser.running import Server, running_server
from tests.finetune.bases import save_tiny_base
from tests.jobs.conftest import wait_for

pytestmark = pytest.mark.browser
PATIENCE_MS = 90_000
LONG = "10000"
"""Epochs of a run that is still at work when the slowest page has looked at it."""


@dataclass
class Place:
    """A data root with a tiny base, and the page's address on it."""

    data: Path
    base: str
    address: str = ""

    def serve(self, stack: ExitStack, **variables: str) -> Server:
        """Start a page on it."""
        wanted = {"EGMA_LOCKS": os.environ["EGMA_LOCKS"], "OMP_NUM_THREADS": "1"}
        page = running_server(str(self.data / "checkpoints" / self.base), data=self.data, **wanted, **variables)
        server = stack.enter_context(page)
        self.address = server.address
        return server


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    data = tmp_path_factory.mktemp("data")
    base = save_tiny_base(data / "checkpoints" / "tiny")
    with ExitStack() as stack:
        found = Place(data, base.name)
        found.serve(stack)
        yield found
    for job in list_jobs(data / "runs"):
        if job.mark is not None:
            job.mark.send(signal.SIGKILL)


def open_train(page: Any) -> None:
    page.locator("#egma-viewer canvas").first.wait_for()
    page.get_by_role("tab", name="Train").click()
    page.locator("#egma-runs button").first.wait_for()


def start_run(page: Any, epochs: str) -> None:
    """Start the demo on few phantoms and for long, as a reader would: in the folded settings."""
    page.get_by_text("Measuring, stopping, keeping").click()
    for words, value in (("Phantoms to train on", "48"), ("Phantoms to measure pointing", "12")):
        fill(page, words, value)
    page.get_by_text("Learning: rate, length, batch, device").click()
    fill(page, "Epochs", epochs)
    page.locator("#egma-train-start").click()


def fill(page: Any, label: str, value: str) -> None:
    """Fill a field of a fold just opened; what is typed in the moment in which it is mounted is overwritten."""
    field = page.get_by_label(label)
    for _ in range(20):
        field.fill(value)
        page.wait_for_timeout(300)
        if field.input_value() == value:
            return
    raise AssertionError(f"{label} does not keep {value}")


def wait_for_state(page: Any, state: str) -> None:
    """Until the run on screen is in that state; what it says instead is part of the failure."""
    try:
        page.locator(f"#egma-run .egma-state-{state}").wait_for(timeout=PATIENCE_MS)
    except Exception as error:
        said = page.locator("#egma-run").inner_text()
        raise AssertionError(f"the run is not {state}; the page says: {said!r}") from error


def last_step(job: JobFolder) -> int:
    return max((event["step"] for event in job.events().events if event["kind"] == "step"), default=0)


def wait_for_curves(page: Any) -> None:
    page.locator("#egma-curves figure").filter(has_text="Total loss").wait_for(timeout=PATIENCE_MS)


def test_a_phantom_job_is_reloaded_stopped_resumed_and_used_in_the_study_tab(place, open_page):
    page = open_page(place.address).page
    open_train(page)
    assert page.get_by_text("No runs of yours yet").is_visible()
    start_run(page, epochs=LONG)
    wait_for_state(page, "running")
    wait_for_curves(page)

    page.reload()
    open_train(page)
    wait_for_state(page, "running")
    wait_for_curves(page)
    page.locator("#egma-run-stop").click()
    wait_for_state(page, "stopped")
    job = list_jobs(place.data / "runs")[0]
    stopped_at = last_step(job)

    page.locator("#egma-run-resume").click()
    page.wait_for_function(
        "(step) => Number((document.querySelector('#egma-run dd') || {}).textContent?.split(' ')[0]) > step",
        arg=stopped_at,
        timeout=PATIENCE_MS,
    )
    page.locator("#egma-run-stop").click()
    wait_for_state(page, "stopped")
    page.locator("#egma-run-use").click()
    published = place.data / "checkpoints" / f"demo-{job.id[:15]}"
    page.get_by_role("tab", name="Study").wait_for()
    page.wait_for_function(
        "(name) => [...document.querySelectorAll('#egma-model input')].some((each) => each.value === name)",
        arg=published.name,
        timeout=PATIENCE_MS,
    )
    assert (published / "card.md").is_file()


def kill_server(server: Server, spared: int) -> None:
    """kill -9, which asks nobody; what the server had started ends by itself, but for the job."""
    started = psutil.Process(server.process.pid).children(recursive=True)
    assert any("egma.imaging.worker" in child.cmdline() for child in started), "no film was read by this server"
    assert spared in [child.pid for child in started], "the job was not started by this server"
    server.process.kill()
    server.process.wait()
    wait_for(lambda: [child.pid for child in started if is_at_work(child)] == [spared], "the server's workers to end")


def is_at_work(process: psutil.Process) -> bool:
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_new_server_finds_the_job_of_one_that_was_killed(place, open_page):
    with ExitStack() as stack:
        server = place.serve(stack)
        page = open_page(place.address).page
        open_train(page)
        start_run(page, epochs=LONG)
        wait_for_state(page, "running")
        wait_for_curves(page)
        page.goto("about:blank")  # a page whose server ends complains, rightly
        job = list_jobs(place.data / "runs")[0]
        assert job.mark is not None
        kill_server(server, spared=job.mark.pid)
        seen = last_step(job)
        wait_for(lambda: last_step(job) > seen, "the job to go on")
    with ExitStack() as stack:
        place.serve(stack)
        page = open_page(place.address).page
        open_train(page)
        wait_for_state(page, "running")
        job, *older = list_jobs(place.data / "runs")
        if older:
            page.locator(f'[data-run="{older[0].id}"]').click()
            wait_for_state(page, "stopped")
            page.locator(f'[data-run="{job.id}"]').click()
            wait_for_state(page, "running")
        assert job.mark is not None and job.mark.send(signal.SIGKILL)
        wait_for_state(page, "failed")
        assert page.locator("#egma-run").get_by_text("Killed.").is_visible()
        page.locator("#egma-run-delete").click()
        page.locator("#egma-run-for-good").click()
        page.locator(f'[data-run="{job.id}"]').wait_for(state="detached")
        assert not job.path.exists()


def test_a_hosted_demo_shows_the_finished_example_and_no_way_to_start(place, open_page):
    with ExitStack() as stack:
        place.serve(stack, SPACE_ID="owner/demo", EGMA_HOST="127.0.0.1")
        page = open_page(place.address).page
        open_train(page)
        wait_for_curves(page)
        assert page.get_by_text("Training is switched off on this hosted demo").is_visible()
        assert page.locator("#egma-train-start").is_disabled()
        assert not page.locator("#egma-run-stop, #egma-run-resume, #egma-run-use, #egma-run-delete").all_inner_texts()
