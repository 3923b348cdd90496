"""Pictures of the page: `python -m tests.browser.screenshots FOLDER` writes light, dark, phone and their states."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.browser.running import find_checkpoint, running_page

DESKTOP = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "has_touch": True, "is_mobile": True}
PHRASES = "left pleural effusion\ncardiomegaly"
PHANTOM = "Phantom: left pleural effusion"  # a picture that may be kept: no patient's film


def main() -> None:
    """Start the page, visit it in every dress, save what is seen."""
    from playwright.sync_api import sync_playwright

    out = Path(sys.argv[1] if len(sys.argv) > 1 else "screenshots")
    out.mkdir(parents=True, exist_ok=True)
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        checkpoint = find_checkpoint(Path(folder))
        with running_page(checkpoint, wait=False) as address:
            _visit(browser, address, out / "study-loading.png", DESKTOP, [])
        with running_page(checkpoint) as address:
            for scheme in ("light", "dark"):
                dress = {**DESKTOP, "color_scheme": scheme}
                _visit(browser, address, out / f"study-{scheme}.png", dress, [_open_phantom, _ask, _settle])
            _visit(browser, address, out / "study-phone.png", PHONE, [_open_phantom, _ask, _settle])
            _visit(browser, address, out / "study-patch.png", DESKTOP, [_ask, _click_patch, _settle], full=True)
            _visit(browser, address, out / "study-report.png", DESKTOP, [_read_report, _settle], full=True)
            _visit(browser, address, out / "study-error.png", DESKTOP, [_ask, _open_letter])
            _visit(browser, address, out / "about.png", DESKTOP, [_about], full=True)
        browser.close()


def _visit(browser: Any, address: str, path: Path, dress: dict[str, Any], acts: list[Any], full: bool = False) -> None:
    context = browser.new_context(**dress)
    page = context.new_page()
    page.goto(address)
    page.get_by_label("Ask in words").wait_for()
    page.wait_for_timeout(1500)
    for act in acts:
        act(page)
    page.screenshot(path=path, full_page=full)
    context.close()
    print(path)


def _ask(page: Any) -> None:
    page.locator("#egma-findings details").first.wait_for()
    page.get_by_label("Ask in words").fill(PHRASES)
    page.get_by_label("Ask in words").press("Enter")
    page.locator("#egma-viewer .egv-layers li").nth(1).wait_for()


def _open_phantom(page: Any) -> None:
    page.locator("#egma-examples input").click()
    page.get_by_role("option", name=PHANTOM).click()
    page.locator("#egma-film .egma-title").get_by_text(PHANTOM).wait_for()
    page.locator("#egma-findings details").first.wait_for()


def _settle(page: Any) -> None:
    page.wait_for_timeout(900)


def _click_patch(page: Any) -> None:
    box = page.locator("#egma-viewer canvas").bounding_box()
    page.locator("#egma-viewer canvas").click(position={"x": box["width"] * 0.6, "y": box["height"] * 0.6})
    page.locator("#egma-patch table").first.wait_for()


def _read_report(page: Any) -> None:
    page.locator("#egma-findings details").first.wait_for()
    page.get_by_role("button", name="Step through a report").click()
    page.get_by_label("Report", exact=True).fill(
        "FINDINGS: Multiple rounded masses in both lungs. The heart is not enlarged. No pleural effusion. "
        "IMPRESSION: Lung masses, suspicious for metastases."
    )
    page.get_by_role("button", name="Read sentence by sentence").click()
    page.locator("#egma-sentences li").nth(3).wait_for()


def _open_letter(page: Any) -> None:
    letter = {"name": "letter.dcm", "mimeType": "application/dicom", "buffer": b"Dear colleague, " * 99}
    page.set_input_files("input[type=file]", letter)
    page.get_by_test_id("toast-body").first.wait_for()
    page.wait_for_timeout(600)


def _about(page: Any) -> None:
    page.get_by_role("tab", name="About").click()
    page.wait_for_timeout(600)


if __name__ == "__main__":
    main()
