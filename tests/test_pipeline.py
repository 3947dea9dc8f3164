"""The table of steps and what follows from it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from ray_pipeline import pipeline
from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun, TaskStatus
from ray_pipeline.pipeline import STEPS

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def run(step: StepName, state: RunState = RunState.COMPLETED, **fields: Any) -> StepRun:
    return StepRun(
        run_id=f"{step}-{fields.get('attempt', 1)}",
        job_id="job",
        task_id="task",
        step=step,
        state=state,
        queued_at=NOW,
        **{"attempt": 1} | fields,
    )


def test_the_table_has_the_eleven_steps_in_order_and_each_waits_for_earlier_ones_only() -> None:
    assert list(STEPS) == list(StepName)
    order = list(STEPS)
    for name, row in STEPS.items():
        assert all(order.index(need) < order.index(name) for need in (*row.needs, *row.uses))


def test_importing_the_table_loads_neither_torch_nor_ray() -> None:
    code = (
        "import sys, ray_pipeline.pipeline; "
        "print([name for name in ('torch', 'ray', 'dbos', 'sqlalchemy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_step_out_of_order_names_what_is_missing() -> None:
    found = pipeline.results(STEPS, [run(StepName.EXTRACT_TEXT_FEATURES)])
    with pytest.raises(StepNotReady) as error:
        pipeline.require_needs(STEPS, StepName.TRAIN_GPT, found)
    assert error.value.extra["missing"] == ["extract_semantic_features"]


def test_a_base_model_without_speaker_vectors_does_not_wait_for_them() -> None:
    done = [
        StepName.EXTRACT_TEXT_FEATURES,
        StepName.EXTRACT_AUDIO_FEATURES,
        StepName.EXTRACT_SEMANTIC_FEATURES,
    ]
    v2 = pipeline.applicable(STEPS, speaker_vectors=False)
    assert pipeline.missing_needs(v2, StepName.TRAIN_SOVITS, done) == []
    nano = pipeline.applicable(STEPS, speaker_vectors=True)
    missing = pipeline.missing_needs(nano, StepName.TRAIN_SOVITS, done)
    assert missing == [StepName.EXTRACT_SPEAKER_VECTORS]


def test_tokens_that_are_phones_wait_for_the_text_too() -> None:
    mini = pipeline.applicable(STEPS, speaker_vectors=True, tokens_are_phones=True)
    sound = [StepName.EXTRACT_AUDIO_FEATURES]
    step = StepName.EXTRACT_SEMANTIC_FEATURES
    assert pipeline.missing_needs(STEPS, step, sound) == []
    assert pipeline.missing_needs(mini, step, sound) == [StepName.EXTRACT_TEXT_FEATURES]


def test_skipping_counts_as_a_result_only_where_the_step_is_optional() -> None:
    skipped = [
        run(StepName.SLICE_AUDIO, RunState.SKIPPED),
        run(StepName.DENOISE_AUDIO, RunState.SKIPPED),
    ]
    assert list(pipeline.results(STEPS, skipped)) == [StepName.DENOISE_AUDIO]


def test_a_result_outlives_a_later_attempt_that_failed() -> None:
    runs = [
        run(StepName.TRAIN_GPT),
        run(StepName.TRAIN_GPT, RunState.FAILED, attempt=2),
    ]
    assert pipeline.results(STEPS, runs)[StepName.TRAIN_GPT].attempt == 1


def test_dependents_are_transitive() -> None:
    assert pipeline.dependents(STEPS, StepName.EXTRACT_TEXT_FEATURES) == [
        StepName.TRAIN_SOVITS,
        StepName.TRAIN_GPT,
        StepName.TEST_INFERENCE,
    ]
    assert pipeline.dependents(STEPS, StepName.CONVERT_AUDIO) == list(StepName)[1:]


def test_progress_moves_inside_a_step_and_ends_at_a_hundred() -> None:
    half = [run(StepName.TRAIN_SOVITS, RunState.RUNNING, progress=0.5)]
    weights = {name: row.weight for name, row in STEPS.items()}
    expected = 100 * 0.5 * weights[StepName.TRAIN_SOVITS] / sum(weights.values())
    assert pipeline.percent_done(STEPS, half) == pytest.approx(expected, abs=0.01)
    assert pipeline.percent_done(STEPS, [run(name) for name in StepName]) == 100


@pytest.mark.parametrize(
    ("state", "job_goes_on", "status"),
    [
        (RunState.QUEUED, True, TaskStatus.QUEUED),
        (RunState.RUNNING, True, TaskStatus.RUNNING),
        (RunState.COMPLETED, True, TaskStatus.RUNNING),
        (RunState.COMPLETED, False, TaskStatus.COMPLETED),
        (RunState.SKIPPED, False, TaskStatus.COMPLETED),
        (RunState.FAILED, False, TaskStatus.FAILED),
        (RunState.CANCELLED, False, TaskStatus.CANCELLED),
    ],
)
def test_the_status_is_that_of_the_newest_run_and_running_while_its_job_goes_on(
    state: RunState, job_goes_on: bool, status: TaskStatus
) -> None:
    newest = run(StepName.SLICE_AUDIO, state)
    assert pipeline.overview(STEPS, [newest], newest, job_goes_on=job_goes_on).status is status


@pytest.mark.parametrize(
    ("upload", "readers"),
    [
        ("input_audio/a.wav", [StepName.CONVERT_AUDIO]),
        ("input_audio/A.TXT", [StepName.SLICE_AUDIO, StepName.ASR_TRANSCRIBE]),
        ("input_audio/me.list.txt", [StepName.SLICE_AUDIO, StepName.ASR_TRANSCRIBE]),
        ("input_audio/me.dict.txt", [StepName.EXTRACT_TEXT_FEATURES, StepName.TEST_INFERENCE]),
    ],
)
def test_an_upload_concerns_the_steps_that_read_its_kind(
    upload: str, readers: list[StepName]
) -> None:
    assert pipeline.readers_of(STEPS, upload) == readers
