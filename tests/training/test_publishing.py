"""Which trainings become the voice, and that a good voice is never replaced by less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.options import TrainGptOptions, TrainOptions, TrainSovitsOptions
from ray_pipeline.core.selection import Checkpoint, Sample
from ray_pipeline.core.step_context import Result, StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.core.workspace import Experiment, atomic_write
from ray_pipeline.training.exports import remove_files
from ray_pipeline.training.families import plan_training
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.reports import TrainingHistory
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.training_step import record
from ray_pipeline.training.worker import EpochReport, LocalWorker
from ray_pipeline.voice.order import chosen_weights
from tests.training.experiment import gpt_settings, sovits_settings, trained
from tests.training.interrupted import Interrupted, StoppingWorker, resumed

pytestmark = pytest.mark.slow

GPT, SOVITS = StepName.TRAIN_GPT, StepName.TRAIN_SOVITS


class Task:
    """A task of nano whose trainings end as they are told to."""

    def __init__(self, context: StepContext) -> None:
        self.context = context
        self.trainings = Trainings(context.workspace)

    def train(
        self, step: StepName, run: str, scores: Sequence[float | None], *, finish: bool = True
    ) -> Result | None:
        options: TrainOptions = TrainGptOptions() if step is GPT else TrainSovitsOptions()
        context = replace(self.context, step=step)
        plan = plan_training(context, options, step)
        plan = trained(context, plan, run, scores, finished=finish)
        if not finish:  # cancelled: nobody writes anything down
            return None
        report = EpochReport(len(scores), 10 * len(scores), {}, ["clip0.wav"], 1.0)
        return record(context, options, plan, run, TrainingHistory([report], [["clip0.wav"]]))

    def edit(self) -> None:
        """Another text of a clip: the features are other ones."""
        changed = Manifest(StepName.EXTRACT_TEXT_FEATURES)
        changed.add(
            ClipEntry("clip0.wav", f"edited {len(list(self.context.workspace.root.iterdir()))}")
        )
        changed.save(self.context.workspace)

    def voice(self) -> list[str]:
        """What the two files of the voice say of where they come from."""
        workspace = self.context.workspace
        gpt = chosen_weights(workspace.gpt_weights("nano"), "voice", ".ckpt", GPT)
        sovits = chosen_weights(workspace.sovits_weights("nano"), "voice", ".pth", SOVITS)
        return [gpt.read_text(), sovits.read_text()]

    def shown(self) -> list[str]:
        root = self.context.workspace.root
        return sorted(path.relative_to(root).as_posix() for path in root.glob("*_weights*/*"))


@pytest.fixture
def task(context: StepContext) -> Task:
    return Task(context)


def test_samples_go_with_their_checkpoint(tmp_path: Path) -> None:
    sample = Sample(file="samples/e1-1.wav", picture="samples/e1-1.png", text="", language="en")
    going = Checkpoint(epoch=1, step=1, file="e1", size=1, samples=(sample,))
    for name in ("e1", "samples/e1-1.wav", "samples/e1-1.png", "samples/e2-1.wav"):
        atomic_write(tmp_path / name, b"")
    remove_files(tmp_path, going)
    left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
    assert left == ["e2-1.wav"]


def test_a_voice_speaks_with_the_chosen_pair_and_not_with_the_newest(task: Task) -> None:
    made = task.train(SOVITS, "a-1", [0.9, 0.5, 0.8])
    assert made is not None
    assert made.summary["weights"] == "SoVITS_weights_nano/voice_e2_s20.pth"
    assert made.summary["chosen"]["epoch"] == 2
    assert "least sovits/held_out_mel" in made.summary["chosen"]["reason"]
    assert any("risen since epoch 2" in warning for warning in made.warnings)
    task.train(GPT, "b-1", [3.0, 2.0])
    assert task.voice() == ["b-1 voice-e2.ckpt", "a-1 voice_e2_s20.pth"]
    assert task.shown() == [
        "GPT_weights_nano/voice-e1.ckpt",
        "GPT_weights_nano/voice-e2.ckpt",
        "SoVITS_weights_nano/voice_e1_s10.pth",
        "SoVITS_weights_nano/voice_e2_s20.pth",
        "SoVITS_weights_nano/voice_e3_s30.pth",
    ]


def test_a_training_cancelled_after_an_edit_leaves_the_voice_as_it_was(task: Task) -> None:
    task.train(SOVITS, "a-1", [0.9, 0.5])
    task.train(GPT, "b-1", [3.0, 2.0])
    before, shown = task.voice(), task.shown()
    task.edit()
    task.train(SOVITS, "c-2", [0.1], finish=False)
    assert (task.voice(), task.shown()) == (before, shown)

    made = task.train(SOVITS, "c-3", [0.4])
    assert made is not None
    assert made.summary["weights"] == ".trainings/train_sovits/c-3/voice_e1_s10.pth"
    assert any("until train_gpt has learned" in warning for warning in made.warnings)
    task.train(GPT, "d-2", [0.1], finish=False)
    assert (task.voice(), task.shown()) == (before, shown)

    task.train(GPT, "d-3", [2.5])
    assert task.voice() == ["d-3 voice-e1.ckpt", "c-3 voice_e1_s10.pth"]
    assert task.shown() == [
        "GPT_weights_nano/voice-e1.ckpt",
        "SoVITS_weights_nano/voice_e1_s10.pth",
    ]


def test_a_training_of_the_same_clips_that_ended_worse_does_not_replace_the_better(
    task: Task,
) -> None:
    task.train(SOVITS, "a-1", [0.5])
    task.train(GPT, "b-1", [2.0])
    made = task.train(SOVITS, "c-2", [0.9, 0.7])
    assert made is not None
    assert any("0.5, this training 0.7" in warning for warning in made.warnings)
    assert task.voice() == ["b-1 voice-e1.ckpt", "a-1 voice_e1_s10.pth"]
    task.train(SOVITS, "d-3", [0.45])
    assert task.voice() == ["b-1 voice-e1.ckpt", "d-3 voice_e1_s10.pth"]


def test_a_voice_of_an_older_program_stays_whole_until_both_are_trained_anew(task: Task) -> None:
    workspace = task.context.workspace
    for folder, name in (
        (workspace.gpt_weights("nano"), "voice-e15.ckpt"),
        (workspace.sovits_weights("nano"), "voice_e50_s500.pth"),
    ):
        folder.mkdir()
        (folder / name).write_text("old")
    task.train(SOVITS, "a-1", [0.5])
    assert task.voice() == ["old", "old"]
    task.train(GPT, "b-1", [2.0])
    assert task.voice() == ["b-1 voice-e1.ckpt", "a-1 voice_e1_s10.pth"]


def test_folders_of_other_trainings_go_but_those_of_the_voice_stay(task: Task) -> None:
    task.train(SOVITS, "a-1", [0.5])
    task.train(GPT, "b-1", [2.0])
    task.train(SOVITS, "c-2", [0.1], finish=False)
    task.trainings.remove_others(SOVITS, "d-3")
    assert [table.run for table in task.trainings.tables(SOVITS)] == ["a-1"]
    assert task.voice() == ["b-1 voice-e1.ckpt", "a-1 voice_e1_s10.pth"]


def test_what_is_shown_is_mended_after_a_process_died_in_the_middle(task: Task) -> None:
    task.train(SOVITS, "a-1", [0.5])
    task.train(GPT, "b-1", [2.0])
    shown = task.context.workspace.root / "SoVITS_weights_nano/voice_e1_s10.pth"
    shown.unlink()
    shown.write_text("of a later training, published no further")
    assert task.voice()[1] == "a-1 voice_e1_s10.pth"
    task.trainings.show()
    assert shown.read_text() == "a-1 voice_e1_s10.pth"


@pytest.mark.parametrize(
    ("make", "train"), [(gpt_settings, train_gpt), (sovits_settings, train_sovits)]
)
def test_a_training_keeps_a_table_of_its_checkpoints(
    experiment: Experiment, tmp_path: Path, make, train
) -> None:
    def settings(out: Path):
        made = make(experiment, out, max_steps=12)
        return replace(
            made, items=made.items[:4], held_out=made.items[4:], keep_exports=3, inputs="features"
        )

    whole = settings(tmp_path / "a")
    train(whole, LocalWorker(tmp_path / "a" / "run-7"))
    table = TrainingTable.load(whole.weights_folder)
    assert table is not None
    assert (table.run, table.finished, table.inputs) == ("run-7", True, "features")
    assert table.held_out == ("clip4.wav",)
    assert [(c.epoch, c.step) for c in table.checkpoints] == [(1, 3), (2, 6), (3, 9), (4, 12)]
    assert all(c.validation for c in table.checkpoints)
    kept = [c for c in table.checkpoints if c.kept]
    assert len(kept) == 3
    assert table.checkpoints[-1].kept
    assert table.choice is not None
    assert table.choice.checkpoint.kept
    on_disk = {path.name: path.stat().st_size for path in whole.weights_folder.glob("voice*")}
    assert on_disk == {c.file: c.size for c in kept}

    broken = StoppingWorker(tmp_path / "b" / "run-7")
    with pytest.raises(Interrupted):
        train(settings(tmp_path / "b"), broken)
    cut = TrainingTable.load(settings(tmp_path / "b").weights_folder)
    assert cut is not None
    assert not cut.finished
    train(settings(tmp_path / "b"), resumed(broken))
    again = TrainingTable.load(settings(tmp_path / "b").weights_folder)
    assert again is not None
    numbers = [(c.epoch, c.kept, dict(c.validation)) for c in again.checkpoints]
    assert numbers == [(c.epoch, c.kept, dict(c.validation)) for c in table.checkpoints]


def test_sovits_is_chosen_from_the_last_phase_of_its_recipe(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = sovits_settings(experiment, tmp_path, max_steps=12)
    train_sovits(settings, LocalWorker(tmp_path / "run-1"))
    table = TrainingTable.load(settings.weights_folder)
    assert table is not None
    assert [c.candidate for c in table.checkpoints] == [False, False, True, True]
