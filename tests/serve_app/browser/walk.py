"""Ways through the page: by its address, back and forward, from voice to voice, in its windows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from ray_pipeline.core.voices import VoiceRecord
from tests.coordinator.sliced_recording import FIRST
from tests.library.voice_files import recording
from tests.serve_app.browser.conftest import NewPage
from tests.serve_app.browser.studio import Studio
from tests.serve_app.browser.views import SECTIONS, violations, words_in_english
from tests.serve_app.speech.conftest import MakeUrl, anna, mini, serve  # noqa: F401
from tests.serve_app.speech.test_books import TEXT as BOOK
from tests.serve_app.speech.test_books import Bridge, speaker  # noqa: F401


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


def focus(page: Page, name: str, most: int = 60) -> None:
    """Press Tab until something with this name or words has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        said = page.evaluate(
            "(() => { const on = document.activeElement; return on === document.body ? ''"
            " : `${on.getAttribute('aria-label') ?? ''} ${on.textContent} ${on.id}`; })()"
        )
        if re.search(name, said):
            return
    raise AssertionError(f"Tab does not lead to {name}")


def test_a_voice_is_made_and_shown_by_the_keyboard_alone(studio: Studio, page: Page) -> None:
    page.goto(studio.url)
    expect(page.locator(".welcome")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    focus(page, "New voice")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Name", exact=True)).to_be_focused()
    page.keyboard.type("Berta")
    focus(page, "create$")
    page.keyboard.press("Enter")
    expect(page.locator("#told-on")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#task-title")).to_have_text("Berta")
    focus(page, "Choose files")
    focus(page, "consent$")
    page.keyboard.press("Space")
    expect(page.locator("#consent")).to_be_checked()
    focus(page, "All voices|Voices")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Berta")).to_be_visible()
    focus(page, "Rename: Berta")
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Name")).to_be_focused()
    page.keyboard.press("Escape")
    focus(page, "Delete: Berta")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Undo: Berta")).to_be_visible()


def hold_to_all(page: Page, words: bool) -> None:
    assert violations(page) == []
    if words:
        assert words_in_english(page) == []


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_every_window_of_a_voice_is_there_for_everybody(
    studio: Studio, new_page: NewPage, locale: str
) -> None:
    page, chinese = new_page(locale=locale), locale.startswith("zh")
    page.goto(studio.url)
    expect(page.locator(".welcome")).to_be_visible()
    hold_to_all(page, chinese)
    page.locator("#new").click()
    page.get_by_role("dialog").locator("summary").click()
    hold_to_all(page, chinese)
    page.keyboard.press("Escape")
    page.goto(studio.at(studio.sliced(), "review"))
    expect(page.locator("#report-summary")).to_be_visible()
    page.locator(f'[data-clip="{FIRST}"] .text').click()
    expect(page.locator(".cutting")).to_be_visible()
    hold_to_all(page, chinese)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    hold_to_all(page, chinese)
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("Find and replace|查找替换")).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    hold_to_all(page, chinese)
    page.goto(studio.at("gone"))
    expect(page.locator("main .panel.narrow h1")).to_be_visible()
    expect(page).to_have_url(studio.at("gone"))  # not sent on as the voice before it was
    hold_to_all(page, chinese)


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_the_library_with_all_its_windows_is_there_for_everybody(
    serve: MakeUrl,  # noqa: F811
    anna: VoiceRecord,  # noqa: F811
    speaker: Bridge,  # noqa: F811
    new_page: NewPage,
    tmp_path: Path,
    locale: str,
) -> None:
    url, _ = serve()
    page, chinese = new_page(locale=locale), locale.startswith("zh")
    page.goto(f"{url}/#/library")
    card = page.locator("[data-voice=anna]")
    expect(card).to_be_visible()
    page.locator("#book-text").fill(BOOK)
    page.locator("#book-title").fill("A tale")
    page.locator("#book-start").click()
    book = page.locator("[data-book='A tale']")
    expect(book.locator(".badge")).to_have_text(re.compile("^(done|完成)$"))
    book.locator("summary").click()
    page.locator("#library-text").fill("Good morning.")
    hold_to_all(page, chinese)
    card.get_by_role("button", name=re.compile("^(Versions|版本)")).click()
    expect(page.locator("#versions tbody tr")).to_have_count(1)
    hold_to_all(page, chinese)
    page.keyboard.press("Escape")
    for name in ("Take out of use|停用", "Delete|删除"):
        card.get_by_role("button", name=re.compile(f"^({name}): anna")).click()
        expect(page.get_by_role("dialog")).to_be_visible()
        hold_to_all(page, chinese)
        page.keyboard.press("Escape")
    page.locator("#import").click()
    page.locator("#import-files").set_input_files(recording(tmp_path, "carla.flac"))
    expect(page.locator("#import-kind")).to_be_visible()
    hold_to_all(page, chinese)
