"""What options of the original's trainer, and ours beside them, do in a training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ray_pipeline.core.options import TrainSovitsOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.stop_points import VARIABLE
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.healing import Care
from ray_pipeline.training.sovits.plan import plan_sovits
from ray_pipeline.training.sovits.recipe import SOVITS_RECIPE
from ray_pipeline.training.sovits.settings import SovitsSettings, sovits_file_config
from ray_pipeline.training.sovits.setup import build_networks
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.training_step import training_key
from ray_pipeline.training.worker import LocalWorker
from ray_pipeline.weights.archive import load_archive
from tests.training.experiment import gpt_settings, sovits_settings


@pytest.mark.parametrize(
    ("make", "train"), [(gpt_settings, train_gpt), (sovits_settings, train_sovits)]
)
def test_no_more_than_micro_batch_size_clips_are_in_memory_at_a_time(
    experiment: Experiment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    make: Callable[..., Any],
    train: Callable[..., None],
) -> None:
    """A device without room for two clips is never asked for it."""
    order = tmp_path / "faults"
    order.write_text("memory *wav *wav")
    monkeypatch.setenv(VARIABLE, str(order))
    settings = replace(make(experiment, tmp_path, max_steps=3), micro_batch_size=1)
    worker = LocalWorker(tmp_path / "run")
    train(settings, worker)
    assert order.exists()
    assert [report.step for report in worker.reports] == [3]
    assert Care.load(worker.run_folder).incidents == ()


def test_the_fewer_of_what_was_asked_and_what_was_healed_is_in_memory() -> None:
    assert Care().at_most(None).at_a_time is None
    assert Care().at_most(4).at_a_time == 4
    assert Care(at_a_time=2).at_most(4).at_a_time == 2
    assert Care(at_a_time=2).at_most(1).at_a_time == 1


def test_with_a_text_rate_of_0_what_reads_the_text_stays_as_it_was(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = sovits_settings(experiment, tmp_path, max_steps=3)
    recipe = replace(settings.recipe, slow_text=True)
    before = build_networks(settings)[0].state_dict()
    for rate in (0.0, 0.4):
        out = tmp_path / str(rate)
        settings = replace(
            sovits_settings(experiment, out, max_steps=3), recipe=recipe, text_rate=rate
        )
        train_sovits(settings, LocalWorker(out / "run"))
        [path] = settings.checkpoint_links.glob("G_*.pth")
        after = load_archive(path)["model"]
        changed = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
        reads_text = ("enc_p.text_embedding", "enc_p.encoder_text", "enc_p.mrte")
        assert any(name.startswith(reads_text) for name in changed) is (rate > 0)
        assert any(name.startswith("dec.") for name in changed)


def test_a_text_rate_is_told_to_have_no_meaning_without_a_pretrained_text_encoder(
    context: StepContext,
) -> None:
    options = TrainSovitsOptions(text_low_lr_rate=0)
    [warning] = plan_sovits(context, options, base_model("nano")).warnings
    assert "text_low_lr_rate" in warning
    assert plan_sovits(context, options, base_model("v2")).warnings == []
    assert SOVITS_RECIPE.slow_text


def test_memory_may_be_saved_from_the_middle_of_a_training_on(context: StepContext) -> None:
    keys = set()
    for options in (
        TrainSovitsOptions(),
        TrainSovitsOptions(if_grad_ckpt=True),
        TrainSovitsOptions(micro_batch_size=2),
    ):
        plan = plan_sovits(context, options, base_model("nano"))
        assert isinstance(plan.settings, SovitsSettings)
        written = sovits_file_config(plan.settings, "float32")["train"]["grad_ckpt"]
        assert written is plan.settings.recompute is options.if_grad_ckpt
        keys.add(training_key(context, options, plan))
    assert len(keys) == 1
