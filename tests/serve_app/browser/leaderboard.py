"""Which exported epoch sounds best: what was measured, samples, two of them blind, the choice."""

from __future__ import annotations

import json
from dataclasses import replace

from playwright.sync_api import Page, expect

from ray_pipeline.core.selection import Sample
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.core.workspace import atomic_write
from tests.serve_app.browser.conftest import NewPage
from tests.serve_app.browser.studio import Studio
from tests.serve_app.browser.views import violations, words_in_english
from tests.serve_app.speech_task import CLIPS
from tests.serve_app.test_checkpoints import train

USE_FIRST = "Speak with this: Train the sound (SoVITS) 1"


def listened_to(studio: Studio) -> str:
    """A trained voice; somebody has listened to the first two of three epochs of its sound."""
    task = studio.trained()
    workspace = studio.workspace(task)
    trainings = Trainings(workspace)
    train(trainings, StepName.TRAIN_SOVITS, "a-1", [0.9, 0.5, 0.8])
    train(trainings, StepName.TRAIN_GPT, "b-1", [3.0, 2.0])
    folder = trainings.folder(StepName.TRAIN_SOVITS, "a-1")
    table = TrainingTable.load(folder)
    assert table is not None
    sound = (workspace.sliced / CLIPS[0]).read_bytes()
    rows = list(table.checkpoints)
    for place, (cer, likeness) in enumerate([(0.25, 0.71), (0.031, 0.83)]):
        sample = Sample(
            file=f"samples/{place}.wav",
            picture=f"samples/{place}.png",
            text="The boat came in.",
            language="en",
        )
        atomic_write(folder / sample.file, sound)
        atomic_write(folder / sample.picture, b"picture")
        judged = {"cer": cer, "likeness": likeness}
        rows[place] = replace(rows[place], judged=judged, samples=(sample,))
    replace(table, checkpoints=tuple(rows)).save(folder)
    return task


def test_checkpoints_are_heard_compared_blind_and_chosen(studio: Studio, page: Page) -> None:
    task = listened_to(studio)
    page.goto(studio.at(task, "train"))
    board = page.locator("#leaderboard .boards > div").first
    first, second, third = (board.locator("tbody tr").nth(place) for place in range(3))
    for part in ("25 %", "0.71"):
        expect(first).to_contain_text(part)
    for part in ("3 %", "0.83", "chosen"):
        expect(second).to_contain_text(part)
    expect(third.locator(".play")).to_have_count(0)
    first.locator(".play").click()
    expect(first.locator(".play.on")).to_have_count(1)
    for epoch in (1, 2):
        board.get_by_role("button", name=f"Pin: {epoch}").click()
    board.get_by_role("button", name="Listen blind").click()
    blind = board.locator(".blind")
    for which in "XY":
        blind.locator(".sound", has_text=which).click()
        expect(blind.locator(".sound[aria-busy=true]")).to_have_count(0)
    assert violations(page) == []
    blind.get_by_role("button", name="X is better").click()
    said = blind.locator(".sound").all_inner_texts()
    assert sorted(text[-1] for text in said) == ["1", "2"]

    # It speaks with the one that is taken, until the chosen one is taken back.
    board.get_by_role("button", name=USE_FIRST).click()
    expect(page.locator("#speak-text")).to_be_visible()
    sovits = page.locator("label", has_text="SoVITS").locator("select")
    expect(sovits).to_be_visible()
    page.locator("#speak-text").fill("With an earlier epoch.")
    page.locator("#speak").click()
    expect(page.locator("#task-status")).to_contain_text("waiting")
    runs = studio.coordinator.store.step_runs(task)
    [run] = [run for run in runs if not run.state.is_over]
    assert run.params["sovits_model"].endswith("voice-e1.ckpt")
    page.go_back()
    expect(first.locator(".yours")).to_have_text("✓ yours")
    board.get_by_role("button", name=USE_FIRST.replace(" 1", " 2")).click()
    wish = json.loads(page.evaluate("task => localStorage.getItem(`speak:${task}`)", task))
    assert (wish["sovits"], wish["text"]) == ("", "With an earlier epoch.")


def test_the_leaderboard_is_there_for_everybody(studio: Studio, new_page: NewPage) -> None:
    task = listened_to(studio)
    page = new_page(locale="zh-CN", viewport={"width": 360, "height": 740})
    page.goto(studio.at(task, "train"))
    expect(page.locator("#leaderboard .play").first).to_be_visible()
    assert violations(page) == []
    assert words_in_english(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
