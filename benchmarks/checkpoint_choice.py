"""Whether the checkpoint that is chosen is understood better than the newest.

    python -m benchmarks.checkpoint_choice --data ../shared/data/speech_en --work /tmp/choice

Trains the durations of a voice of mini (train_gpt) with several seeds and lets each choose among
its epochs, by its loss and by ear; the chosen and the newest then say sentences that neither the
training nor the choice knew, and the recogniser that is here writes them down. The sound is trained
once, for --sound-steps. Prints a line of JSON a seed and one that sums up; needs `.[offline]`.

`in_time` is the choice that a user gets, who listens for 15 % of the training's time; `unhurried`
has listened to every epoch.
"""

from __future__ import annotations

import argparse
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.mini_task import Recording, make_task, read_recordings
from ray_pipeline.audio.wav import to_int16, write_int16
from ray_pipeline.core.options import TrainGptOptions, TrainOptions, TrainSovitsOptions
from ray_pipeline.core.selection import CER
from ray_pipeline.core.speech import Reference
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.training_table import TrainingTable
from ray_pipeline.judging.character_errors import error_rate
from ray_pipeline.judging.ear import Ear
from ray_pipeline.judging.judge import judge_training
from ray_pipeline.training.families import plan_training
from ray_pipeline.training.plan import TrainingPlan
from ray_pipeline.training.training_step import with_own_folder
from ray_pipeline.training.worker import LocalWorker
from ray_pipeline.voice.voice import load_voice

RUN = "run-1"
LONGEST_SECONDS = 8.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="an empty folder")
    parser.add_argument("--language", default="en")
    parser.add_argument("--clips", type=int, default=20, help="to train on and to choose by")
    parser.add_argument("--unseen", type=int, default=10, help="texts to compare by")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--sound-steps", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recordings = read_recordings(arguments.data, longest_seconds=LONGEST_SECONDS)
    used = recordings[: arguments.clips]
    unseen = recordings[arguments.clips :][: arguments.unseen]
    task = make_task(arguments.work / "task", used, arguments.language)
    options = TrainSovitsOptions(max_steps=arguments.sound_steps)
    sound = train(replace(task, step=StepName.TRAIN_SOVITS), options)[0]
    sovits = sound.settings.weights_folder / chosen_and_newest(sound)[0]
    rows = []
    for seed in range(1, arguments.seeds + 1):
        rows.append(compare(task, seed, unseen, sovits))
        print(json.dumps(rows[-1]), flush=True)
    print(json.dumps(summary(rows)))


def compare(
    task: StepContext, seed: int, unseen: Sequence[Recording], sovits: Path
) -> dict[str, Any]:
    config = task.config.model_copy(update={"seed": seed})
    context = replace(task, step=StepName.TRAIN_GPT, config=config)
    plan, seconds = train(context, TrainGptOptions())
    result: dict[str, Any] = {"seed": seed, "training_cpu_seconds": round(seconds, 1)}
    epochs = {}
    for name, time_for in (("in_time", seconds), ("unhurried", 1e9)):
        begun = time.process_time()
        judge_training(context, plan, time_for, clock=time.process_time)
        result[f"{name}_cpu_seconds"] = round(time.process_time() - begun, 1)
        epochs[name], epochs["newest"] = chosen_and_newest(plan)
    ear = Ear(context.models_dir, use_gpu=False, num_threads=1)
    rates = {
        file: _rate(context, plan, file, sovits, unseen, ear)
        for file in dict.fromkeys(epochs.values())
    }
    for name, file in epochs.items():
        result[name] = {"file": file, CER: round(rates[file], 4)}
    table = TrainingTable.load(plan.settings.weights_folder)
    assert table is not None
    result["epochs"] = [
        {"epoch": c.epoch, **c.validation, **c.judged, "score": c.score} for c in table.checkpoints
    ]
    return result


def train(context: StepContext, options: TrainOptions) -> tuple[TrainingPlan, float]:
    """In this process, and how many CPU seconds it took."""
    plan = with_own_folder(context, plan_training(context, options, context.step), RUN)
    shutil.rmtree(plan.settings.weights_folder, ignore_errors=True)
    storage = context.workspace.root / "runs" / f"{context.step.value}-{context.config.seed}" / RUN
    begun = time.process_time()
    plan.train(plan.settings, LocalWorker(storage))
    return plan, time.process_time() - begun


def chosen_and_newest(plan: TrainingPlan) -> tuple[str, str]:
    table = TrainingTable.load(plan.settings.weights_folder)
    assert table is not None
    assert table.choice is not None
    return table.choice.checkpoint.file, table.checkpoints[-1].file


def _rate(
    context: StepContext,
    plan: TrainingPlan,
    file: str,
    sovits: Path,
    unseen: Sequence[Recording],
    ear: Ear,
) -> float:
    voice = load_voice(plan.settings.weights_folder / file, sovits, context.models_dir)
    language, folder = context.config.language, context.workspace.root / "unseen"
    paths = [folder / f"{Path(file).stem}-{each.name}" for each in unseen]
    for each, path in zip(unseen, paths, strict=True):
        speech = voice.speak(each.text, language, Reference(Path("nobody.wav")))
        write_int16(path, to_int16(speech.wav))
    heard = ear.hear(paths, [language] * len(paths))
    pairs = [(each.text, text or "", language) for each, text in zip(unseen, heard, strict=True)]
    rate = error_rate(pairs)
    assert rate is not None
    return rate


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How often each choice was better than the newest, as good, and worse."""
    counted: dict[str, Any] = {"seeds": len(rows)}
    for name in ("in_time", "unhurried"):
        differences = [row[name][CER] - row["newest"][CER] for row in rows]
        counted[name] = {
            "better": sum(each < 0 for each in differences),
            "equal": sum(each == 0 for each in differences),
            "worse": sum(each > 0 for each in differences),
            "mean_cer": round(sum(row[name][CER] for row in rows) / len(rows), 4),
        }
    counted["newest_mean_cer"] = round(sum(row["newest"][CER] for row in rows) / len(rows), 4)
    return counted


if __name__ == "__main__":
    main()
