"""A new user, on the page alone, from nothing to a sentence spoken by their voice: the real service
with its cluster, on the small base. Minutes of work, so it is part of `make test-browser` only.

With PICTURES=folder in the environment it keeps a picture of each view (docs/pictures).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running_service import running_service
from serve_app.client import Client
from tests.serve_app.browser.conftest import NewPage

SAMPLES = sorted((Path(__file__).parents[3] / "samples").glob("*.flac"))
HOUR = 3_600_000
TEXT = "This is my new voice. Do you like the way it sounds?"


@pytest.fixture
def url() -> Iterator[str]:
    with running_service() as service:
        yield service.url


def picture(page: Page, name: str) -> None:
    folder = os.environ.get("PICTURES")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_from_nothing_to_a_sentence_on_the_page_alone(url: str, new_page: NewPage) -> None:
    page = new_page(viewport={"width": 1280, "height": 860})
    page.goto(url)
    expect(page.locator(".welcome")).to_be_visible()
    page.locator("#new").click()
    page.get_by_label("Name", exact=True).fill("Linda, reading")
    page.locator("#create").click()
    page.locator("#told-on").click()

    # 1: recordings
    page.locator("#upload").set_input_files(SAMPLES)
    expect(page.locator(".recordings tbody tr")).to_have_count(len(SAMPLES), timeout=HOUR)
    expect(page.locator("#total")).to_contain_text("min", timeout=60_000)
    page.locator("#consent").check()
    picture(page, "studio-recordings")
    page.locator("#prepare").click()
    expect(page.locator("#to-review")).to_be_visible(timeout=HOUR)

    # 2: review, by the keyboard
    page.locator("#to-review").click()
    expect(page.locator("#report-summary")).to_be_visible(timeout=HOUR)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("textarea")).to_be_focused()
    expect(page.locator(".wave .play")).to_be_enabled()
    picture(page, "studio-review")
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")

    # 3: train
    page.get_by_role("link", name="Go on to training").click()
    expect(page.locator("#plan")).to_contain_text("mini")
    page.locator("#train").click()
    expect(page.locator(".plot canvas").first).to_be_visible(timeout=HOUR)
    page.locator("#stages").scroll_into_view_if_needed()
    picture(page, "studio-train")
    expect(page.locator("#task-status")).to_contain_text("ready to speak", timeout=HOUR)

    # 4: speak
    page.locator("#to-speak").click()
    expect(page.locator(".spoken li")).to_have_count(1)
    page.locator("#speak-text").fill(TEXT)
    page.locator("#speak").click()
    expect(page.locator(".spoken li").first).to_contain_text(TEXT, timeout=HOUR)
    page.locator(".spoken .play").first.click()
    expect(page.locator(".spoken .play.on")).to_have_count(1)
    picture(page, "studio-speak")

    # 5: the voice as a file
    page.get_by_role("link", name="Files and log").click()
    with page.expect_download() as download:
        page.locator("#download-voice").click()
    assert download.value.suggested_filename.endswith("-voice.zip")
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"
    page.goto(url)
    expect(page.locator(".card .grade")).to_be_visible()
    picture(page, "studio-home")
    with Client(url) as client:
        assert [task.status for task in client.tasks()] == ["completed"]
