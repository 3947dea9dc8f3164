"""The studio in a real browser, on real routes with a real coordinator; no Ray.

Whatever a script throws, logs as an error or is refused by the content policy fails the test.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from benchmarks.local_server import serving
from tests.serve_app.browser.chromium import VARIABLE, chromium
from tests.serve_app.browser.studio import Studio
from tests.serve_app.conftest import MakeClient
from tests.serve_app.local_coordinator import LocalCoordinator

pytest.importorskip("playwright", reason="Playwright is not installed: pip install playwright")

from playwright.sync_api import Browser, Page, expect, sync_playwright

# A machine may have much else to do; what is there at once does not wait for it.
_PATIENCE_MS = 60_000
expect.set_options(timeout=_PATIENCE_MS)

# What a browser says of itself when a service is gone or answers with a refusal.
_EXPECTED = ("net::ERR_", "the server responded with a status of")


# Not for the session: Playwright holds an event loop, beside which no other can run.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = chromium()
    if path is None:
        pytest.skip(f"there is no Chromium: install one, or name it in {VARIABLE}")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
        microphone = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
        found = playwright.chromium.launch(
            executable_path=path, args=arguments + microphone, headless=True
        )
        yield found
        found.close()


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    contexts, problems = [], []

    def hear(message: Any) -> None:
        expected = any(word in message.text for word in _EXPECTED)
        # Without an address: a script that a test brought (axe), which is no part of the page.
        if message.type == "error" and message.location["url"] and not expected:
            problems.append(message.text)

    def make(**options: Any) -> Page:
        wanted = {"viewport": {"width": 1280, "height": 900}, "locale": "en-GB", **options}
        context = browser.new_context(**wanted)
        context.set_default_timeout(_PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: problems.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def page(new_page: NewPage) -> Page:
    return new_page()


@pytest.fixture
def studio(make_client: MakeClient, coordinator: LocalCoordinator) -> Iterator[Studio]:
    app = make_client().app
    with serving(app) as url:
        yield Studio(url, coordinator)


@pytest.fixture
def mortal(make_client: MakeClient, coordinator: LocalCoordinator) -> Iterator[Studio]:
    """A studio whose service a test can stop and start again on the same port."""
    app = make_client().app
    studio = Studio("", coordinator, serve=lambda port: serving(app, port))
    studio.start()
    yield studio
    studio.stop()
