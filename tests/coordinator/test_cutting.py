"""Clips trimmed, split and merged by hand: what the database says afterwards."""

from __future__ import annotations

import numpy as np
import pytest

from ray_pipeline.audio.wav import write_float32
from ray_pipeline.coordinator.attempt_end import AttemptEnd
from ray_pipeline.core.errors import InvalidInput, NotFound, StepNotReady, TaskBusy
from ray_pipeline.core.hand_cuts import Piece, clip_name
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Task, Transcript
from tests.coordinator.conftest import Desk
from tests.coordinator.sliced_recording import FIRST, SECOND, SPANS, THIRD, write_sliced
from tests.coordinator.test_attempts import start


def sliced_task(desk: Desk, language: str = "en") -> Task:
    """Six seconds in three clips, each with a text, as if four steps had run."""
    task = desk.new_task()
    write_sliced(desk.ledger.workspace(task.task_id))
    for step in StepName:
        rows = None
        if step is StepName.ASR_TRANSCRIBE:
            rows = [
                Transcript(clip=clip, text=text, language=language, source="whisper")
                for clip, text in zip(
                    (FIRST, SECOND, THIRD), ("One.", "Two.", "Three."), strict=True
                )
            ]
        desk.attempts.finish(start(desk, task, step), AttemptEnd(transcripts=rows))
    return task


def texts(desk: Desk, task: Task) -> dict[str, tuple[str, str]]:
    return {row.clip: (row.text, row.source) for row in desk.store.transcripts(task.task_id)}


def stale(desk: Desk, task: Task) -> list[StepName]:
    return [step for step, run in desk.store.latest_runs(task.task_id).items() if run.stale]


def test_a_trimmed_clip_keeps_its_text_and_the_steps_from_the_slicer_on_are_stale(
    desk: Desk,
) -> None:
    task = sliced_task(desk)
    [new] = desk.cutting.cut(task.task_id, [SECOND], [Piece(start=0.25)])
    assert new == clip_name("a.wav", 72_000, 128_000)
    assert texts(desk, task) == {
        FIRST: ("One.", "whisper"),
        new: ("Two.", "user"),
        THIRD: ("Three.", "whisper"),
    }
    assert desk.store.hand_cuts(task.task_id)["a.wav"].clips == [FIRST, new, THIRD]
    assert stale(desk, task) == list(StepName)[1:]


def test_a_split_clip_takes_the_texts_that_are_given_and_is_heard_anew_where_none_is(
    desk: Desk,
) -> None:
    task = sliced_task(desk)
    new = desk.cutting.cut(task.task_id, [FIRST], [Piece(end=1, text="O"), Piece(start=1)])
    assert [texts(desk, task)[clip] for clip in new] == [("O", "user"), ("", "")]


@pytest.mark.parametrize(("language", "text"), [("en", "One. Two."), ("zh", "One.Two.")])
def test_merged_clips_say_what_they_said(desk: Desk, language: str, text: str) -> None:
    task = sliced_task(desk, language)
    [new] = desk.cutting.cut(task.task_id, [FIRST, SECOND], [Piece()])
    assert texts(desk, task)[new] == (text, "user")


def test_cuts_follow_each_other_before_anything_is_computed_and_are_taken_back(
    desk: Desk,
) -> None:
    task = sliced_task(desk)
    pieces = [Piece(end=1, text="O"), Piece(start=1, text="ne.")]
    halves = desk.cutting.cut(task.task_id, [FIRST], pieces)
    assert desk.cutting.cut(task.task_id, halves, [Piece(text="One.")]) == [FIRST]
    assert desk.store.hand_cuts(task.task_id)["a.wav"].ranges == SPANS
    desk.cutting.forget(task.task_id, "a.wav")
    assert desk.store.hand_cuts(task.task_id) == {}
    with pytest.raises(NotFound, match="not cut by hand"):
        desk.cutting.forget(task.task_id, "a.wav")


def test_a_clip_that_stays_as_it_is_keeps_who_wrote_its_text(desk: Desk) -> None:
    task = sliced_task(desk)
    desk.cutting.cut(task.task_id, [FIRST, SECOND], [Piece(end=2), Piece(start=2)])
    assert texts(desk, task)[FIRST] == ("One.", "whisper")


@pytest.mark.parametrize(
    "clips",
    [[], ["a.wav"], [FIRST, "b.wav_0000000000_0000064000.wav"], [clip_name("a.wav", 0, 7)],
     [clip_name("b.wav", 0, 64_000)]],
)  # fmt: skip
def test_clips_that_are_not_there_are_refused_and_nothing_changes(
    desk: Desk, clips: list[str]
) -> None:
    task = sliced_task(desk)
    before = texts(desk, task)
    with pytest.raises(InvalidInput):
        desk.cutting.cut(task.task_id, clips, [Piece()])
    assert texts(desk, task) == before
    assert stale(desk, task) == []


def test_a_recording_that_was_replaced_has_to_be_sliced_first(desk: Desk) -> None:
    task = sliced_task(desk)
    path = desk.ledger.workspace(task.task_id).converted_wav / "a.wav.wav"
    write_float32(path, np.ones(192_000, np.float32))
    with pytest.raises(StepNotReady, match="not been cut"):
        desk.cutting.cut(task.task_id, [FIRST], [Piece(end=1)])


def test_a_busy_task_is_not_cut(desk: Desk) -> None:
    task = sliced_task(desk)
    desk.planner.plan_step(task.task_id, StepName.CONVERT_AUDIO, {})
    with pytest.raises(TaskBusy):
        desk.cutting.cut(task.task_id, [FIRST], [Piece(end=1)])
    with pytest.raises(TaskBusy):
        desk.cutting.forget(task.task_id, "a.wav")
