"""Whole trainings in this process: what they write, and that going on equals not stopping."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from ray_pipeline.audio.spectrogram import spectrogram
from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.gpt.trainer import train_gpt
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.worker import LocalWorker
from ray_pipeline.weights.archive import load_archive
from ray_pipeline.weights.files import load_gpt, load_sovits, load_training
from tests.training.experiment import gpt_settings, sovits_settings
from tests.training.interrupted import Interrupted, StoppingWorker, resumed


def test_sovits_training_leaves_exports_checkpoints_curves_and_numbers(
    experiment: Experiment, tmp_path: Path
) -> None:
    progress = RecordingProgress()
    settings = sovits_settings(experiment, tmp_path, progress=progress)
    settings = replace(settings, items=settings.items[:4], held_out=settings.items[4:])
    worker = LocalWorker(tmp_path / "run")
    train_sovits(settings, worker)

    assert [report.step for report in worker.reports] == [3, 6]
    assert set(worker.reports[0].clips) == {item.name for item in settings.items}
    assert "sovits/loss_mel" in worker.reports[0].values
    assert worker.reports[0].values["sovits/gradient_norm_generator"] > 0
    speed = worker.reports[1].speed
    assert 0 <= speed["sovits/data_wait"] < 1
    assert min(speed[f"sovits/{name}_per_second"] for name in ("steps", "audio_seconds")) > 0
    assert speed["sovits/memory_gb"] > 0
    evaluation = worker.reports[-1].evaluation
    assert evaluation["held_out_clips"] == 1
    assert evaluation["held_out_mel_constant_frame"] > 0
    names = sorted(path.name for path in settings.weights_folder.glob("*.pth"))
    assert names == ["voice_e1_s3.pth", "voice_e2_s6.pth"]
    loaded = load_sovits(settings.weights_folder / names[1], "nano")
    assert loaded.info == "2epoch_6iteration"
    links = settings.checkpoint_links
    assert load_training(links / "G_6.pth").iteration == 2
    assert (links / "D_3.pth").is_symlink()
    assert progress.advances[-1][:2] == (6, 6)
    curves = EventAccumulator(str(links))
    curves.Reload()
    assert [point.step for point in curves.Scalars("epoch/sovits/loss_mel")] == [3, 6]


def test_sovits_training_that_was_interrupted_ends_like_one_that_was_not(
    experiment: Experiment, tmp_path: Path
) -> None:
    whole = LocalWorker(tmp_path / "a" / "run")
    train_sovits(sovits_settings(experiment, tmp_path / "a"), whole)
    broken = StoppingWorker(tmp_path / "b" / "run")
    settings = sovits_settings(experiment, tmp_path / "b")
    with pytest.raises(Interrupted):
        train_sovits(settings, broken)
    again = resumed(broken)
    train_sovits(settings, again)

    assert [report.epoch for report in again.reports] == [2]
    assert again.reports[0].clips == whole.reports[1].clips
    for name, value in whole.reports[1].values.items():
        assert again.reports[0].values[name] == pytest.approx(value, rel=1e-4), name


def test_gpt_training_leaves_exports_checkpoints_and_numbers(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = gpt_settings(experiment, tmp_path)
    settings = replace(settings, items=settings.items[:4], held_out=settings.items[4:])
    worker = LocalWorker(tmp_path / "run")
    train_gpt(settings, worker)

    evaluation = worker.reports[-1].evaluation
    assert 0 <= evaluation["top3_unigram"] <= evaluation["top3_training"] + 0.5
    assert evaluation["token_perplexity"] > 10
    assert "top3_held_out" in evaluation
    assert load_gpt(settings.weights_folder / "voice-e2.ckpt", "nano").info == "GPT-e2"
    links = sorted(path.name for path in settings.checkpoint_links.iterdir())
    assert links == ["epoch=0-step=3.ckpt", "epoch=1-step=6.ckpt"]


def test_gpt_training_that_was_interrupted_ends_like_one_that_was_not(
    experiment: Experiment, tmp_path: Path
) -> None:
    whole = LocalWorker(tmp_path / "a" / "run")
    train_gpt(gpt_settings(experiment, tmp_path / "a"), whole)
    broken = StoppingWorker(tmp_path / "b" / "run")
    settings = gpt_settings(experiment, tmp_path / "b")
    with pytest.raises(Interrupted):
        train_gpt(settings, broken)
    again = resumed(broken)
    train_gpt(settings, again)

    assert [report.epoch for report in again.reports] == [2]
    for name, value in whole.reports[1].values.items():
        assert again.reports[0].values[name] == pytest.approx(value, rel=1e-4), name


def test_a_finished_training_has_no_epoch_left(experiment: Experiment, tmp_path: Path) -> None:
    settings = gpt_settings(experiment, tmp_path, max_steps=3)
    worker = LocalWorker(tmp_path / "run")
    train_gpt(settings, worker)
    again = resumed(worker)
    train_gpt(settings, again)
    assert again.reports == []


def test_a_checkpoint_of_another_model_is_refused(experiment: Experiment, tmp_path: Path) -> None:
    settings = gpt_settings(experiment, tmp_path, max_steps=3)
    worker = LocalWorker(tmp_path / "run")
    train_gpt(settings, worker)
    wider = replace(settings, model=replace(settings.model, width=64))
    with pytest.raises(BadModelFile) as caught:
        train_gpt(wider, resumed(worker))
    assert "force" in caught.value.hint


def test_files_are_read_and_spectrograms_computed_once_in_a_run(
    experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths: list[int] = []

    def counted(wav: torch.Tensor) -> torch.Tensor:
        lengths.append(wav.shape[-1])
        return spectrogram(wav)

    monkeypatch.setattr("ray_pipeline.training.sovits.data.spectrogram", counted)
    settings = sovits_settings(experiment, tmp_path, max_steps=9)
    worker = LocalWorker(tmp_path / "run")
    train_sovits(settings, worker)
    assert len(worker.reports) == 3
    assert len(lengths) == len(set(lengths)) == len(settings.items)


def test_the_configuration_beside_a_training_is_that_in_its_exports(
    experiment: Experiment, tmp_path: Path
) -> None:
    settings = sovits_settings(experiment, tmp_path, max_steps=3)
    train_sovits(settings, LocalWorker(tmp_path / "run"))
    beside = json.loads(settings.config_path.read_text("utf-8"))
    exported = load_archive(settings.weights_folder / "voice_e1_s3.pth")["config"]
    assert beside == json.loads(json.dumps(exported))
    assert (beside["name"], beside["train"]["fp16_run"]) == ("voice", False)
