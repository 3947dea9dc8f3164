"""Both trainings one after the other, to a voice that speaks: again, and by two processes that
share gradients over gloo, as Ray Train starts them."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ray_pipeline.core.step_context import StepContext
from ray_pipeline.models.mini.voice import MiniVoice
from ray_pipeline.training.mini.settings import DurationSettings, SynthesizerSettings
from ray_pipeline.training.mini.trainer import train_durations, train_synthesizer
from ray_pipeline.training.worker import EpochReport, LocalWorker
from tests.training.mini.experiment import stage1, stage2

pytestmark = pytest.mark.slow

PHONES = [50, 60, 61, 62, 70, 80]
_WAITING = timedelta(seconds=180)


def spoken(first: DurationSettings, second: SynthesizerSettings) -> np.ndarray:
    voice = MiniVoice.load(
        first.weights_folder / first.export_name(2, 6),
        second.weights_folder / second.export_name(2, 6),
    )
    return voice.speak(PHONES, "en", seed=1)


def test_the_same_seed_gives_the_same_voice_and_another_seed_another(
    mini_context: StepContext,
) -> None:
    def voice_of(seed: int, name: str) -> np.ndarray:
        folder = mini_context.workspace.root / name
        first = replace(stage1(mini_context), seed=seed, weights_folder=folder / "weights1")
        second = replace(stage2(mini_context), seed=seed, weights_folder=folder / "weights2")
        train_durations(first, LocalWorker(folder / "run1"))
        train_synthesizer(second, LocalWorker(folder / "run2"))
        return spoken(first, second)

    once = voice_of(7, "once")
    assert np.abs(once).max() > 0
    np.testing.assert_array_equal(voice_of(7, "again"), once)
    assert not np.array_equal(voice_of(8, "other"), once)


class GlooWorker(LocalWorker):
    """One of two. `networks` are those whose gradients it shares."""

    def __init__(self, run_folder: Path, rank: int) -> None:
        super().__init__(run_folder)
        self.rank, self.num_workers = rank, 2
        self.networks: list[nn.Module] = []

    def share_gradients(self, module: nn.Module) -> nn.Module:
        self.networks.append(module)
        return DistributedDataParallel(module, broadcast_buffers=False)

    def report(self, report: EpochReport, checkpoint: Path | None) -> None:
        distributed.barrier()
        super().report(report, checkpoint)

    def seen(self) -> dict[str, Any]:
        networks = [network.state_dict() for network in self.networks]
        return {"clips": self.reports[0].clips, "networks": networks}


def train_both(
    root: Path, rank: int, first: DurationSettings, second: SynthesizerSettings
) -> list[dict[str, Any]]:
    """What a worker saw of its clips, and its weights at the end, of each training."""
    torch.set_num_threads(1)
    store = distributed.FileStore(str(root / "rendezvous"), 2)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=2, timeout=_WAITING)
    try:
        workers = [GlooWorker(root / f"run{stage}", rank) for stage in (1, 2)]
        train_durations(first, workers[0])
        train_synthesizer(second, workers[1])
    finally:
        distributed.destroy_process_group()
    return [worker.seen() for worker in workers]


def second_worker(root: Path, first: DurationSettings, second: SynthesizerSettings) -> None:
    torch.save(train_both(root, 1, first, second), root / "second.pt")


@pytest.mark.filterwarnings("ignore:Grad strides")
def test_two_workers_with_different_clips_train_one_voice(mini_context: StepContext) -> None:
    root, settings = mini_context.workspace.root, (stage1(mini_context), stage2(mini_context))
    other = multiprocessing.get_context("spawn").Process(
        target=second_worker, args=(root, *settings)
    )
    other.start()
    try:
        mine = train_both(root, 0, *settings)
        other.join(timeout=120)
        assert other.exitcode == 0
    finally:
        other.kill()
    theirs = torch.load(root / "second.pt", weights_only=True)

    for one, its_like in zip(mine, theirs, strict=True):
        assert sorted(one["clips"] + its_like["clips"]) == [f"clip{n}.wav" for n in range(4)]
        for network, the_same in zip(one["networks"], its_like["networks"], strict=True):
            assert equal(network, the_same)
    wav = spoken(*settings)
    assert np.isfinite(wav).all()
    assert np.abs(wav).max() > 0


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(x, other[n]) for n, x in one.items())
