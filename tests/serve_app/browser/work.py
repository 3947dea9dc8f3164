"""What people do in the studio, and what goes wrong meanwhile."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.coordinator.sliced_recording import FIRST, THIRD
from tests.serve_app.browser.conftest import NewPage
from tests.serve_app.browser.studio import Studio

SAMPLE = Path("samples/LJ001-0001.flac")
KIND = "[data-clip]"


def texts(studio: Studio, task: str) -> dict[str, str]:
    with studio.client as client:
        return {row.clip: row.text for row in client.transcripts(task)}


def clips(page: Page) -> list[str]:
    return page.locator(KIND).evaluate_all("rows => rows.map((row) => row.dataset.clip)")


def test_a_new_voice_says_which_base_it_gets_and_takes_recordings(
    studio: Studio, page: Page
) -> None:
    page.goto(studio.url)
    page.locator("#new").click()
    page.get_by_label("Name", exact=True).fill("小安 / calm")
    page.get_by_label("Language of the recordings").select_option("en")
    page.locator("#create").click()
    expect(page.locator("#told-base")).to_contain_text("mini")
    page.locator("#told-on").click()
    page.locator("#upload").set_input_files(SAMPLE)
    expect(page.locator(".recordings tbody tr")).to_contain_text("9.7 s")
    expect(page.locator("#total")).to_contain_text("One minute works")
    expect(page.locator("#prepare")).to_be_disabled()
    page.locator("#consent").check()
    page.locator("#prepare").click()
    expect(page.locator("#task-status")).to_contain_text("waiting")
    expect(page).to_have_title("0 % · 小安 / calm · GPT-SoVITS Studio")


def test_what_is_no_sound_is_refused_at_once(studio: Studio, page: Page, tmp_path: Path) -> None:
    task = studio.new()
    fake = tmp_path / "song.mp3"
    fake.write_text("this is a letter and no song" * 10)
    page.goto(studio.at(task, "recordings"))
    page.locator("#upload").set_input_files(fake)
    expect(page.locator(".queue [role=alert]")).to_contain_text("no sound")
    with studio.client as client:
        assert [file for file in client.files(task) if file.kind == "input"] == []


def test_the_microphone_makes_a_recording(studio: Studio, new_page: NewPage) -> None:
    page = new_page(permissions=["microphone"])
    page.goto(studio.at(studio.new(), "recordings"))
    page.locator("#record").click()
    expect(page.locator(".recorder [role=status]")).to_contain_text("1.")
    page.locator("#record").click()
    expect(page.locator(".recordings tbody tr")).to_contain_text("recording")


def test_replacing_in_all_texts_is_taken_back_by_one_undo(studio: Studio, page: Page) -> None:
    task = studio.prepared()
    page.goto(studio.at(task, "review"))
    page.get_by_role("button", name="Find and replace").click()
    page.locator("#replace-find").fill("aaaaaaaaaa")
    page.locator("#replace-by").fill("b")
    expect(page.get_by_role("dialog")).to_contain_text("3 texts would change")
    page.get_by_role("button", name="Replace all").click()
    expect(page.get_by_role("dialog")).to_contain_text("3 changed")
    assert set(texts(studio, task).values()) == {"bbb"}
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".clip .text").first).to_contain_text("aaa")
    assert set(texts(studio, task).values()) == {"a" * 30}


def test_nothing_typed_is_lost_by_a_reload(studio: Studio, page: Page) -> None:
    task = studio.prepared()
    page.goto(studio.at(task, "review"))
    page.locator(".clip .text").first.click()
    expect(page.locator("textarea")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("half a sent")
    page.reload()
    expect(page.locator(".clip .text").first).to_contain_text("half a sent")
    expect(page.locator(".clip .text").first).to_contain_text("not saved yet")


def test_another_persons_edit_is_shown_beside_mine(studio: Studio, page: Page) -> None:
    task = studio.prepared()
    page.goto(studio.at(task, "review"))
    expect(page.locator(".clip")).to_have_count(3)
    clip = clips(page)[0]
    page.route("**/events/stream", lambda route: route.abort())  # this page has not heard of it
    page.locator(".clip .text").first.click()
    page.keyboard.press("Control+a")
    page.keyboard.type("mine")
    with studio.client as client:
        client.edit_transcript(task, clip, text="theirs")
    page.keyboard.press("Enter")
    row = page.locator(KIND).first
    expect(row.locator("[role=alert]")).to_contain_text("theirs")
    row.get_by_role("button", name="Use mine").click()
    expect(row.locator("[role=alert]")).to_have_count(0)
    assert texts(studio, task)[clip] == "mine"


def test_a_reload_of_a_running_voice_never_shows_it_as_idle(studio: Studio, page: Page) -> None:
    task = studio.prepared()
    studio.coordinator.plan(task, "extract_text_features")
    studio.coordinator.begin(task)
    page.goto(studio.at(task, "train"))
    expect(page.locator("#cancel")).to_be_visible()
    page.add_init_script(
        """new MutationObserver(() => {
          const start = document.getElementById('train');
          if (start && !start.disabled) window.wasIdle = true;
        }).observe(document, { childList: true, subtree: true, attributes: true });"""
    )
    page.reload()
    expect(page.locator("#cancel")).to_be_visible()
    page.wait_for_timeout(800)
    assert not page.evaluate("window.wasIdle")


# Keeps what the page would show; and the tab is one that nobody looks at.
_NOTIFICATIONS = """
  window.shown = [];
  window.Notification = class {
    static permission = "granted";
    constructor(title) { window.shown.push(title); }
  };
  Object.defineProperty(document, "hidden", { get: () => true });
