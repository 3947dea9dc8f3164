"""The few tests in a browser that every run of the suite makes, a minute at most: where most would
break. All the others, in the files beside this one, are `make test-browser`."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import Page, expect

from ray_pipeline.core.task import EventKind
from tests.serve_app.browser.conftest import NewPage
from tests.serve_app.browser.studio import Studio
from tests.serve_app.browser.views import SECTIONS, violations
from tests.serve_app.browser.work import clips, texts

pytestmark = pytest.mark.slow


def test_every_view_is_there_without_violations(studio: Studio, new_page: NewPage) -> None:
    task = studio.trained()
    page = new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page.goto(studio.url)
    expect(page.locator(".card .sample")).to_be_visible()
    assert violations(page) == []
    for section, landmark in SECTIONS.items():
        page.goto(studio.at(task, section))
        expect(page.locator(landmark).first).to_be_visible()
    assert violations(page) == []


def test_texts_are_corrected_by_the_keyboard_alone(studio: Studio, page: Page) -> None:
    task = studio.prepared()
    page.goto(studio.at(task, "review"))
    expect(page.locator("#report-summary")).to_be_visible(timeout=30_000)
    order = clips(page)
    page.keyboard.press("j")
    for number in range(2):
        page.keyboard.press("Enter") if number == 0 else None
        expect(page.locator("textarea")).to_be_focused()
        page.keyboard.press("Control+a")
        page.keyboard.type(f"Text number {number}.")
        page.keyboard.press("Enter")
    # Enter has saved, gone on to the next row, and kept the focus in its text.
    expect(page.locator(".clip.selected")).to_have_attribute("data-clip", order[2])
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("x")
    expect(page.locator(".clip.selected")).to_have_class("clip selected excluded")
    saved = texts(studio, task)
    assert [saved[clip] for clip in order[:2]] == ["Text number 0.", "Text number 1."]
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(page.locator("#saving")).to_have_text("")
    expect(page.locator(".clip.excluded")).to_have_count(0)
    assert texts(studio, task)[order[1]] == "a" * 30
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Undo", ignore_case=True)
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert clips(page) == order


def test_a_service_that_is_gone_is_not_shown_as_running(mortal: Studio, page: Page) -> None:
    task = mortal.prepared()
    mortal.coordinator.plan(task, "extract_text_features")
    run = mortal.coordinator.begin(task)
    mortal.coordinator.report(run, EventKind.PROGRESS, done=1, total=4, fraction=0.25, message="")
    page.goto(mortal.at(task, "review"))
    expect(page.locator("#task-status")).to_contain_text("running")
    page.locator(".clip .text").first.click()
    mortal.stop()
    expect(page.locator("#connection")).to_contain_text("not reachable")
    expect(page.locator("#task-status")).to_contain_text("unknown")
    expect(page.locator("#gone")).to_contain_text("nothing you typed is lost")
    page.locator("textarea").fill("written while nobody was there")
    page.keyboard.press("Enter")
    expect(page.locator(".clip [role=alert]").first).to_contain_text("kept in this browser")
    mortal.start()
    mortal.coordinator.end(run)
    expect(page.locator("#connection")).to_contain_text("connected")
    expect(page.locator("#task-status")).to_contain_text("ready to go on")
    expect(page.locator(".clip [role=alert]")).to_have_count(0)
    assert "written while nobody was there" in texts(mortal, task).values()


def test_a_voice_that_refuses_to_be_deleted_stays_open_and_says_why(
    studio: Studio, page: Page
) -> None:
    task = studio.new()
    page.goto(studio.at(task, "recordings"))
    refusal = {"code": "task_busy", "message": "The task is still busy.", "status": 409}
    page.route(
        f"**/api/v1/task/{task}?*",
        lambda route: (
            route.fulfill(status=409, body=json.dumps(refusal))
            if route.request.method == "DELETE"
            else route.fallback()
        ),
    )
    page.get_by_role("button", name="Delete: Anna, calm").click()
    expect(page.locator(".head [role=alert]")).to_contain_text("still busy")
    expect(page.locator("#task-title")).to_have_text("Anna, calm")


def test_two_attempts_are_two_lines_with_axes(studio: Studio, page: Page) -> None:
    task = studio.trained()
    page.goto(studio.at(task, "train"))
    plot = page.locator(".plot", has_text="sovits/loss_mel")
    expect(plot.locator(".u-legend .u-series")).to_have_count(3)  # x and two attempts
    expect(plot.locator(".u-axis").first).to_be_attached()
