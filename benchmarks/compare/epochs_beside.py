"""Whole epochs of both sides, and their loading alone.

An epoch is sound and features from files, steps, a checkpoint and an export. Each training runs in
a process of its own, so that the processor time of its loader's processes, and of ffmpeg, is its
own, too.

The original's dataset, sampler, collation and loader are made as its `s2_train.py` makes them: five
processes, which load each clip anew each time. Its list goes at least 96 times through few clips;
here both sides go once through all.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch.utils.data import DataLoader

from benchmarks.compare.epochs import BATCH, EPOCHS, made_up_experiment, made_up_settings
from ray_pipeline.models.sovits.config import DATA_SECTION, SOVITS_CONFIGS
from ray_pipeline.training.batch import TrainingData
from ray_pipeline.training.sovits.data import SovitsDataset, collate_sovits
from ray_pipeline.training.sovits.settings import SovitsSettings
from ray_pipeline.training.sovits.setup import make_sampler
from ray_pipeline.training.sovits.trainer import train_sovits
from ray_pipeline.training.worker import LocalWorker

_TRAINED, _LOADED = 8, 24  # clips
_VERSION = "v2"


def epochs_beside(checkout: Path, rounds: int) -> Iterator[str]:
    """A line a round, then the medians; last what loading alone takes."""
    ratios = []
    for number in range(rounds):
        took = _in_turn("train", checkout, number)
        ratios.append([took["theirs"][i] / took["ours"][i] for i in (0, 1)])
        yield f"{EPOCHS} epochs of {_TRAINED // BATCH} steps: {_in_words(took)}"
    by_clock, by_cpu = (median(each) for each in zip(*ratios, strict=True))
    yield f"epochs beside the original's: {by_clock:.2f} times by the clock, {by_cpu:.2f} by CPU"
    for number in range(rounds):
        took = _in_turn("load", checkout, number)
        yield f"loading {_LOADED} clips in each of {EPOCHS} epochs: {_in_words(took)}"


def _in_turn(what: str, checkout: Path, number: int) -> dict[str, tuple[float, float]]:
    sides = ["ours", "theirs"] if number % 2 else ["theirs", "ours"]
    return {side: _in_its_own_process(side, what, checkout) for side in sides}


def _in_words(took: dict[str, tuple[float, float]]) -> str:
    return "  ".join(f"{side} {took[side][0]:.1f} s, {took[side][1]:.1f} CPU-s" for side in took)


def _in_its_own_process(side: str, what: str, checkout: Path) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", __name__, side, what, folder, str(checkout)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    seconds, cpu_seconds = json.loads(done.stdout.splitlines()[-1])
    return seconds, cpu_seconds


def _run(side: str, what: str, folder: Path, checkout: Path) -> tuple[float, float]:
    """Seconds and processor seconds from the building of the networks to the last file."""
    if side == "ours":
        settings = made_up_settings(folder, _TRAINED if what == "train" else _LOADED)
        start = _times()
        if what == "train":
            train_sovits(settings, LocalWorker(folder / "run"))
        else:
            _load_ours(settings)
    else:
        clips = _TRAINED if what == "train" else _LOADED
        experiment = made_up_experiment(folder / "experiment", clips)
        _prepare_original(folder, checkout)
        start = _times()
        if what == "train":
            _train_original(experiment.folder, folder)
        else:
            _load_original(experiment.folder)
    end = _times()
    return end[0] - start[0], end[1] - start[1]


def _load_ours(settings: SovitsSettings) -> None:
    dataset = SovitsDataset(settings.experiment, settings.items, with_speaker=False)
    sampler = make_sampler(settings, LocalWorker(settings.experiment.folder))
    data = TrainingData(dataset, sampler, collate_sovits)
    for epoch in range(1, EPOCHS + 1):
        for _ in data.batches(epoch, torch.device("cpu")):
            pass


def _times() -> tuple[float, float]:
    own, others = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return time.monotonic(), own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def _prepare_original(folder: Path, checkout: Path) -> None:
    import imageio_ffmpeg

    from benchmarks.compare import original

    original.open_checkout(checkout)
    if shutil.which("ffmpeg") is None:
        (folder / "bin").mkdir()
        (folder / "bin" / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())
        os.environ["PATH"] += f":{folder / 'bin'}"
    logging.disable(logging.WARNING)
    os.environ["TQDM_DISABLE"] = "1"


def _load_original(experiment: Path) -> None:
    loader = _their_loader(experiment)
    for epoch in range(1, EPOCHS + 1):
        loader.batch_sampler.set_epoch(epoch)
        for _ in loader:
            pass


def _their_loader(experiment: Path) -> Any:
    import utils
    from module import data_utils

    settings = utils.HParams(**DATA_SECTION, exp_dir=str(experiment))
    dataset = data_utils.TextAudioSpeakerLoader(settings, version=_VERSION)
    first = {}
    for row, length in zip(dataset.audiopaths_sid_text, dataset.lengths, strict=True):
        first.setdefault(row[0], (row, length))
    dataset.audiopaths_sid_text, dataset.lengths = map(list, zip(*first.values(), strict=True))
    boundaries = [32, *range(300, 2000, 100)]
    sampler = data_utils.DistributedBucketSampler(
        dataset, BATCH, boundaries, num_replicas=1, rank=0, shuffle=True
    )
    return DataLoader(
        dataset,
        num_workers=5,
        shuffle=False,
        pin_memory=True,
        collate_fn=data_utils.TextAudioSpeakerCollate(version=_VERSION),
        batch_sampler=sampler,
        persistent_workers=True,
        prefetch_factor=3,
    )


def _train_original(experiment: Path, folder: Path) -> None:
    import process_ckpt
    import utils

    from benchmarks.compare import original

    os.chdir(folder)  # it writes beside itself first
    loader = _their_loader(experiment)
    exported = utils.HParams(save_weight_dir=str(folder))
    networks = original.synthesizer_and_discriminator(SOVITS_CONFIGS[_VERSION])
    networks[0].quantizer.vq.layers[0]._codebook.inited.fill_(1)  # a pretrained one is there
    trainer = original.SovitsTraining(*networks, half=False)
    steps = itertools.count(1)
    for epoch in range(1, EPOCHS + 1):
        loader.batch_sampler.set_epoch(epoch)
        for ssl, _, spec, spec_lengths, wav, _, text, text_lengths in loader:
            trainer.step(original.as_batch(ssl, spec, spec_lengths, wav, text, text_lengths))
            step = next(steps)
        for letter, network, optimizer in zip(
            "GD", networks, (trainer.optim_g, trainer.optim_d), strict=True
        ):
            path = str(folder / f"{letter}_{step}.pth")
            utils.save_checkpoint(network, optimizer, 1e-4, epoch, path)
        process_ckpt.savee(networks[0].state_dict(), f"voice_e{epoch}", epoch, step, exported)


if __name__ == "__main__":
    print(json.dumps(_run(*sys.argv[1:3], *map(Path, sys.argv[3:]))))
