"""What a second worker brings on a CPU: a SoVITS training by Ray Train, alone and by two (gloo).

    python -m benchmarks.two_workers [--rounds 2]

Version v2 in its full size on made-up clips of four seconds, two clips a worker and step. In turn:
one worker on one core, one on two cores (its threads share each operation), two on a core each. A
line each says how much sound they learned from in a second, as the training itself measures it in
its last epoch; then the ratios. It needs two free cores to say anything, and 10 GB of memory; a
case takes two to five minutes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from pathlib import Path
from statistics import median

import ray

from benchmarks.compare.epochs import made_up_settings
from ray_pipeline.core.progress import NullProgress
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.training.launcher import train
from ray_pipeline.training.sovits.trainer import train_sovits

_CLIPS = 8
_SPEED = "sovits/audio_seconds_per_second"
# CPUs of the cluster (which decides the threads of a worker) and workers.
_CASES = {"one core": (1, 1), "one worker, two cores": (2, 1), "two workers": (2, 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    rounds = parser.parse_args().rounds
    speeds: dict[str, list[float]] = {name: [] for name in _CASES}
    for _ in range(rounds):
        for name, (cpus, workers) in _CASES.items():
            with tempfile.TemporaryDirectory() as folder:
                speeds[name].append(_speed(Path(folder), cpus, workers))
            load = os.getloadavg()[0]
            print(
                f"{name}: {speeds[name][-1]:.3f} s of sound a second, load {load:.1f}", flush=True
            )
    medians = {name: median(each) for name, each in speeds.items()}
    for name in list(_CASES)[1:]:
        gain = medians[name] / medians["one core"]
        print(f"{name}: {gain:.2f} times one core, an efficiency of {gain / 2:.0%}")


def _speed(folder: Path, cpus: int, workers: int) -> float:
    ray.init(num_cpus=cpus, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        history = train(
            train_sovits,
            made_up_settings(folder, _CLIPS),
            plan=WorkerPlan(workers, 0.9),
            run_name="run",
            storage_path=folder / "storage",
            progress=NullProgress(),
        )
    finally:
        ray.shutdown()
    return history.last.speed[_SPEED]


if __name__ == "__main__":
    main()
