"""What the whole service costs: time from `serve run` to ready, memory idle and while it trains.

    python benchmarks/service_cost.py

Memory is the proportional set size over all processes of the service, which counts shared
pages once; training's is given as a ratio to idle. The data are the clips of samples/, the
base model nano, one worker.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.memory import MemoryWatch
from benchmarks.running_service import PROJECT, running_service
from ray_pipeline.core.step_names import StepName
from serve_app.client import Client

CONFIG = {"language": "en", "base_model": "nano", "exp_name": "cost"}
PARAMS = {"train_sovits": {"max_steps": 40}, "train_gpt": {"max_steps": 20}}
STAGES = {
    "steps 1 to 4": (StepName.CONVERT_AUDIO, StepName.ASR_TRANSCRIBE),
    "features": (StepName.EXTRACT_TEXT_FEATURES, StepName.EXTRACT_SEMANTIC_FEATURES),
    "train_sovits": (StepName.TRAIN_SOVITS, StepName.TRAIN_SOVITS),
    "train_gpt": (StepName.TRAIN_GPT, StepName.TRAIN_GPT),
    "test_inference": (StepName.TEST_INFERENCE, StepName.TEST_INFERENCE),
}


def main() -> None:
    started = time.monotonic()
    with running_service() as service, Client(service.url) as client:
        print(f"ready after {time.monotonic() - started:.0f} s")
        with MemoryWatch(service) as idle:
            time.sleep(5)
        print(f"idle: {idle.peak:.0f} MB in {len(service.processes())} processes")
        task_id = client.create("cost", CONFIG).task_id
        samples = PROJECT / "samples"
        client.upload(task_id, [*sorted(samples.glob("*.flac")), samples / "transcripts.list"])
        for name, (first, last) in STAGES.items():
            with MemoryWatch(service) as watch:
                params = {first: PARAMS[first]} if first in PARAMS else None
                client.run(task_id, start=first, end=last, params=params)
                done = client.wait(task_id)
            ratio = watch.peak / idle.peak
            print(f"{name}: {watch.peak:.0f} MB at most, {ratio:.1f} × idle ({done.status})")


if __name__ == "__main__":
    main()
