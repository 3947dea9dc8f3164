"""Buttons that people press seldom, each with what it does in the service."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.hub.downloads import Downloads
from ray_pipeline.hub.hubs import HuggingFace
from ray_pipeline.hub.pulling import pull
from tests.hub.hub_server import small_hub
from tests.hub.test_pulling import _WHISPER, whisper_files
from tests.library.voice_files import nano_pair, noise
from tests.serve_app.browser.studio import Studio
from tests.serve_app.speech_task import CLIPS
from tests.serve_app.test_checkpoints import train


def test_a_run_is_paused_and_goes_on(studio: Studio, page: Page) -> None:
    task = studio.prepared()
    studio.coordinator.plan(task, "extract_text_features")
    page.goto(studio.at(task, "train"))
    page.locator("#pause").click()
    expect(page.locator("#task-status")).to_contain_text("paused")
    expect(page.locator("#train")).to_be_disabled()
    page.get_by_role("button", name="Go on").click()
    expect(page.locator("#task-status")).to_contain_text("waiting")
    page.locator("#cancel").click()
    expect(page.locator("#task-status")).to_contain_text("cancelled")


def test_a_large_base_is_fetched_with_its_companion_and_can_be_stopped(
    studio: Studio, page: Page, tmp_path: Path
) -> None:
    with small_hub({_WHISPER: whisper_files()}) as hub:
        hub.status = 503  # away for now, so the download goes on trying
        fetching = partial(pull, hub=HuggingFace(hub.url), pause_seconds=0.5)
        studio.coordinator._parts.downloads = Downloads(tmp_path / "models", fetching)
        page.goto(studio.url)
        expect(page.locator("#small-base")).to_contain_text("MIT")
        page.locator("#pull").click()
        expect(page.locator("#small-base progress").first).to_be_visible()
        page.get_by_role("button", name="Cancel: v2ProPlus").click()
        expect(page.locator("#pull")).to_be_visible()


def test_an_exported_epoch_of_the_leaderboard_speaks(studio: Studio, page: Page) -> None:
    task = studio.trained()
    trainings = Trainings(studio.workspace(task))
    train(trainings, StepName.TRAIN_SOVITS, "a-1", [0.9, 0.5, 0.8])
    train(trainings, StepName.TRAIN_GPT, "b-1", [3.0, 2.0])
    page.goto(studio.at(task, "train"))
    board = page.locator("#leaderboard")
    expect(board.locator("tr.chosen").first).to_contain_text("chosen")
    board.get_by_role("button", name="Speak with this: Train the sound (SoVITS) 1").click()
    expect(page.locator("#speak-text")).to_be_visible()
    page.locator("#speak-text").fill("With an earlier epoch.")
    page.locator("#speak").click()
    expect(page.locator("#task-status")).to_contain_text("waiting")
    run = next(
        run
        for run in studio.coordinator.store.step_runs(task)
        if run.step == StepName.TEST_INFERENCE and not run.state.is_over
    )
    assert run.params["sovits_model"].endswith("voice-e1.ckpt")
    assert run.params["target_text"] == "With an earlier epoch."


def test_a_voice_is_kept_and_kept_again_as_a_version(
    studio: Studio, page: Page, tmp_path: Path
) -> None:
    task = studio.prepared(base="nano")
    for step in StepName:
        if step.value.startswith(("extract", "train")):
            studio.coordinator.do(task, step.value)
    workspace = studio.workspace(task)
    gpt, sovits = nano_pair(tmp_path / "untrained")
    for source, place in (
        (gpt, workspace.gpt_weights("nano") / "my_speaker-e1.ckpt"),
        (sovits, workspace.sovits_weights("nano") / "my_speaker_e1_s1.pth"),
    ):
        place.parent.mkdir(parents=True, exist_ok=True)
        source.replace(place)
    noise(workspace.sliced / CLIPS[0], 5)
    page.goto(studio.at(task, "speak"))
    page.locator("#keep-name").fill("anna")
    page.locator("#keep").click()
    expect(page.locator("#live-voice")).to_have_value("anna")
    expect(page.locator("#keep")).to_contain_text("next version of anna")
    page.locator("#keep").click()
    expect(page.locator("#live-version")).to_have_value("2")
    versions = httpx.get(f"{studio.url}/api/v1/voices/anna/versions").json()["versions"]
    assert [row["number"] for row in versions] == [1, 2]
