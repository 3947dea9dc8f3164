"""The library on the page: a voice from files, its versions, out of use, listening blind."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.speaking.order import Part, SpeechOrder
from tests.library.voice_files import TEXT, mini_pair, nano_pair, recording
from tests.serve_app.browser.conftest import NewPage
from tests.serve_app.browser.studio import Studio
from tests.serve_app.browser.views import violations, words_in_english
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.serve_app.speech.conftest import MakeUrl, anna, mini, serve  # noqa: F401
from tests.serve_app.speech.test_books import TEXT as BOOK
from tests.serve_app.speech.test_books import Bridge, speaker  # noqa: F401
from tests.speaking.conftest import mini_files


def card(page: Page, name: str):  # type: ignore[no-untyped-def]
    return page.locator(f"[data-voice='{name}']")


def test_files_of_gpt_sovits_become_a_voice_with_versions(
    studio: Studio, page: Page, tmp_path: Path
) -> None:
    gpt, sovits = nano_pair(tmp_path / "pair")
    page.goto(f"{studio.url}/#/library")
    page.locator("#import").click()
    dialog = page.get_by_role("dialog")
    dialog.locator("#import-files").set_input_files([gpt])
    expect(dialog).to_contain_text("two files")
    expect(dialog.locator("#import-keep")).to_be_disabled()
    dialog.locator("#import-files").set_input_files([sovits, recording(tmp_path)])
    expect(dialog.locator("#import-kind")).to_contain_text("trained elsewhere")
    dialog.get_by_label("What is said in it").fill(TEXT)
    dialog.locator("#import-name").fill("bert")
    dialog.get_by_label("Whose voice it is").fill("Bert")
    assert violations(page) == []
    dialog.locator("#import-agreed").check()
    dialog.locator("#import-keep").click()
    expect(card(page, "bert")).to_contain_text("version 1")
    expect(card(page, "bert")).to_contain_text("nano")
    expect(card(page, "bert").get_by_role("button", name="Play: bert: default")).to_be_visible()

    # Another version, by a recording alone; it speaks, and the first one is had back.
    card(page, "bert").get_by_role("button", name="Versions: bert").click()
    page.locator("#add-version").click()
    page.locator("#import-files").set_input_files(recording(tmp_path, "happy.flac"))
    expect(page.locator("#import-kind")).to_contain_text("moods")
    page.get_by_label("Note").fill("with a mood")
    page.locator("#import-keep").click()
    expect(card(page, "bert")).to_contain_text("version 2")
    expect(card(page, "bert")).to_contain_text("happy")
    card(page, "bert").get_by_role("button", name="Versions: bert").click()
    expect(page.locator("#versions tbody tr")).to_have_count(2)
    page.locator("#rollback").click()
    expect(page.locator("#versions tr.chosen")).to_contain_text("1")
    expect(card(page, "bert")).to_contain_text("version 1")
    page.get_by_role("button", name="Let it speak: 2").click()
    expect(page.locator("#versions tr.chosen")).to_contain_text("with a mood")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download: 2").click()
    assert Path(download.value.path()).read_bytes()[:2] == b"PK"

    # What was downloaded is a voice again.
    archive = tmp_path / "bert.zip"
    download.value.save_as(archive)
    page.keyboard.press("Escape")
    page.locator("#import").click()
    page.locator("#import-files").set_input_files(archive)
    page.locator("#import-name").fill("berta")
    page.locator("#import-agreed").check()
    page.locator("#import-keep").click()
    expect(card(page, "berta")).to_contain_text("happy")


def test_a_kept_voice_is_renamed_taken_out_of_use_and_deleted(
    studio: Studio, page: Page, tmp_path: Path
) -> None:
    files = [("file", (path.name, path.read_bytes())) for path in mini_pair(tmp_path / "pair")]
    answer = httpx.post(f"{studio.url}/api/v1/voices", data={"name": "amy"}, files=files)
    assert answer.status_code == 200, answer.text
    page.goto(f"{studio.url}/#/library")
    expect(card(page, "amy")).to_contain_text("Nobody has said who agreed.")
    card(page, "amy").get_by_role("button", name="Rename: amy").click()
    page.get_by_role("textbox", name="Name").fill("eve")
    page.keyboard.press("Enter")
    expect(card(page, "eve").locator("h2")).to_have_text("eve")
    card(page, "eve").get_by_role("button", name="Take out of use: eve").click()
    expect(page.locator("#takedown")).to_be_disabled()
    page.locator("#takedown-reason").fill("She withdrew her consent.")
    page.locator("#takedown").click()
    expect(card(page, "eve")).to_contain_text("She withdrew her consent.")
    order = {"model": "tts-1", "voice": "eve", "input": "Hi."}
    assert httpx.post(f"{studio.url}/v1/audio/speech", json=order).status_code == 410
    card(page, "eve").get_by_role("button", name="Back in use").click()
    expect(card(page, "eve").get_by_role("button", name="Speak: eve")).to_be_visible()
    card(page, "eve").get_by_role("button", name="Delete: eve").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(card(page, "eve")).to_have_count(0)
    assert httpx.get(f"{studio.url}/api/v1/voices").json() == {"voices": []}


def test_a_recording_alone_says_which_base_it_needs(
    studio: Studio, new_page: NewPage, tmp_path: Path
) -> None:
    page = new_page(locale="zh-CN", color_scheme="dark", viewport={"width": 360, "height": 740})
    page.goto(f"{studio.url}/#/library")
    page.locator("#import").click()
    page.locator("#import-files").set_input_files(recording(tmp_path, "carla.flac"))
    expect(page.locator("#import-kind")).to_contain_text("模仿")
    page.locator("#import-agreed").check()
    assert violations(page) == []
    assert words_in_english(page) == []
    page.locator("#import-keep").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("v2ProPlus")
    expect(page.locator("#import-name")).to_have_value("carla")  # what was typed is still there
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_two_versions_are_told_apart_only_after_the_choice(
    serve: MakeUrl,  # noqa: F811
    anna: VoiceRecord,  # noqa: F811
    page: Page,
    tmp_path: Path,
) -> None:
    url, _ = serve()
    second = mini_files(tmp_path, 1)
    paths = (second.gpt_path, second.sovits_path)
    files = [("file", (path.name, path.read_bytes())) for path in paths]
    answer = httpx.post(f"{url}/api/v1/voices/anna/versions", files=files)
    assert answer.status_code == 200, answer.text
    page.goto(f"{url}/#/library")
    page.locator("#library-text").fill("Good morning.")
    expect(page.locator("#live-mood option")).to_have_count(3)
    page.locator("#blind").click()
    blind = page.locator(".blind")
    better = blind.get_by_role("button", name="X is better")
    expect(better).to_be_disabled()
    for which in "XY":
        blind.locator(".sound", has_text=which).click()
        expect(blind.locator(".sound[aria-busy=true]")).to_have_count(0)
    assert "version" not in blind.locator(".sound").first.inner_text()
    better.click()
    said = blind.locator(".sound").all_inner_texts()
    assert sorted(text[-1] for text in said) == ["1", "2"]
    expect(blind.get_by_role("status").first).to_contain_text(f"version {said[0][-1]}: 1")


def test_a_long_text_becomes_a_file_with_chapters_and_subtitles(
    serve: MakeUrl,  # noqa: F811
    speaker: Bridge,  # noqa: F811
    page: Page,
    tmp_path: Path,
) -> None:
    url, _ = serve()
    (tmp_path / "A tale.txt").write_text(BOOK)
    page.goto(f"{url}/#/library")
    page.locator("#book-file").set_input_files(tmp_path / "A tale.txt")
    expect(page.locator("#book-title")).to_have_value("A tale")
    page.locator("#book-start").click()
    book = page.locator("[data-book='A tale']")
    expect(book.locator(".badge")).to_have_text("done")
    with page.expect_download() as download:
        book.get_by_role("button", name="Download: A tale", exact=True).click()
    assert download.value.suggested_filename == "A tale.mp3"
    assert Path(download.value.path()).stat().st_size > 1000
    with page.expect_download() as download:
        book.get_by_role("button", name="Subtitles: A tale", exact=True).click()
    assert "Nobody came." in Path(download.value.path()).read_text("utf-8")
    book.locator("summary").click()
    expect(book.get_by_role("button", name="Download: A tale, Two")).to_be_visible()
    assert violations(page) == []
    book.get_by_role("button", name="Delete: A tale").click()
    expect(book).to_have_count(0)


def test_a_long_text_is_heard_while_the_rest_is_being_made(
    serve: MakeUrl,  # noqa: F811
    speaker: Bridge,  # noqa: F811
    coordinator: LocalCoordinator,
    page: Page,
) -> None:
    rest_may_be_said = threading.Event()

    def held(order: SpeechOrder) -> Iterator[Part]:
        if order.text.startswith("Two"):
            rest_may_be_said.wait(60)
        yield from speaker(order)

    coordinator._parts.books._speak = held
    url, _ = serve()
    page.goto(f"{url}/#/library")
    page.locator("#book-text").fill(BOOK)
    page.locator("#book-title").fill("A tale")
    page.locator("#book-start").click()
    book = page.locator("[data-book='A tale']")
    listen = book.get_by_role("button", name="Listen: A tale", exact=True)
    listen.click()
    playing = book.get_by_role("status").nth(1)
    expect(playing).to_have_text("waits for part 3 of 3")  # the two before it were heard
    expect(book.locator(".badge")).to_have_text("speaking")
    assert violations(page) == []
    rest_may_be_said.set()
    expect(playing).to_have_text("part 3 of 3")
    expect(listen).to_be_visible()  # all of it was heard
    expect(book.get_by_role("alert")).to_have_count(0)
    # A chapter is begun with, and stopped.
    expect(book.locator(".badge")).to_have_text("done")
    book.locator("summary").click()
    book.get_by_role("button", name="Listen: A tale, One").click()
    expect(playing).to_have_text("part 2 of 3")
    book.get_by_role("button", name="Stop: A tale, One").click()
    expect(book.get_by_role("button", name="Listen: A tale, One")).to_be_visible()
