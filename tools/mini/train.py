"""Train a stage of the base: `python -m tools.mini.train --help`.

    durations   phones to durations
    acoustic    tokens and speaker to mel, pitch and voicing
    vocoder     mel and pitch to the waveform

A stage goes on where it was stopped (its checkpoint has the optimiser and the step, and what is
drawn at random in a step follows from seed and step). With --from it starts from the weights of
a base; with `collect` the three stages become a base file. Several processes share the work of
a step: `torchrun --nproc-per-node 2 -m tools.mini.train ...`; each draws a batch of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from ray_pipeline.core.workspace import atomic_path
from ray_pipeline.models.mini.config import MINI
from ray_pipeline.models.mini.files import Base, load_base, new_base, save_base
from ray_pipeline.training.mini.data import (
    MiniClip,
    acoustic_batch,
    duration_batch,
    vocoder_batch,
)
from ray_pipeline.training.mini.recipe import Schedule, StageRecipe
from ray_pipeline.training.mini.step import (
    Stepper,
    acoustic_losses,
    duration_losses,
    optimizer_of,
    vocoder_losses,
)
from tools.mini.features import load

PADDING = MINI.acoustic.num_symbols  # the id behind the ends of both phone encoders

_VALIDATION = 24  # clips of each set, the last ones
_WINDOW = 80  # clips of about one length that a batch is drawn from
_SAVE_EVERY = 100

RECIPES = {
    "durations": StageRecipe(schedule=Schedule(steps=1500, learning_rate=1e-3), batch_size=24),
    "acoustic": StageRecipe(
        schedule=Schedule(steps=3000, learning_rate=2e-3, warmup=60), batch_size=12
    ),
    "vocoder": StageRecipe(
        schedule=Schedule(steps=2000, learning_rate=2e-3, warmup=40),
        batch_size=8,
        slice_frames=100,
        betas=(0.8, 0.98),
    ),
}


@dataclass(frozen=True)
class Corpus:
    """Clips in the order of their lengths, with how often each is to be drawn."""

    train: list[MiniClip]
    weights: np.ndarray
    validation: list[MiniClip]

    @classmethod
    def read(cls, work: Path, shares: Mapping[str, float], *, with_wav: bool) -> Corpus:
        """`shares` of the training time by set."""
        train: list[tuple[MiniClip, float]] = []
        validation: list[MiniClip] = []
        for name, share in shares.items():
            paths = sorted((work / "features" / name).glob("*.npz"))
            clips = [load(path, with_wav=with_wav) for path in paths]
            validation += clips[-_VALIDATION:]
            clips = [clip for clip in clips[:-_VALIDATION] if 0.6 < clip.seconds < 16]
            seconds = sum(clip.seconds for clip in clips)
            print(f"{name}: {len(clips)} clips, {seconds / 60:.1f} min", flush=True)
            train += [(clip, share / seconds) for clip in clips]
        train.sort(key=lambda pair: len(pair[0].mel))
        return cls([c for c, _ in train], np.array([w for _, w in train]), validation)

    def draw(self, count: int, rng: np.random.Generator) -> list[MiniClip]:
        """Clips of about one length."""
        chance = self.weights * [len(clip.mel) for clip in self.train]
        middle = rng.choice(len(self.train), p=chance / chance.sum())
        start = int(np.clip(middle - _WINDOW // 2, 0, max(0, len(self.train) - _WINDOW)))
        window = self.weights[start : start + _WINDOW]
        picked = rng.choice(len(window), count, replace=False, p=window / window.sum())
        return [self.train[start + index] for index in picked]


Losses = Callable[[list[MiniClip], np.random.Generator], dict[str, Tensor]]


def network_of(stage: str, base: Base) -> nn.Module:
    if stage == "durations":
        return base.durations
    return base.synthesizer.acoustic if stage == "acoustic" else base.synthesizer.vocoder


def losses_of(stage: str, network: nn.Module, recipe: StageRecipe) -> Losses:
    def losses(clips: list[MiniClip], rng: np.random.Generator) -> dict[str, Tensor]:
        if stage == "vocoder":
            generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
            return vocoder_losses(
                network, vocoder_batch(clips, recipe.slice_frames, rng), generator
            )
        if stage == "durations":
            return duration_losses(network, duration_batch(clips, PADDING))
        return acoustic_losses(network, acoustic_batch(clips, PADDING))

    return losses


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=(*RECIPES, "collect"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=[], help="name or name=share of the time")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--batch-size", type=int, help="of each process")
    parser.add_argument("--rate", type=float, help="highest learning rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", default="base", help="of the run: <work>/training/<name>")
    parser.add_argument("--from", dest="start", type=Path, help="a base file to start from")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = arguments.work / "training" / arguments.name
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.stage == "collect":
        collect(folder, arguments.start)
    else:
        train(folder, arguments)


def train(folder: Path, arguments: argparse.Namespace) -> None:
    stage, seed = arguments.stage, arguments.seed
    recipe = RECIPES[stage]
    recipe = _with(recipe, arguments)
    pairs = (name.split("=") for name in arguments.sets)
    shares = {name: float(share[0]) if share else 1.0 for name, *share in pairs}
    rank = _join()
    torch.manual_seed(seed)
    base = new_base(MINI) if arguments.start is None else load_base(arguments.start)
    network = network_of(stage, base).train()
    stepper = Stepper(network, optimizer_of(network, recipe), recipe)
    path = folder / f"{stage}.pt"
    if path.exists():
        saved = torch.load(path, weights_only=True)
        network.load_state_dict(saved["network"])
        stepper.optimizer.load_state_dict(saved["optimizer"])
        stepper.steps_done = saved["step"]
    corpus = Corpus.read(arguments.work, shares, with_wav=stage == "vocoder")
    losses = losses_of(stage, network, recipe)
    if distributed.is_initialized():
        shared = DistributedDataParallel(network)
        shared_losses = losses_of(stage, shared, recipe)
    else:
        shared_losses = losses
    log = Log(folder / f"{stage}.jsonl")
    while stepper.steps_done < recipe.schedule.steps:
        rng = np.random.default_rng([seed, stepper.steps_done, rank])
        log.add(stepper.step(shared_losses(corpus.draw(recipe.batch_size, rng), rng)))
        is_due = stepper.steps_done % _SAVE_EVERY == 0
        if rank == 0 and (is_due or stepper.steps_done == recipe.schedule.steps):
            log.write(stepper.steps_done, judge(corpus.validation, network, losses, recipe))
            with atomic_path(path) as partial:
                torch.save(
                    {
                        "network": network.state_dict(),
                        "optimizer": stepper.optimizer.state_dict(),
                        "step": stepper.steps_done,
                    },
                    partial,
                )


@torch.no_grad()
def judge(
    clips: list[MiniClip], network: nn.Module, losses: Losses, recipe: StageRecipe
) -> dict[str, float]:
    """The losses on clips that are not trained on, the same each time."""
    network.eval()
    rng = np.random.default_rng(0)
    batches = [clips[start : start + 12] for start in range(0, len(clips), 12)]
    found = [losses(batch, rng) for batch in batches]
    network.train()
    return {
        f"held_out_{name}": float(np.mean([f[name].item() for f in found])) for name in found[0]
    }


class Log:
    """Means of the losses since the last line, as JSON lines and on the screen."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._losses: list[dict[str, float]] = []
        self._started = time.process_time()

    def add(self, losses: dict[str, float]) -> None:
        self._losses.append(losses)

    def write(self, step: int, more: dict[str, float]) -> None:
        names = self._losses[0]
        means = {name: float(np.mean([one[name] for one in self._losses])) for name in names}
        line = {"step": step, "cpu_seconds": time.process_time() - self._started, **means, **more}
        rounded = {name: round(value, 4) for name, value in line.items()}
        print(rounded, flush=True)
        with self._path.open("a") as file:
            file.write(json.dumps(rounded) + "\n")
        self._losses = []


def collect(folder: Path, start: Path | None) -> None:
    """The stages of the run as <folder>/base.safetensors; those that were not trained are taken
    from `start`."""
    torch.manual_seed(0)
    base = new_base(MINI) if start is None else load_base(start)
    for stage in RECIPES:
        path = folder / f"{stage}.pt"
        if path.exists():
            network_of(stage, base).load_state_dict(torch.load(path, weights_only=True)["network"])
            print(f"{stage} from {path}")
    save_base(folder / "base.safetensors", base, {"run": folder.name})


def _join() -> int:
    """The number of this process among those that torchrun started, 0 without."""
    if "RANK" not in os.environ:
        return 0
    distributed.init_process_group("gloo")
    return distributed.get_rank()


def _with(recipe: StageRecipe, arguments: argparse.Namespace) -> StageRecipe:
    schedule = replace(
        recipe.schedule,
        steps=arguments.steps or recipe.schedule.steps,
        learning_rate=arguments.rate or recipe.schedule.learning_rate,
    )
    batch_size = arguments.batch_size or recipe.batch_size
    return replace(recipe, schedule=schedule, batch_size=batch_size)


if __name__ == "__main__":
    main()