"""


def test_the_end_of_a_run_is_told_to_somebody_who_looks_elsewhere(
    studio: Studio, page: Page
) -> None:
    task = studio.prepared()
    studio.coordinator.plan(task, "extract_text_features")
    run = studio.coordinator.begin(task)
    page.add_init_script(_NOTIFICATIONS)
    page.goto(studio.at(task, "train"))
    expect(page).to_have_title(re.compile(r"^\d+ % · Anna, calm"))
    assert page.evaluate("window.shown") == []
    studio.coordinator.end(run)
    expect(page).to_have_title(re.compile("^Anna, calm"))
    assert page.evaluate("window.shown") == ["Anna, calm is done"]


def test_a_reload_asks_first_while_a_file_is_under_way(studio: Studio, page: Page) -> None:
    page.goto(studio.at(studio.new(), "recordings"))
    page.route("**/files/upload", lambda route: None)  # never answered
    page.locator("#upload").set_input_files(SAMPLE)
    expect(page.locator(".queue progress")).to_be_visible()
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    page.reload()
    assert asked == ["beforeunload"]


def test_a_deleted_voice_can_be_had_back_also_from_another_page(
    studio: Studio, page: Page, new_page: NewPage
) -> None:
    task = studio.new()
    page.goto(studio.at(task, "recordings"))
    page.get_by_role("button", name="Delete: Anna, calm").click()
    expect(page.locator(".card.deleted")).to_contain_text("Gone with all its files in")
    page.close()
    other = new_page()
    other.goto(studio.url)
    other.get_by_role("button", name="Undo: Anna, calm").click()
    expect(other.locator(".card h2 a")).to_have_text("Anna, calm")
    with studio.client as client:
        assert client.task(task).status == "created"


def test_a_voice_gets_another_name(studio: Studio, page: Page) -> None:
    task = studio.new()
    page.goto(studio.url)
    page.get_by_role("button", name="Rename: Anna, calm").click()
    page.get_by_role("textbox", name="Name").fill("Berta")
    page.keyboard.press("Enter")
    expect(page.locator(f"[data-task='{task}'] h2")).to_have_text("Berta")


def test_a_service_with_a_key_asks_for_it(make_client, new_page: NewPage, coordinator) -> None:
    from benchmarks.local_server import serving

    key = "0123456789abcdef0123"
    with serving(make_client(api_key=key).app) as url:
        page = new_page()
        page.goto(url)
        page.locator("#key").fill(key)
        page.keyboard.press("Enter")
        expect(page.locator(".welcome")).to_be_visible()


def click_into_the_sound(page: Page) -> None:
    expect(page.locator(".wave .play")).to_be_enabled()
    page.locator(".wave .canvas").click(position={"x": 200, "y": 20})


def test_a_clip_is_split_where_the_sound_stands_merged_and_taken_back(
    studio: Studio, page: Page
) -> None:
    task = studio.sliced()
    before = texts(studio, task)
    page.goto(studio.at(task, "review"))
    page.locator(f'[data-clip="{FIRST}"] .text').click()
    page.get_by_role("button", name="Split here").click()
    expect(page.locator(".cutting [role=alert]")).to_contain_text("Click into the sound")
    click_into_the_sound(page)
    page.get_by_role("button", name="Split here").click()
    expect(page.locator(KIND)).to_have_count(4)
    assert sorted(texts(studio, task).values()) == ["Five six.", "One", "Three four.", "two."]
    expect(page.locator("#cuts-waiting")).to_contain_text("Cut by hand: 2.")
    expect(page.locator(".clip.selected")).to_contain_text("Its sound is cut when")
    page.get_by_role("button", name="Merge with the next").click()
    expect(page.locator(KIND)).to_have_count(3)
    assert texts(studio, task) == before
    for _ in range(2):
        page.get_by_role("button", name="Undo").click()
    expect(page.locator(KIND)).to_have_count(3)
    assert texts(studio, task) == before

    page.locator(f'[data-clip="{THIRD}"] .text').click()
    click_into_the_sound(page)
    page.get_by_role("button", name="End here").click()
    expect(page.locator("#cuts-waiting")).to_contain_text("Cut by hand: 1.")
    page.locator("#cut-now").click()
    expect(page.locator("#task-status")).to_contain_text("waiting")
    expect(page.locator("#cuts-waiting")).to_have_count(0)
