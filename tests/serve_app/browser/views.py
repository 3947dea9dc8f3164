"""Every view in two languages and both colours: nothing is missing, nothing shuts anybody out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.step_names import StepName
from tests.serve_app.browser.conftest import NewPage
from tests.serve_app.browser.studio import Studio

SECTIONS = {
    "recordings": "#drop",
    "review": ".clip",
    "train": "#plan",
    "speak": "#history",
    "files": "#log",
}
# What is said by the service in English only stands marked as such.
ENGLISH_SENTENCE = re.compile(r"[a-z]{3,} [a-z]{2,} [a-z]{2,}")


def violations(page: Page) -> list[str]:
    """Of the view as it is, and of its colours in the other scheme."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    is_dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    page.emulate_media(color_scheme="light" if is_dark else "dark")
    found += Axe().run(page, options={"runOnly": ["color-contrast"]}).response["violations"]
    page.emulate_media(color_scheme="dark" if is_dark else "light")
    return [f"{row['id']}: {node['html']}" for row in found for node in row["nodes"]]


def words_in_english(page: Page) -> list[str]:
    """Stretches of text without a mark that they are in another language."""
    texts = page.evaluate(
        """() => {
          const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          const found = [];
          while (walk.nextNode()) {
            const inside = walk.currentNode.parentElement;
            const other = '[lang]:not(html), code, pre, option, q, .text, script, svg';
            if (inside.closest(other) || !inside.checkVisibility()) continue;
            found.push(walk.currentNode.textContent);
          }
          return found;
        }"""
    )
    return [text for text in texts if ENGLISH_SENTENCE.search(re.sub("`[^`]*`", "", text))]


@pytest.mark.parametrize(
    ("locale", "colours"), [("en-GB", "light"), ("zh-CN", "dark")], ids=["english", "chinese"]
)
def test_every_view_is_there_for_everybody(
    studio: Studio, new_page: NewPage, locale: str, colours: str
) -> None:
    task = studio.trained()
    page = new_page(locale=locale, color_scheme=colours)
    page.goto(studio.url)
    expect(page.locator(".card .sample")).to_be_visible()
    assert violations(page) == []
    for section, landmark in SECTIONS.items():
        page.goto(studio.at(task, section))
        expect(page.locator(landmark).first).to_be_visible()
        expect(page.locator(".tabs a[aria-current=page]")).to_have_count(1)
        if section == "review":
            expect(page.locator("#report-summary")).to_be_visible(timeout=30_000)
            page.locator(".clip .text").first.click()
            expect(page.locator(".wave .play")).to_be_enabled()
        if section == "train":
            expect(page.locator(".plot canvas").first).to_be_visible()
            page.locator("#stages summary").last.click()
        assert violations(page) == [], section
        if locale.startswith("zh"):
            assert words_in_english(page) == [], section


def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    studio: Studio, new_page: NewPage
) -> None:
    task = studio.trained()
    page = new_page(viewport={"width": 360, "height": 740})
    for address in (studio.url, *(studio.at(task, section) for section in SECTIONS)):
        page.goto(address)
        page.wait_for_selector("h1")
        page.wait_for_timeout(300)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360, address


def test_a_switch_of_the_language_says_everything_anew(studio: Studio, page: Page) -> None:
    task = studio.trained()
    page.goto(studio.at(task, "speak"))
    expect(page.locator("#history h2")).to_have_text("Spoken")
    page.locator("#language").select_option("zh")
    expect(page.locator("#history h2")).to_have_text("已合成")
    page.locator("#language").select_option("en")
    expect(page.locator("#history h2")).to_have_text("Spoken")
    expect(page.locator("#history [aria-label^='Download']")).to_have_count(1)


def test_what_was_spoken_says_text_model_and_seed(studio: Studio, page: Page) -> None:
    page.goto(studio.at(studio.trained(), "speak"))
    row = page.locator(".spoken li")
    for part in ("Good morning, everyone.", "mini", "me_e13_s320", "1234"):
        expect(row).to_contain_text(part)


def test_a_plan_tells_before_the_start_what_mini_makes_of_epochs(
    studio: Studio, page: Page
) -> None:
    page.goto(studio.at(studio.prepared(), "train"))
    plan = page.locator("#plan")
    expect(plan).to_contain_text("mini")
    expect(plan).to_contain_text("320 steps")
    expect(plan).to_contain_text("not 50 epochs")
    page.get_by_role("button", name="Quick try").click()
    expect(plan).to_contain_text("80 steps")


def test_what_goes_wrong_is_said_in_chinese(studio: Studio, new_page: NewPage) -> None:
    task = studio.prepared()
    for step in list(StepName)[4:8]:
        studio.coordinator.do(task, step)
    studio.coordinator.plan(task, "train_sovits")
    error = StepFailed(
        "The training ran out of memory.", hint="Lower batch_size and run the step again."
    )
    studio.coordinator.end(studio.coordinator.begin(task), error=error.as_dict())
    page = new_page(locale="zh-CN")
    page.goto(studio.at(task, "train"))
    expect(page.locator("#task-error")).to_have_text(
        "训练音色（SoVITS） 训练时内存（显存）不足。请减小批次，再运行一次。"
    )
    assert words_in_english(page) == []
    page.goto(studio.url)
    expect(page.locator(".card .error")).to_contain_text("训练时内存（显存）不足。")
    assert words_in_english(page) == []
    page.goto(studio.at(studio.with_recording(base="v2ProPlus"), "train"))
    expect(page.locator("#plan .error")).to_contain_text("底模 v2ProPlus 不完整")
    assert words_in_english(page) == []
