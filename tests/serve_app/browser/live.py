"""A voice of the library is heard in the browser while it speaks: the real engine, base mini."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from ray_pipeline.core.voices import VoiceRecord
from tests.serve_app.browser.studio import Studio
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.serve_app.speech.conftest import MakeUrl, anna, mini, serve  # noqa: F401


def test_a_voice_of_the_library_is_heard_while_it_speaks(
    serve: MakeUrl,  # noqa: F811
    anna: VoiceRecord,  # noqa: F811
    coordinator: LocalCoordinator,
    page: Page,
) -> None:
    url, _ = serve()
    studio = Studio(url, coordinator)
    page.goto(studio.at(studio.new(), "speak"))
    page.locator("#speak-text").fill("Good morning. This is said while it is made.")
    page.locator("#speak-live").click()
    expect(page.locator("#live-told")).to_contain_text("first sound after")
    expect(page.locator("#live-save")).to_be_visible()
    with page.expect_download() as download:
        page.locator("#live-save").click()
    content = Path(download.value.path()).read_bytes()
    assert content[:4] == b"RIFF"
    assert len(content) > 24_000  # half a second at least
    assert any(content[44:])
