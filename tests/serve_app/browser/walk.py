"""Ways through the page: by its address, back and forward, from one voice to another."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.serve_app.browser.studio import Studio
from tests.serve_app.browser.views import SECTIONS


def test_back_and_forward_go_through_what_was_looked_at(studio: Studio, page: Page) -> None:
    task = studio.trained()
    page.goto(studio.url)
    page.get_by_role("link", name="Anna, calm").click()
    expect(page.locator(SECTIONS["speak"])).to_be_visible()
    for section in ("Train", "Files and log"):
        page.locator(".tabs").get_by_role("link", name=section).click()
    page.get_by_role("link", name="Library", exact=True).click()
    expect(page.get_by_role("heading", name="Library", level=1)).to_be_visible()
    for section in ("files", "train", "speak"):
        page.go_back()
        expect(page).to_have_url(studio.at(task, section))
        expect(page.locator(SECTIONS[section]).first).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Voices", level=1)).to_be_visible()
    expect(page).to_have_title("GPT-SoVITS Studio")
    page.go_forward()
    expect(page.locator("#task-title")).to_have_text("Anna, calm")
    page.reload()
    expect(page.locator(SECTIONS["speak"])).to_be_visible()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("#/voice/gone", "There is no such voice"),
        ("#/voice/%E0%A4%A", "There is no such voice"),  # cut short
        ("#/something", "New voice"),
    ],
)
def test_an_address_that_leads_nowhere_says_so(
    studio: Studio, page: Page, address: str, shown: str
) -> None:
    page.goto(f"{studio.url}/{address}")
    expect(page.locator("main")).to_contain_text(shown)


def test_a_section_that_is_none_opens_where_the_work_is(studio: Studio, page: Page) -> None:
    task = studio.prepared()
    page.goto(studio.at(task, "nonsense"))
    expect(page).to_have_url(studio.at(task, "review"))


def test_two_voices_do_not_mix(studio: Studio, page: Page) -> None:
    first, second = studio.prepared("First"), studio.trained("Second")
    for task, name, count in ((first, "First", 0), (second, "Second", 1), (first, "First", 0)):
        page.goto(studio.at(task, "speak"))
        expect(page.locator("#task-title")).to_have_text(name)
        expect(page.locator(".spoken li")).to_have_count(count)
        expect(page).to_have_title(f"{name} · GPT-SoVITS Studio")
