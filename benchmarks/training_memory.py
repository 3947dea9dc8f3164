"""How much memory a step of each training takes, beside what `training/memory_model.py` expects.

    python -m benchmarks.training_memory [--only v2] [--keep FILE]

Each case is a process of its own, set up as a worker of a training: networks in full size,
optimisers, and as many steps on a made-up batch as it takes until nothing new is kept (a CPU,
float32). What is printed is its peak, libraries included, and how far the estimate is from it.
`--keep` also writes the numbers as JSON. A case takes seconds to a minute, and up to ten
gigabytes.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Case:
    """So many clips of a length at a time. `recompute` is gradient checkpointing, `preference`
    what if_dpo asks for."""

    version: str
    training: str
    clips: int
    seconds: float
    recompute: bool = False
    preference: bool = False

    @property
    def name(self) -> str:
        more = [word for word in ("recompute", "preference") if getattr(self, word)]
        return " ".join([self.version, self.training, f"{self.clips} x {self.seconds:g} s", *more])


def _sizes(version: str, training: str, *sizes: tuple[int, float], **more: bool) -> list[Case]:
    return [Case(version, training, clips, seconds, **more) for clips, seconds in sizes]


CASES = [
    *_sizes("v2", "sovits", (1, 4), (4, 4), (2, 15), (1, 35)),
    *_sizes("v2", "gpt", (1, 4), (8, 4), (2, 15), (1, 30)),
    *_sizes("v2", "sovits", (4, 4), (1, 35), recompute=True),
    *_sizes("v2", "gpt", (1, 4), (2, 15), (1, 50), recompute=True),
    *_sizes("v2", "gpt", (4, 4), (2, 15), preference=True),
    *_sizes("mini", "sovits", (1, 4), (8, 4), (8, 35)),
    *_sizes("mini", "gpt", (1, 4), (8, 35)),
    *_sizes("nano", "sovits", (1, 4), (2, 4), (2, 35)),
    *_sizes("nano", "gpt", (1, 4), (4, 4), (4, 50)),
    *_sizes("v2Pro", "sovits", (1, 4), (4, 4)),
    *_sizes("v2ProPlus", "sovits", (1, 4), (4, 4), (2, 15)),
]


def main() -> int:
    options = _parse()
    if options.case is not None:
        print(json.dumps(measure(Case(**json.loads(options.case)))))
        return 0
    rows = []
    for case in CASES:
        if options.only not in case.name:
            continue
        found = in_worker(case)
        rows.append({**asdict(case), **found})
        expected = expected_gb(case)
        measured = found.get("peak_gb", float("nan"))
        print(
            f"{case.name}: {measured:.2f} GB, expected {expected:.2f} ({expected / measured:.2f})",
            flush=True,
        )
    if options.keep is not None:
        options.keep.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
    return 0


def expected_gb(case: Case) -> float:
    from ray_pipeline.training.memory_model import Training

    training = Training(
        version=case.version,
        stage="gpt" if case.training == "gpt" else "sovits",
        recompute=case.recompute,
        preference=case.preference,
    )
    return training.peak_gb(case.clips, case.seconds)


def in_worker(case: Case) -> dict[str, Any]:
    """What `measure` says in a process with a worker's environment."""
    from ray_pipeline.training.launcher import WORKER_ENVIRONMENT

    command = [sys.executable, "-m", "benchmarks.training_memory", "--case"]
    done = subprocess.run(
        [*command, json.dumps(asdict(case))],
        env={**os.environ, **WORKER_ENVIRONMENT},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        return {"failed": done.returncode}
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def measure(case: Case) -> dict[str, float]:
    """Gigabytes: of the process before it has networks, and at its peak."""
    import ray.train.torch  # noqa: F401  (a worker has it)
    import torch

    from benchmarks.cost import Cost, megabytes

    torch.set_num_threads(1)
    steps = _steps_of(case)
    next(steps)
    before = megabytes("VmRSS")
    with Cost() as cost:
        for _ in steps:
            pass
    return {
        "process_gb": before / 1e3,
        "peak_gb": (before + cost.peak_mb) / 1e3,
        "cpu_seconds": cost.cpu_seconds,
    }


def _steps_of(case: Case) -> Iterator[None]:
    """The first comes when everything is imported, the others after steps."""
    if case.version == "mini":
        return _mini(case)
    return _gpt(case) if case.training == "gpt" else _sovits(case)


def _sovits(case: Case) -> Iterator[None]:
    import torch

    from ray_pipeline.models.sovits.config import SOVITS_CONFIGS
    from ray_pipeline.models.sovits.discriminator import Discriminator
    from ray_pipeline.models.sovits.synthesizer import Synthesizer
    from ray_pipeline.training.recomputing import recompute
    from ray_pipeline.training.sovits.data import SovitsBatch
    from ray_pipeline.training.sovits.recipe import sovits_recipe
    from ray_pipeline.training.sovits.setup import large_blocks
    from ray_pipeline.training.sovits.step import SovitsStepper, sovits_optimizers

    yield
    config, recipe = SOVITS_CONFIGS[case.version], sovits_recipe(case.version)
    generator = Synthesizer(config)
    discriminator = Discriminator(config.periods, config.discriminator_divisor)
    generator.ssl_proj.requires_grad_(False)
    if case.recompute:
        recompute(large_blocks(generator))
    optimizers = sovits_optimizers(generator, discriminator, recipe)
    stepper = SovitsStepper(generator, discriminator, optimizers, recipe)
    clips, frames, phones = case.clips, 2 * (int(case.seconds * 50) // 2 + 1), _phones(case)
    batch = SovitsBatch(
        names=[f"clip{number}" for number in range(clips)],
        ssl=torch.randn(clips, config.ssl_dim, frames),
        spec=torch.rand(clips, config.spec_bins, frames),
        spec_lengths=torch.full((clips,), frames),
        wav=torch.rand(clips, 1, frames * 640) - 0.5,
        phones=torch.randint(config.num_phones, (clips, phones)),
        phone_lengths=torch.full((clips,), phones),
        speaker=torch.rand(clips, config.speaker_dim) if config.speaker_dim else None,
    )
    for phase in (recipe.phases[0], recipe.phases[-1]):
        stepper.step(batch, phase)
        yield


def _gpt(case: Case) -> Iterator[None]:
    from dataclasses import replace

    import torch

    from ray_pipeline.models.gpt.config import GPT_CONFIGS
    from ray_pipeline.models.gpt.model import Text2Semantic
    from ray_pipeline.training.gpt.data import GptBatch
    from ray_pipeline.training.gpt.recipe import gpt_recipe
    from ray_pipeline.training.gpt.step import GptStepper, gpt_optimizer
    from ray_pipeline.training.recomputing import recompute

    yield
    config = GPT_CONFIGS[case.version]
    recipe = replace(gpt_recipe(case.version), preference=case.preference)
    model = Text2Semantic(config)
    if case.recompute:
        recompute(model.h.layers)
    stepper = GptStepper(model, gpt_optimizer(model, recipe), recipe)
    clips, phones, tokens = case.clips, _phones(case), int(case.seconds * 25)
    batch = GptBatch(
        names=[f"clip{number}" for number in range(clips)],
        phones=torch.randint(config.phoneme_vocab_size, (clips, phones)),
        phone_lengths=torch.full((clips,), phones),
        tokens=torch.randint(config.eos, (clips, tokens)),
        token_lengths=torch.full((clips,), tokens),
        bert=torch.randn(clips, 1024, phones),
    )
    for index in (4, 1):  # the optimiser's step is after the batches 4, 8, ...
        stepper.step(batch, index)
        yield


def _mini(case: Case) -> Iterator[None]:
    from dataclasses import replace

    import numpy as np

    from ray_pipeline.models.mini.config import MEL_HOP, SPEAKER_DIM
    from ray_pipeline.models.mini.files import shipped_base
    from ray_pipeline.training.mini.data import MiniClip
    from ray_pipeline.training.mini.fine_tune import (
        TuningData,
        tune_acoustic,
        tune_durations,
        tune_vocoder,
    )
    from ray_pipeline.training.mini.recipe import FINE_TUNING
    from ray_pipeline.training.mini.teachers import shipped_teachers

    yield
    base, rng = shipped_base(), np.random.default_rng(1)
    phones, tokens = _phones(case), int(case.seconds * 50)
    frames = np.full(phones, tokens // phones)
    frames[-1] += tokens - frames.sum()
    clip = MiniClip(
        name="clip",
        ids=rng.integers(1, 300, phones),
        frames=frames,
        mel=rng.normal(size=(2 * tokens, 80)).astype(np.float32),
        pitch_hz=np.full(2 * tokens, 120.0, np.float32),
        speaker=rng.normal(size=SPEAKER_DIM).astype(np.float32),
        wav=rng.normal(size=2 * tokens * MEL_HOP).astype(np.float32),
    )
    shipped_teachers()
    data = TuningData(clips=[clip], held_out=[], teachers=(), seed=1)

    def sized(recipe: Any) -> Any:
        return replace(recipe, batch_size=case.clips)

    if case.training == "gpt":
        tunings = [tune_durations(base.durations, data, sized(FINE_TUNING.durations))]
    else:
        tunings = [
            tune_acoustic(base.synthesizer.acoustic, data, sized(FINE_TUNING.acoustic)),
            tune_vocoder(base.synthesizer, data, sized(FINE_TUNING.vocoder)),
        ]
    for tuning in tunings:
        for _ in range(2):
            tuning.step()
            yield


def _phones(case: Case) -> int:
    return int(12 * case.seconds)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="a part of the names of cases")
    parser.add_argument("--keep", type=Path, help="where to write the numbers")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
