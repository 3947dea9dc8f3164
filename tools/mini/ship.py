"""Put a trained base where the project looks for it: `python -m tools.mini.ship --help`.

Writes base.safetensors, the teacher clips of the fine-tuning and the model card into
ray_pipeline/models/mini/data. Look at what `benchmarks/mini_voice.py` says of it before.
"""

from __future__ import annotations

import argparse
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from ray_pipeline.training.mini.data import MiniClip
from ray_pipeline.training.mini.teachers import save_teachers
from tools.mini.features import load

_DATA = Path(__file__).parents[2] / "ray_pipeline" / "models" / "mini" / "data"
_LONGEST_SECONDS = 10
_STAGES = ("durations", "acoustic", "vocoder")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--name", default="base", help="of the run: <work>/training/<name>")
    parser.add_argument(
        "--teachers", nargs="+", required=True, help="sets that clips come from: name=how many"
    )
    parser.add_argument("--into", type=Path, default=_DATA)
    arguments = parser.parse_args()
    run = arguments.work / "training" / arguments.name
    arguments.into.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(run / "base.safetensors", arguments.into / "base.safetensors")
    clips = []
    for pair in arguments.teachers:
        name, _, count = pair.partition("=")
        clips += teachers(arguments.work / "features" / name, int(count or 90))
    save_teachers(arguments.into / "teacher_clips.npz", clips)
    for stage in _STAGES:
        *_, last = (run / f"{stage}.jsonl").read_text().splitlines()
        print(stage, json.loads(last))


def teachers(features: Path, count: int) -> list[MiniClip]:
    """`count` clips of a set, but for those that are long; the set's name has their language."""
    _, language, _ = features.name.split("_")
    paths = sorted(features.glob("*.npz"))
    rng = np.random.default_rng(0)
    chosen = sorted(rng.choice(len(paths), min(count, len(paths)), False))
    clips = [load(paths[index], with_wav=False) for index in chosen]
    return [replace(clip, language=language) for clip in clips if clip.seconds < _LONGEST_SECONDS]


if __name__ == "__main__":
    main()
