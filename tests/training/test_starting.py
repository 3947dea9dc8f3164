"""A training that begins with the weights of another voice."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ray_pipeline.core.errors import BadModelFile, NotFound
from ray_pipeline.core.options import TrainGptOptions
from ray_pipeline.core.pretrained_bases import base_model
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.gpt.plan import plan_gpt
from ray_pipeline.training.gpt.setup import build_gpt
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.sovits.setup import build_networks
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.training_step import training_key
from ray_pipeline.training.worker import LocalWorker
from tests.training.experiment import gpt_settings, sovits_settings


def _exported(train: Any, settings: Any, folder: Path) -> Path:
    train(settings, LocalWorker(folder / "run"))
    return max(settings.weights_folder.glob("voice*"))


def test_networks_begin_with_what_another_voice_exported(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = gpt_settings(experiment, tmp_path)
    start = _exported(train_gpt, settings, tmp_path)
    theirs = torch.load(start, weights_only=True)["weight"]
    for name, weight in build_gpt(replace(settings, start=start)).state_dict().items():
        assert torch.equal(weight, theirs[f"model.{name}"].float()), name
    with pytest.raises(BadModelFile, match="nano"):
        build_gpt(replace(settings, start=start, version="v2"))


def test_sovits_takes_what_is_in_an_export_and_the_rest_from_its_base(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = sovits_settings(experiment, tmp_path)
    start = _exported(train_sovits, settings, tmp_path)
    theirs = torch.load(start, weights_only=False)["weight"]
    base, _ = build_networks(settings)
    generator, _ = build_networks(replace(settings, start=start))
    own = dict(base.state_dict())
    codebook = {name for name in own if "quantizer" in name or name.startswith("ssl_proj")}
    for name, weight in generator.state_dict().items():
        if name in codebook:
            continue  # nano's own
        from_export = name in theirs
        assert from_export is not name.startswith("enc_q."), name
        assert torch.equal(weight, theirs[name].float() if from_export else own[name]), name


def test_what_a_training_starts_from_makes_another_training_of_it(
    context: StepContext, tmp_path: Path
) -> None:
    options, keys = TrainGptOptions(start_from="anna"), set()
    for content in ("one", "two"):
        path = tmp_path / f"{content}.ckpt"
        path.write_text(content)
        plan = plan_gpt(replace(context, start_weights=path), options, base_model("v2"))
        assert plan.settings.start == path
        keys.add(training_key(context, options, plan))
    assert len(keys) == 2


def test_a_start_that_went_is_said_and_one_without_meaning_is_a_warning(
    context: StepContext,
) -> None:
    options = TrainGptOptions(start_from="anna")
    with pytest.raises(NotFound, match="'anna'"):
        plan_gpt(context, options, base_model("v2"))
    plan = plan_gpt(context, options, base_model("nano"))
    assert plan.settings.start is None
    assert ["start_from" in warning for warning in plan.warnings] == [True]
