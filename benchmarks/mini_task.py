"""A task of the base mini up to its trainings, made from recordings with texts in this process:
the features are those that the steps make, without Ray and without a service."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from ray_pipeline.audio.wav import to_int16, write_int16
from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.models.mini.alignment import Aligner
from ray_pipeline.models.mini.files import shipped_base
from ray_pipeline.models.mini.sound import analyse
from ray_pipeline.text import phonemize


@dataclass(frozen=True)
class Recording:
    """`name` ends in .wav; `wav` [N] at 32 kHz."""

    name: str
    text: str
    wav: Waveform


def read_recordings(folder: Path, *, longest_seconds: float) -> list[Recording]:
    """Those that the folder's `metadata.jsonl` (`file`, `text`) names, in its order."""
    found = []
    for line in (folder / "metadata.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        wav, rate = soundfile.read(folder / entry["file"], dtype="float32")
        if len(wav) <= longest_seconds * rate:
            wav = soxr.resample(wav, rate, SAMPLE_RATE).astype(np.float32)
            found.append(Recording(Path(entry["file"]).stem + ".wav", entry["text"], wav))
    return found


def make_task(
    root: Path, recordings: Sequence[Recording], language: str, *, seed: int = 1
) -> StepContext:
    """A task whose four kinds of features are there; its models folder is `root/models`."""
    context = StepContext(
        task_id="task",
        run_id="run",
        step=StepName.TRAIN_SOVITS,
        attempt=1,
        config=parse_task_config(
            {"exp_name": "voice", "language": language, "base_model": "mini", "seed": seed}
        ),
        workspace=Workspace(root),
        models_dir=root / "models",
        cluster=ClusterTotals(1),
        progress=RecordingProgress(),
        transcripts={
            each.name: Transcript(clip=each.name, text=each.text, language=language)
            for each in recordings
        },
    )
    experiment, base = context.experiment, shipped_base()
    aligner = Aligner(base.durations, base.synthesizer)
    experiment.content.mkdir(parents=True, exist_ok=True)
    rows, spelled = ["item_name\tsemantic_audio"], []
    for each in recordings:
        sound = analyse(each.wav)
        phones = phonemize(each.text, language)
        tokens = aligner(phones.ids, sound).tokens
        write_int16(experiment.wave_of(each.name), to_int16(each.wav))
        features = np.concatenate([sound.mel.T, sound.pitch_hz[None]])
        torch.save(torch.from_numpy(features)[None].half(), experiment.content_of(each.name))
        rows.append(f"{each.name}\t{' '.join(map(str, tokens))}")
        spelled.append(f"{each.name}\t{' '.join(phones.phones)}\tNone\t{phones.norm_text}")
    experiment.semantic_table.write_text("\n".join(rows) + "\n", "utf-8")
    experiment.phones_table.write_text("\n".join(spelled) + "\n", "utf-8")
    return context
