"""The `TTS` class of a checkout of RVC-Boss/GPT-SoVITS, with a voice of `voices.py`.

Its stages, its batches and its streaming are its own code, with weights that its own loaders read
from the files that the engine speaks with. Three things are given to it, none of which it is asked
for while it is measured or which both sides shall have alike: phones by our front end (its own
wants models to tell languages apart), the reference as tokens and spectrogram, as both sides keep
those of a voice, and, for the Pro versions, a speaker vector, which it would compute anew for each
request. Imports that need packages for other versions are stood in for.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from benchmarks.compare.original import open_checkout
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.speech import Reference, SpeechSettings
from ray_pipeline.models.encoders.content import to_rate
from ray_pipeline.speaking.order import VoiceFiles
from ray_pipeline.voice.gpt_sovits import GptSovitsVoice

_BERT_DIM = 1024


@dataclass(frozen=True)
class TextToPhones:
    """In place of its `TextPreprocessor`, for English, whose BERT features are zero."""

    voice: GptSovitsVoice
    reference: Reference
    settings: SpeechSettings

    def preprocess(self, text: str, *_: Any) -> list[dict[str, Any]]:
        pieces = self.voice.read(text, "en", self.reference, self.settings).pieces
        return [
            {
                "phones": list(piece.ids),
                "bert_features": torch.zeros(_BERT_DIM, len(piece.ids)),
                "norm_text": piece.norm_text,
            }
            for piece in pieces
        ]

    def pre_seg_text(self, text: str, *_: Any) -> list[str]:
        pieces = self.voice.read(text, "en", self.reference, self.settings).pieces
        return [piece.text for piece in pieces]

    def segment_and_extract_feature_for_text(
        self, text: str, *_: Any
    ) -> tuple[list[int], Tensor, str]:
        [only] = self.preprocess(text)
        return only["phones"], only["bert_features"], only["norm_text"]


class OriginalTts:
    """`how` of `say` are arguments of its `run`: as its server takes them."""

    def __init__(
        self,
        checkout: Path,
        files: VoiceFiles,
        voice: GptSovitsVoice,
        reference: Reference,
        settings: SpeechSettings,
    ) -> None:
        self._checkout, self._reference, self._settings = checkout, reference, settings
        with _quiet():
            tts_module = _import_tts(checkout)
            self._tts = self._make(tts_module, files)
        self._tts.text_preprocessor = TextToPhones(voice, reference, settings)
        self._give_reference(voice)

    def say(self, text: str, **how: Any) -> Iterator[float]:
        """Seconds of sound of each part, as it comes."""
        asked = {
            "text": text,
            "text_lang": "en",
            "ref_audio_path": str(self._reference.wav_path),
            "prompt_text": self._reference.text + ".",
            "prompt_lang": "en",
            "top_k": self._settings.top_k,
            "top_p": self._settings.top_p,
            "temperature": self._settings.temperature,
            "repetition_penalty": self._settings.repetition_penalty,
            "fragment_interval": self._settings.pause_seconds,
            "seed": self._settings.seed,
            **how,
        }
        parts = self._tts.run(asked)
        while True:
            with _quiet():
                part = next(parts, None)
            if part is None:
                return
            rate, samples = part
            assert rate == SAMPLE_RATE  # it answers a second of silence at 16 kHz to a failure
            yield len(samples) / rate

    def _make(self, module: ModuleType, files: VoiceFiles) -> Any:
        tts = module.TTS.__new__(module.TTS)
        version = files.key.split("-")[0]
        config = {
            "version": version,
            "device": "cpu",
            "is_half": False,
            "t2s_weights_path": str(files.gpt_path),
            "vits_weights_path": str(files.sovits_path),
        }
        with _inside(tempfile.mkdtemp()):  # it writes its settings to where it is
            tts.configs = module.TTS_Config({"custom": config})
            tts.vocoder, tts.sv_model, tts.precision = None, _GivenSpeaker(), torch.float32
            tts.init_t2s_weights(str(files.gpt_path))
            tts.init_vits_weights(str(files.sovits_path))
        return tts

    def _give_reference(self, voice: GptSovitsVoice) -> None:
        from module.mel_processing import spectrogram_torch

        reading = voice.read("One.", "en", self._reference, self._settings)
        sentence, piece = reading.sentences[0], reading.pieces[0]
        prompt_phones = sentence.phones[: -len(piece.ids)]
        wav, rate = read_mono(self._reference.wav_path)
        sound = torch.from_numpy(to_rate(wav, rate, SAMPLE_RATE))[None]
        spectrogram = spectrogram_torch(sound, 2048, SAMPLE_RATE, 640, 2048, center=False)
        self._tts.prompt_cache = {
            "ref_audio_path": str(self._reference.wav_path),
            "prompt_semantic": sentence.prompt,
            # With the sound of which a speaker vector is made, for the Pro versions.
            "refer_spec": [(spectrogram, sound)],
            "prompt_text": self._reference.text + ".",
            "prompt_lang": "en",
            "phones": prompt_phones.tolist(),
            "bert_features": torch.zeros(_BERT_DIM, len(prompt_phones)),
            "norm_text": self._reference.text,
            "aux_ref_audio_paths": [],
        }


class _GivenSpeaker:
    def compute_embedding3(self, _: Tensor) -> Tensor:
        return torch.full((1, 20480), 0.1)


def _import_tts(checkout: Path) -> ModuleType:
    os.environ["TQDM_DISABLE"] = "1"  # it draws a bar for every token
    open_checkout(checkout)
    for name, having in {
        "peft": {"LoraConfig": None, "get_peft_model": None},
        "BigVGAN": {},
        "BigVGAN.bigvgan": {"BigVGAN": None},
        "tools.audio_sr": {"AP_BWE": None},
        "TTS_infer_pack.TextPreprocessor": {"TextPreprocessor": None},
        "feature_extractor.cnhubert": {"CNHubert": None},
        "sv": {"SV": None},
    }.items():
        unused = ModuleType(name)
        vars(unused).update(having)
        sys.modules[name] = unused
    with _inside(checkout):
        import TTS_infer_pack.TTS as module
    return module


@contextmanager
def _inside(folder: str | Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _quiet() -> Iterator[None]:
    """It prints what it does."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        yield
