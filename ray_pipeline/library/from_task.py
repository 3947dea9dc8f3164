"""What a task's voice is made of: the pair and the reference that test_inference would take, and
how they came about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ray_pipeline.core.errors import NotFound, StepNotReady
from ray_pipeline.core.options import TaskConfig, TestInferenceOptions, parse_options
from ray_pipeline.core.progress import NullProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.speech import Delivery
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import RunState, StepRun, Transcript
from ray_pipeline.core.voices import DEFAULT_MOOD
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.library.draft import Draft, DraftFile, DraftReference
from ray_pipeline.library.pairs import check_pair
from ray_pipeline.library.references import checked_reference

_TRAININGS = (StepName.TRAIN_SOVITS, StepName.TRAIN_GPT)


@dataclass(frozen=True, kw_only=True)
class TrainedTask:
    """What the database says of a task. `base_model` is the one it settled on, None before its
    first step; `runs` the latest of each step."""

    task_id: str
    config: TaskConfig
    base_model: str | None
    transcripts: Mapping[str, Transcript]
    runs: Mapping[StepName, StepRun]
    workspace: Workspace
    models_dir: Path


def draft_of_task(task: TrainedTask, params: dict[str, Any], note: str = "") -> Draft:
    """`params` are those of test_inference; what they leave open is as it spoke last, or as it
    would speak now. Torch is imported.

    Raises StepNotReady before the trainings, NotFound and InvalidInput for what is named in vain.
    """
    from ray_pipeline.voice.order import make_order
    from ray_pipeline.voice.voice import family_of

    if task.base_model is None:
        raise StepNotReady(
            "The task has not been trained yet.",
            hint="Run its steps first.",
            missing=[step.value for step in _TRAININGS],
        )
    order, _ = make_order(_context(task), _options(task, params))
    base = check_pair(order.gpt_path, order.sovits_path)
    imitates = "ref_audio" not in family_of(base).without_meaning
    reference = _reference(order.reference.wav_path, order.reference, imitates=imitates)
    delivery = order.settings.model_dump(include=set(Delivery.model_fields))
    usual = Delivery().model_dump()
    return Draft(
        base_model=base,
        gpt=DraftFile(order.gpt_path),
        sovits=DraftFile(order.sovits_path),
        references=reference,
        settings={name: value for name, value in delivery.items() if value != usual[name]},
        dictionary={word: list(phones) for word, phones in order.dictionary.items()},
        metrics=_metrics(task),
        lineage=_lineage(task),
        note=note,
        voice_name=task.config.exp_name,
        language=task.config.language,
    )


def _context(task: TrainedTask) -> StepContext:
    return StepContext(
        task_id=task.task_id,
        run_id="",
        step=StepName.TEST_INFERENCE,
        attempt=0,
        config=task.config.model_copy(update={"base_model": task.base_model}),
        workspace=task.workspace,
        models_dir=task.models_dir,
        cluster=ClusterTotals(cpus=1),
        progress=NullProgress(),
        transcripts=task.transcripts,
    )


def _options(task: TrainedTask, params: dict[str, Any]) -> TestInferenceOptions:
    """Those of the last sentence that was spoken, but for its text and weights: the newest pair
    is kept, unless `params` name another."""
    last = task.runs.get(StepName.TEST_INFERENCE)
    spoken = dict(last.params) if last and last.state is RunState.COMPLETED else {}
    liked = {*Delivery.model_fields, "ref_audio", "ref_text", "ref_language"}
    before = {name: value for name, value in spoken.items() if name in liked and value is not None}
    if "ref_audio" in params or not _is_there(task, before.get("ref_audio")):
        # What was said in another recording says nothing of this one.
        before = {name: value for name, value in before.items() if not name.startswith("ref_")}
    options, _ = parse_options(StepName.TEST_INFERENCE, {**before, **params})
    assert isinstance(options, TestInferenceOptions)
    return options


def _is_there(task: TrainedTask, ref_audio: str | None) -> bool:
    if ref_audio is None or ref_audio in task.transcripts:
        return True
    try:
        return task.workspace.find(ref_audio, task.config.exp_name).is_file()
    except NotFound:
        return (task.workspace.input_audio / ref_audio).is_file()


def _reference(path: Path, spoken: Any, *, imitates: bool) -> tuple[DraftReference, ...]:
    if not imitates:  # it would only be carried along
        return ()
    found = checked_reference(
        path, DEFAULT_MOOD, spoken.text, spoken.language, field="params.ref_audio"
    )
    return (found,)


def _lineage(task: TrainedTask) -> dict[str, Any]:
    done = {step: run for step, run in task.runs.items() if run.state is RunState.COMPLETED}
    return {
        "source": "task",
        "task_id": task.task_id,
        "exp_name": task.config.exp_name,
        "base_model": task.base_model,
        "code_version": version("gpt-sovits-ray"),
        "config": task.config.model_dump(mode="json"),
        "steps": {
            step.value: {
                "run_id": run.run_id,
                "attempt": run.attempt,
                "params": run.params,
                "finished_at": run.finished_at.isoformat() if run.finished_at else None,
                "stale": run.stale,
            }
            for step, run in done.items()
        },
    }


def _metrics(task: TrainedTask) -> dict[str, Any]:
    """What the last completed trainings said of themselves, numbers and words alone."""
    found: dict[str, Any] = {}
    for step in _TRAININGS:
        run = task.runs.get(step)
        if run is not None and run.state is RunState.COMPLETED and run.result:
            found[step.value] = {
                name: value
                for name, value in run.result.items()
                if isinstance(value, (int, float, str, bool))
            }
    return found
