"""The recognisers of FunASR, from local folders under the names they are published with.

Mandarin: Paraformer-large (Gao et al. 2022) with FSMN voice activity detection and CT-Punc.
All five languages: SenseVoiceSmall with the same voice activity detection.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

from ray_pipeline.asr.recognition import Recognised, RecogniserChoice

PACKAGE = "funasr"
PARAFORMER = "speech_paraformer-large_asr_nat-zh-cn-16k-common-vocab8404-pytorch"
SENSE_VOICE = "SenseVoiceSmall"
VAD = "speech_fsmn_vad_zh-cn-16k-common-pytorch"
PUNCTUATION = "punc_ct-transformer_zh-cn-common-vocab272727-pytorch"

_MAX_SEGMENT_MS = 30_000
_TAG = re.compile(r"<\|([^|]*)\|>")


def folder_for(models: Path, language: str | None) -> Path | None:
    """The folder of the model to use for a language (None: detect it), if it is complete.

    Paraformer for Mandarin, else SenseVoice; the voice activity detector is needed with both
    and the punctuation with Paraformer.
    """
    if not (importlib.util.find_spec(PACKAGE) and _is_model(models / VAD)):
        return None
    if language == "zh" and _is_model(models / PARAFORMER) and _is_model(models / PUNCTUATION):
        return models / PARAFORMER
    return models / SENSE_VOICE if _is_model(models / SENSE_VOICE) else None


def _is_model(folder: Path) -> bool:
    return (folder / "model.pt").is_file()


class FunasrRecogniser:
    """One loaded model with its voice activity detector."""

    def __init__(self, choice: RecogniserChoice, *, use_gpu: bool, num_threads: int) -> None:
        from funasr import AutoModel

        folder = Path(choice.model_folder)
        self._is_sense_voice = folder.name == SENSE_VOICE
        with_punctuation = {"punc_model": str(folder.with_name(PUNCTUATION))}
        self._model: Any = AutoModel(
            model=str(folder),
            vad_model=str(folder.with_name(VAD)),
            vad_kwargs={"max_single_segment_time": _MAX_SEGMENT_MS},
            device="cuda" if use_gpu else "cpu",
            ncpu=num_threads,
            fp16=use_gpu and choice.precision == "float16",
            bf16=use_gpu and choice.precision == "bfloat16",
            disable_update=True,
            disable_pbar=True,
            **({} if self._is_sense_voice else with_punctuation),
        )

    def recognise(self, path: Path, language: str | None) -> Recognised:
        """What is said in a clip. FunASR gives no probabilities, so there is no confidence."""
        if not self._is_sense_voice:
            return Recognised(_joined(self._model.generate(input=str(path))), "zh", None)
        answer = self._model.generate(input=str(path), language=language or "auto", use_itn=True)
        return _sense_voice_result(_joined(answer), language)


def _joined(answer: list[dict[str, Any]]) -> str:
    return "".join(part.get("text", "") for part in answer).strip()


def _sense_voice_result(tagged: str, language: str | None) -> Recognised:
    """SenseVoice writes tags such as <|zh|><|NEUTRAL|><|Speech|> before each stretch of text;
    the first one is the language it heard."""
    tags = _TAG.findall(tagged)
    return Recognised(_TAG.sub("", tagged).strip(), language or (tags or ["auto"])[0], None)
