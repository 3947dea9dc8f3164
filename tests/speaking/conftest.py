"""Voices whose weights nobody trained: two of nano, with different weights, and two of mini."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.models.encoders import codebook
from ray_pipeline.models.encoders.content import NanoContentEncoder
from ray_pipeline.models.mini.config import SPEAKER_DIM, tiny_config
from ray_pipeline.models.mini.files import new_base, save_durations, save_synthesizer
from ray_pipeline.speaking.engine import SpeechEngine
from ray_pipeline.speaking.order import Part, Sound, SpeechOrder, VoiceFiles
from ray_pipeline.voice.untrained import save_untrained_voice

# Models this small are slower with several threads, and much slower on a busy machine.
torch.set_num_threads(1)

SPEECH = Path(__file__).parents[1] / "data" / "speech_en"
REFERENCES = [
    Reference(
        SPEECH / "LJ001-0016.flac",
        "The Middle Ages brought calligraphy to perfection, and it was natural therefore",
        "en",
    ),
    Reference(SPEECH / "LJ001-0043.flac"),
]


@dataclass(frozen=True)
class Voices:
    nano: list[VoiceFiles]
    mini: list[VoiceFiles]


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory) -> Voices:
    wav, rate = read_mono(REFERENCES[0].wav_path)
    fitted = codebook.fit([NanoContentEncoder()(wav, rate)[0]], seed=0)
    found = Voices([], [])
    for seed in (0, 1):
        folder = tmp_path_factory.mktemp(f"nano{seed}")
        found.nano.append(
            VoiceFiles(f"nano-{seed}", *save_untrained_voice(folder, codebook=fitted, seed=seed))
        )
        found.mini.append(mini_files(tmp_path_factory.mktemp(f"mini{seed}"), seed))
    return found


def mini_files(folder: Path, seed: int) -> VoiceFiles:
    torch.manual_seed(seed)
    config = tiny_config()
    base = new_base(config)
    files = VoiceFiles(f"mini-{seed}", folder / "m-e1.safetensors", folder / "m_e1_s1.safetensors")
    save_durations(files.gpt_path, base.durations, torch.zeros(SPEAKER_DIM), config)
    save_synthesizer(files.sovits_path, base.synthesizer, config)
    return files


@pytest.fixture
def engine() -> Iterator[SpeechEngine]:
    with SpeechEngine(Path("nowhere")) as engine:
        yield engine


TEXT = "Hello there. Printing is an old art, and it is done by hand."


def order(files: VoiceFiles, text: str = TEXT, seed: int = 1, **settings: object) -> SpeechOrder:
    chosen = SpeechSettings(seed=seed, pause_seconds=0.1, **settings)  # type: ignore[arg-type]
    return SpeechOrder(files=files, reference=REFERENCES[0], text=text, mode="en", settings=chosen)


async def all_parts(engine: SpeechEngine, asked: SpeechOrder, after: float = 0.0) -> list[Part]:
    await asyncio.sleep(after)
    return [part async for part in engine.speak(asked)]


def speak(engine: SpeechEngine, asked: SpeechOrder) -> list[Part]:
    return asyncio.run(all_parts(engine, asked))


def heard(parts: list[Part]) -> Waveform:
    return np.concatenate([part.wav for part in parts if isinstance(part, Sound)])
