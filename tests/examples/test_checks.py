from pathlib import Path

import numpy as np
import pytest
import soundfile

from examples.checks import check_speech, differ
from ray_pipeline.core.speech import SpeechSettings
from ray_pipeline.models.encoders import codebook
from ray_pipeline.models.encoders.content import NanoContentEncoder
from ray_pipeline.voice.gpt_sovits import GptSovitsVoice
from ray_pipeline.voice.reference import Reference
from ray_pipeline.voice.untrained import save_untrained_voice
from tests import speech

LIMIT = 1500


def failures(wav_path: Path, num_tokens: int) -> list[str]:
    checks = check_speech(wav_path, num_tokens, LIMIT, recordings())
    return [check.claim for check in checks if not check.passed]


def recordings() -> list[Path]:
    return [speech.FOLDER / name for name in speech.names()]


def written(folder: Path, wav: np.ndarray) -> Path:
    path = folder / "voice.wav"
    soundfile.write(path, wav, 32000, subtype="FLOAT")
    return path


def test_real_speech_passes(tmp_path):
    assert failures(written(tmp_path, speech.clip("LJ001-0016.flac")), 130) == []


def test_the_voice_of_untrained_weights_fails(tmp_path):
    wav = speech.clip("LJ001-0016.flac")
    fitted = codebook.fit([NanoContentEncoder()(wav, 32000)[0]], seed=0)
    voice = GptSovitsVoice.load(
        *save_untrained_voice(tmp_path, codebook=fitted), models_dir=Path("none")
    )
    reference = Reference(speech.FOLDER / "LJ001-0016.flac", "The Middle Ages", "en")
    spoken = voice.speak("This voice has learned nothing.", "en", reference, SpeechSettings(seed=1))
    tokens = max(len(piece.tokens) for piece in spoken.pieces)
    assert any("spectrum" in failed for failed in failures(written(tmp_path, spoken.wav), tokens))


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
    assert any(claim in failed for failed in failures(written(tmp_path, wav), 130))


@pytest.mark.parametrize("num_tokens", [10, LIMIT])
def test_too_few_tokens_and_no_end_fail(tmp_path, num_tokens):
    path = written(tmp_path, speech.clip("LJ001-0016.flac"))
    assert any("tokens" in failed for failed in failures(path, num_tokens))


def test_the_same_sound_does_not_count_as_changed(tmp_path):
    path = written(tmp_path, speech.clip("LJ001-0016.flac"))
    assert not differ(path, path)
    assert differ(path, speech.FOLDER / "LJ001-0037.flac")
