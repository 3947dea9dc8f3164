"""What is heard over HTTP is what the voice says in Python, whoever else is spoken for."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from ray_pipeline.core.speech import SpeechSettings
from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.speaking.order import VoiceFiles
from ray_pipeline.voice.voice import load_voice
from tests.serve_app.local_coordinator import LocalCoordinator
from tests.serve_app.speech.conftest import MakeUrl, keep
from tests.serve_app.speech.test_openai import HTTP
from tests.speaking.conftest import REFERENCES, TEXT, mini_files

SEED = 7


def test_a_seed_gives_the_same_samples_over_http_and_in_python(
    serve: MakeUrl,
    anna: VoiceRecord,
    mini: VoiceFiles,
    coordinator: LocalCoordinator,
    tmp_path: Path,
) -> None:
    """Streamed and not, beside another voice, 32 kHz, without a watermark: within 1e-4, of which
    16 bits take a part."""
    (tmp_path / "other").mkdir()
    ben = mini_files(tmp_path / "other", 1)
    keep(coordinator.store, tmp_path, "ben", ben)
    url, _ = serve(speech_watermark="off")

    def over_http(voice: str, stream: bool) -> NDArray[np.float32]:
        asked = {"voice": voice, "input": TEXT, "seed": SEED, "response_format": "wav"}
        answer = HTTP.post(f"{url}/v1/audio/speech", json=asked | {"stream": stream})
        assert answer.status_code == 200, answer.text
        wav, rate = soundfile.read(io.BytesIO(answer.content), dtype="float32")
        assert rate == 32000
        return wav

    asked = [(voice, stream) for voice in ("anna", "ben") for stream in (True, False)]
    with ThreadPoolExecutor(len(asked)) as crowd:
        heard = list(crowd.map(lambda one: over_http(*one), asked))

    settings = SpeechSettings(seed=SEED, pause_seconds=0.1)
    for (voice, _), wav in zip(asked, heard, strict=True):
        files = mini if voice == "anna" else ben
        alone = load_voice(files.gpt_path, files.sovits_path, Path("nowhere"))
        wanted = alone.speak(TEXT, "en", REFERENCES[0], settings).wav
        np.testing.assert_allclose(wav, wanted, atol=1e-4)
