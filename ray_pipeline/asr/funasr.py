"""The recognisers of FunASR, from local folders under the names they are published with.

Mandarin: Paraformer-large (Gao et al. 2022) with CT-Punc. All five languages: SenseVoiceSmall.
FSMN finds the speech for both.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ray_pipeline.asr.pieces import Span
from ray_pipeline.asr.recogniser import Backend, Recognition
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.hub.catalogue import CATALOGUE

if TYPE_CHECKING:
    import torch

PACKAGE = "funasr"
PARAFORMER = "speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"
SENSE_VOICE = "SenseVoiceSmall"
VAD = "speech_fsmn_vad_zh-cn-16k-common-pytorch"
PUNCTUATION = "punc_ct-transformer_zh-cn-common-vocab272727-pytorch"

_BATCH_ON_GPU = 16
_TAG = re.compile(r"<\|([^|]*)\|>")


def folder_for(models_dir: Path, language: str | None) -> Path | None:
    """The folder of the model to use for a language (None: detect it), if it is complete.

    Paraformer for Mandarin, else SenseVoice; each is complete with its detector of speech, and
    Paraformer with its punctuation, as the catalogue has them.
    """
    if not importlib.util.find_spec(PACKAGE):
        return None
    if language == "zh" and not CATALOGUE["paraformer"].missing(models_dir):
        return models_dir / "asr" / PARAFORMER
    if CATALOGUE["sensevoice"].missing(models_dir):
        return None
    return models_dir / "asr" / SENSE_VOICE


def _lacks(models_dir: Path) -> list[str]:
    packages = [] if importlib.util.find_spec(PACKAGE) else [PACKAGE]
    return packages + CATALOGUE["sensevoice"].missing(models_dir)


def _unready(language: str | None) -> BackendMissing:
    return BackendMissing(
        "FunASR or its models are not there.",
        hint=f"pip install funasr, and gsv models pull sensevoice (or put the folders "
        f"{SENSE_VOICE} and {VAD} into models/asr/), or use backend whisper, or upload "
        "transcripts.",
    )


class FunasrRecogniser:
    """One loaded model with its voice activity detector. FunASR gives no probabilities, so
    there is no confidence."""

    def __init__(
        self, folder: Path, precision: str | None, *, use_gpu: bool, num_threads: int
    ) -> None:
        from funasr import AutoModel

        half = precision == "bfloat16" or (use_gpu and precision == "float16")
        self.precision = "bfloat16" if half else "float32"
        self.batch_size = _BATCH_ON_GPU if use_gpu else 1

        def load(name: str) -> Any:
            return AutoModel(
                model=str(folder.with_name(name)),
                device="cuda" if use_gpu else "cpu",
                ncpu=num_threads,
                disable_update=True,
                disable_pbar=True,
            )

        self._model = load(folder.name)
        if half:
            _encode_in_bfloat16(self._model.model.encoder)
        self._detector = load(VAD)
        self._punctuation = load(PUNCTUATION) if folder.name == PARAFORMER else None

    def find_speech(self, waveform: Waveform) -> list[Span] | None:
        (answer,) = self._detector.generate(input=[waveform])
        return [(start / 1000, end / 1000) for start, end in answer["value"]]

    def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
        if self._punctuation is None:
            answers = self._texts(pieces, language=language or "auto", use_itn=True)
            return [_sense_voice_result(text, language) for text in answers]
        return [Recognition(self._punctuated(text), "zh", None) for text in self._texts(pieces)]

    def _texts(self, pieces: Sequence[Waveform], **options: Any) -> list[str]:
        answers = self._model.generate(input=list(pieces), batch_size=len(pieces), **options)
        if len(answers) != len(pieces):  # Paraformer gives none for what holds no character
            if len(pieces) == 1:
                return [""]
            return [self._texts([piece], **options)[0] for piece in pieces]
        return [answer.get("text", "").strip() for answer in answers]

    def _punctuated(self, text: str) -> str:
        assert self._punctuation is not None
        return self._punctuation.generate(input=text)[0]["text"] if text else ""


def _encode_in_bfloat16(encoder: torch.nn.Module) -> None:
    """The encoder is nearly all of the work. With FunASR's own options for half precision these
    models fail (their inputs stay float32), and in float16 they recognise nothing."""
    import torch

    in_float32 = encoder.forward

    def forward(features: torch.Tensor, *rest: Any, **options: Any) -> tuple[Any, ...]:
        with torch.autocast(features.device.type, dtype=torch.bfloat16):
            encoded, *others = in_float32(features, *rest, **options)
        return encoded.float(), *others

    encoder.forward = forward


def _sense_voice_result(tagged: str, language: str | None) -> Recognition:
    """SenseVoice writes tags such as <|zh|><|NEUTRAL|><|Speech|> before each stretch of text;
    the first one is the language of the speech."""
    tags = _TAG.findall(tagged)
    return Recognition(_TAG.sub("", tagged).strip(), language or (tags or ["auto"])[0], None)


BACKEND = Backend(
    name="funasr",
    folder_for=folder_for,
    load=FunasrRecogniser,
    lacks=_lacks,
    unready=_unready,
    version=lambda folder: folder.name,
)
