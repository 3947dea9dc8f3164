from pathlib import Path

import numpy as np
import pytest
import soundfile

from examples.checks import check_sound, check_timbre, differ
from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.models.encoders import codebook
from ray_pipeline.models.encoders.content import NanoContentEncoder
from ray_pipeline.voice.gpt_sovits import GptSovitsVoice
from ray_pipeline.voice.untrained import save_untrained_voice
from tests import speech


def failures(wav_path: Path) -> list[str]:
    checks = [*check_sound(wav_path), check_timbre(wav_path, recordings())]
    return [check.claim for check in checks if not check.passed]


def recordings() -> list[Path]:
    return [speech.FOLDER / name for name in speech.names()]


def written(folder: Path, wav: np.ndarray) -> Path:
    path = folder / "voice.wav"
    soundfile.write(path, wav, 32000, subtype="FLOAT")
    return path


def test_real_speech_passes(tmp_path):
    assert failures(written(tmp_path, speech.clip("LJ001-0016.flac"))) == []


def test_the_voice_of_untrained_weights_fails(tmp_path):
    wav = speech.clip("LJ001-0016.flac")
    fitted = codebook.fit([NanoContentEncoder()(wav, 32000)[0]], seed=0)
    voice = GptSovitsVoice.load(
        *save_untrained_voice(tmp_path, codebook=fitted), models_dir=Path("none")
    )
    reference = Reference(speech.FOLDER / "LJ001-0016.flac", "The Middle Ages", "en")
    spoken = voice.speak("This voice has learned nothing.", "en", reference, SpeechSettings(seed=1))
    assert any("spectrum" in failed for failed in failures(written(tmp_path, spoken.wav)))


@pytest.mark.parametrize(
    ("spoil", "claim"),
    [
        (lambda wav: wav * 1e-3, "RMS"),
        (lambda wav: wav * 1e-3 + 0.1, "RMS"),
        (lambda wav: np.clip(wav * 40, -1, 1), "full scale"),
        (lambda wav: np.random.default_rng(0).normal(0, 0.05, len(wav)), "spectrum"),
        (lambda wav: np.where(np.arange(len(wav)) == 7, np.nan, wav), "finite"),
    ],
)
def test_each_limit_catches_what_it_is_for(tmp_path, spoil, claim):
    wav = spoil(speech.clip("LJ001-0016.flac")).astype(np.float32)
    assert any(claim in failed for failed in failures(written(tmp_path, wav)))


def test_the_same_sound_does_not_count_as_changed(tmp_path):
    path = written(tmp_path, speech.clip("LJ001-0016.flac"))
    assert not differ(path, path)
    assert differ(path, speech.FOLDER / "LJ001-0037.flac")
