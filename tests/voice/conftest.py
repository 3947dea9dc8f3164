"""A voice that has learned nothing but speaks: random nano weights with a codebook fitted to
one clip, made once for all tests."""

from pathlib import Path

import pytest
import torch

from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.speech import Reference
from ray_pipeline.models.encoders import codebook
from ray_pipeline.models.encoders.content import NanoContentEncoder
from ray_pipeline.voice.gpt_sovits import GptSovitsVoice
from ray_pipeline.voice.untrained import save_untrained_voice

# Models this small are slower with several threads, and much slower on a busy machine.
torch.set_num_threads(1)

SPEECH = Path(__file__).parents[1] / "data" / "speech_en"


@pytest.fixture(scope="session")
def weight_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """GPT and SoVITS weights."""
    wav, rate = read_mono(SPEECH / "LJ001-0016.flac")
    fitted = codebook.fit([NanoContentEncoder()(wav, rate)[0]], seed=0)
    return save_untrained_voice(tmp_path_factory.mktemp("weights"), codebook=fitted)


@pytest.fixture(scope="session")
def voice(weight_files: tuple[Path, Path]) -> GptSovitsVoice:
    return GptSovitsVoice.load(*weight_files, models_dir=Path("nowhere"))


@pytest.fixture
def reference() -> Reference:
    text = "The Middle Ages brought calligraphy to perfection, and it was natural therefore"
    return Reference(SPEECH / "LJ001-0016.flac", text, "en")
