"""Planning of both trainings. Whole runs stand in tests/training and tests/end_to_end."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ray_pipeline.core.errors import NothingUsable, StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.options import (
    TrainGptOptions,
    TrainOptions,
    TrainSovitsOptions,
    parse_task_config,
)
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.models.gpt.config import GptConfig
from ray_pipeline.models.sovits.config import SovitsConfig
from ray_pipeline.steps import train_gpt, train_sovits
from ray_pipeline.training.reports import Outcome
from ray_pipeline.training.run import TrainingJob, finished_before, record
from ray_pipeline.training.worker import EpochReport
from tests.training.experiment import make_experiment


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    config = parse_task_config(
        {"exp_name": "voice", "language": "en", "base_model": "nano", "batch_size": 16}
    )
    made = StepContext(
        task_id="task",
        run_id="run",
        step=StepName.TRAIN_SOVITS,
        attempt=1,
        config=config,
        workspace=Workspace(tmp_path),
        models_dir=tmp_path / "models",
        cluster=ClusterTotals(2),
        progress=RecordingProgress(),
    )
    make_experiment(made.experiment.folder, [2.0] * 3 + [0.7])
    return made


def test_nano_bounds_the_batch_and_leaves_out_clips_under_a_segment(context: StepContext) -> None:
    settings, job = train_sovits._plan(context, TrainSovitsOptions(), base_model("nano"))
    assert settings.batch_size == 2
    assert settings.epochs == context.config.epochs_s2
    assert settings.text_rate == 1.0
    assert settings.codebook == context.experiment.codebook
    assert job.used == ["clip0.wav", "clip1.wav", "clip2.wav"]
    assert [clip.name for clip in job.dropped] == ["clip3.wav"]


def test_options_win_over_the_task(context: StepContext) -> None:
    options = TrainGptOptions(epochs=3, batch_size=1, max_steps=7)
    settings, _ = train_gpt._plan(context, options, base_model("nano"))
    assert (settings.epochs, settings.batch_size, settings.max_steps) == (3, 1, 7)


def test_the_original_recipe_repeats_short_lists_and_keeps_four_batches(
    context: StepContext,
) -> None:
    base = base_model("v2")
    settings, job = train_gpt._plan(context, TrainGptOptions(), base)
    assert len(settings.items) == 4 * 25
    assert settings.batch_size == 16
    assert len(job.used) == 4
    assert settings.pretrained == context.models_dir / str(base.gpt)


@pytest.mark.parametrize("make", [train_sovits._plan, train_gpt._plan])
def test_data_and_options_make_the_key_but_force_does_not(
    context: StepContext, make: Callable[..., tuple[Any, TrainingJob]]
) -> None:
    kind = TrainSovitsOptions if make is train_sovits._plan else TrainGptOptions

    def key(options: TrainOptions, where: StepContext = context) -> str:
        return make(where, options, base_model("nano"))[1].key

    plain = key(kind())
    assert key(kind(force=True)) == plain
    assert key(kind(epochs=9)) != plain
    other_seed = replace(context, config=context.config.model_copy(update={"seed": 5}))
    assert key(kind(), other_seed) != plain
    changed = Manifest(StepName.EXTRACT_TEXT_FEATURES)
    changed.add(ClipEntry("clip0.wav", "new"))
    changed.save(context.workspace)
    assert key(kind()) != plain


def test_too_few_clips_are_an_error_with_the_reason(context: StepContext) -> None:
    for path in context.experiment.content.iterdir():
        path.unlink()
    with pytest.raises(NothingUsable, match="4-cnhubert"):
        train_sovits._plan(context, TrainSovitsOptions(), base_model("nano"))


def test_without_features_the_step_is_not_ready(context: StepContext) -> None:
    context.experiment.semantic_table.unlink()
    with pytest.raises(StepNotReady):
        train_gpt._plan(context, TrainGptOptions(), base_model("nano"))


def test_file_configs_have_the_originals_sections_and_rebuild_the_models(
    context: StepContext,
) -> None:
    sovits, _ = train_sovits._plan(context, TrainSovitsOptions(), base_model("nano"))
    written = json.loads(json.dumps(sovits.file_config))
    assert set(written) >= {"train", "data", "model", "s2_ckpt_dir", "name", "version"}
    assert SovitsConfig.from_export(written, "nano") == sovits.model
    gpt, _ = train_gpt._plan(context, TrainGptOptions(), base_model("nano"))
    written = yaml.safe_load(yaml.safe_dump(gpt.file_config))
    assert set(written) >= {"train", "data", "model", "optimizer", "inference", "output_dir"}
    assert GptConfig.from_export(written) == gpt.model
    assert str(context.workspace.root) not in json.dumps([sovits.file_config, gpt.file_config])


def test_a_finished_training_is_not_done_again(context: StepContext) -> None:
    options = TrainSovitsOptions()
    settings, job = train_sovits._plan(context, options, base_model("nano"))
    assert finished_before(context, options, job) is None
    settings.weights_folder.mkdir(parents=True)
    export = settings.weights_folder / "voice_e1_s10.pth"
    export.write_bytes(b"weights")
    epoch = EpochReport(1, 10, {"sovits/loss_mel": 1.0}, ["clip0.wav"], 2.0)
    made = record(context, options, job, Outcome([epoch], [["clip0.wav"]]))
    assert made.summary["weights"] == "SoVITS_weights_nano/voice_e1_s10.pth"
    assert any("clip3.wav" in warning for warning in made.warnings)

    reused = finished_before(context, options, job)
    assert reused is not None
    assert reused.summary["reused"] is True
    assert finished_before(context, TrainSovitsOptions(force=True), job) is None
    export.unlink()
    assert finished_before(context, options, job) is None


def test_a_recipe_that_overrides_what_was_asked_says_so(context: StepContext) -> None:
    def warnings_of(options: TrainSovitsOptions, epochs_done: int) -> str:
        settings, job = train_sovits._plan(context, options, base_model("nano"))
        settings.weights_folder.mkdir(parents=True, exist_ok=True)
        (settings.weights_folder / "voice_e1_s10.pth").write_bytes(b"weights")
        epoch = EpochReport(epochs_done, 10, {}, ["clip0.wav"], 2.0)
        made = record(context, options, job, Outcome([epoch], [["clip0.wav"]]))
        return "\n".join(made.warnings)

    overridden = warnings_of(TrainSovitsOptions(epochs=3), epochs_done=39)
    assert "39 epochs were done, 3 were asked for" in overridden
    assert "Batches of 2 were used, 16 were asked for" in overridden
    as_asked = warnings_of(TrainSovitsOptions(epochs=50, batch_size=2), epochs_done=50)
    assert "asked for" not in as_asked
    stopped = warnings_of(TrainSovitsOptions(epochs=50, max_steps=10), epochs_done=1)
    assert "epochs were done" not in stopped
