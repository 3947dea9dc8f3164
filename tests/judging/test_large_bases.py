"""Listening to checkpoints of the bases v2 and v2Pro: small networks in their own file formats,
with encoders of their own kinds. They have learned nothing, so only how it is done is looked at."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.pretrained_bases import HUBERT_FOLDER, SPEAKER_ENCODER_FILE
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.selection import Checkpoint
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.judging.judge import judge_training
from ray_pipeline.models.encoders.eres2net import Eres2Net
from ray_pipeline.models.gpt.config import GPT_CONFIGS
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.sovits.setup import draw_vocoder
from ray_pipeline.weights.files import save_gpt, save_sovits
from tests.judging.trainings import GPT, SOVITS, planned, save_table
from tests.training.experiment import make_experiment

GOOD, BROKEN = 1, 2  # epochs
TEXT = "Hello there, this is somebody who speaks."
# What the files of these versions may say otherwise, as small as it gets.
_SMALL = {
    "inter_channels": 16,
    "hidden_channels": 16,
    "filter_channels": 16,
    "n_layers": 1,
    "upsample_initial_channel": 32,
}
_SMALL_GPT = {"width": 32, "num_layers": 1, "num_heads": 2, "feed_forward": 64, "max_seconds": 2}


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The encoders that both bases have, untrained."""
    from transformers import HubertConfig, HubertModel

    torch.set_num_threads(1)
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("models")
    config = HubertConfig(
        num_hidden_layers=1,
        intermediate_size=64,
        conv_dim=(16,) * 7,
        num_conv_pos_embedding_groups=16,
    )
    HubertModel(config).save_pretrained(folder / HUBERT_FOLDER)
    (folder / SPEAKER_ENCODER_FILE).parent.mkdir()
    torch.save(Eres2Net().state_dict(), folder / SPEAKER_ENCODER_FILE)
    return folder


@pytest.fixture(params=["v2", "v2Pro"])
def task(request: pytest.FixtureRequest, tmp_path: Path, models_dir: Path) -> StepContext:
    """Four clips of 3 s with the features of the base."""
    made = StepContext(
        task_id="task",
        run_id="run",
        step=SOVITS,
        attempt=1,
        config=parse_task_config(
            {"exp_name": "voice", "language": "en", "base_model": request.param}
        ),
        workspace=Workspace(tmp_path),
        models_dir=models_dir,
        cluster=ClusterTotals(1),
        progress=RecordingProgress(),
        transcripts={
            f"clip{number}.wav": Transcript(clip=f"clip{number}.wav", text=TEXT, language="en")
            for number in range(4)
        },
    )
    experiment = make_experiment(made.experiment.folder, [3.1] * 4)
    for name in made.transcripts:
        frames = torch.load(experiment.content_of(name)).shape[-1]
        torch.save(torch.randn(1, 768, frames), experiment.content_of(name))
        torch.save(torch.rand(1, 20480), experiment.speaker_vector_of(name))
    return made


@pytest.fixture(autouse=True)
def no_recogniser(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would cost more than all the rest, and mini's voices are heard by it."""

    def missing(*_: object, **__: object) -> None:
        raise BackendMissing("No recogniser.")

    monkeypatch.setattr("ray_pipeline.judging.judge.Ear", missing)


def export(plan: TrainingPlan, version: str) -> None:
    """Two epochs of random weights, the second without numbers."""
    settings = plan.settings
    settings.weights_folder.mkdir(parents=True)
    rows = []
    for epoch in (GOOD, BROKEN):
        torch.manual_seed(1)
        name = settings.export_name(epoch, epoch)
        path = settings.weights_folder / name
        if settings.step is GPT:
            config = replace(GPT_CONFIGS[version], **_SMALL_GPT)
            gpt = Text2Semantic(config)
            spoil(gpt, epoch)
            info = f"GPT-e{epoch}"
            save_gpt(path, gpt.state_dict(), config.to_export(), info, version=version)
        else:
            shape = replace(SOVITS_CONFIGS[version], **_SMALL)
            generator = Synthesizer(shape)
            draw_vocoder(generator.dec)
            spoil(generator, epoch)
            save_sovits(path, generator.state_dict(), shape, f"{epoch}epoch_{epoch}iteration")
        size = path.stat().st_size
        rows.append(Checkpoint(epoch=epoch, step=epoch, file=name, size=size))
    save_table(plan, rows)


def spoil(network: torch.nn.Module, epoch: int) -> None:
    if epoch == BROKEN:
        with torch.no_grad():
            for weight in network.parameters():
                weight.fill_(torch.nan)


def judged(context: StepContext, plan: TrainingPlan) -> tuple[Checkpoint, Checkpoint]:
    judge_training(context, plan, seconds_training=1e6)
    table = TrainingTable.load(plan.settings.weights_folder)
    assert table is not None
    assert table.choice is not None
    assert table.choice.checkpoint.epoch == GOOD
    good, broken = table.checkpoints
    assert broken.problem
    assert not broken.samples
    for sample in good.samples:
        assert (plan.settings.weights_folder / sample.file).is_file()
        assert (plan.settings.weights_folder / sample.picture).is_file()
    return good, broken


def test_both_trainings_are_listened_to_with_the_encoders_of_their_base(task: StepContext) -> None:
    version = task.config.base_model
    context, plan = planned(task, SOVITS)
    export(plan, version)
    good, _ = judged(context, plan)
    assert [sample.text for sample in good.samples] == [TEXT]
    assert 0 < good.judged["likeness"] <= 1
    measure = "timbre" if version == "v2" else "the speaker vectors of v2Pro"
    assert f"likeness by {measure}" in context.progress.logs[-1]

    context, plan = planned(task, GPT)
    export(plan, version)
    good, _ = judged(context, plan)
    assert len(good.samples) == 3
    assert good.samples[-1].text == TEXT
    assert good.judged["phones_per_second"] > 0
    assert 0 <= good.judged["failed_pieces"] <= 1
    assert "likeness" in good.judged
