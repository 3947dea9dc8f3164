"""Whisper in Hugging Face's format through transformers: any size, and models tuned on them.

A folder holds `config.json` (model type whisper), `model.safetensors` or `pytorch_model.bin`,
the tokenizer and `preprocessor_config.json`, as a repository such as openai/whisper-small has.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray_pipeline.asr.faster_whisper import DOUBTFUL_BELOW, PROMPTS
from ray_pipeline.asr.pieces import RATE, Span, find_speech
from ray_pipeline.asr.recogniser import Recognition, repeats
from ray_pipeline.core.audio_format import Waveform

WEIGHTS = ("model.safetensors", "pytorch_model.bin")

_BATCH_ON_GPU = 16
_HOTTER = (0.2, 0.4, 0.6, 0.8, 1.0)
# Of token ids, not of text: the library's measure and the value that its authors use.
_TOKENS_REPEAT_ABOVE = 1.35
_SEED = 1234


def is_model_folder(folder: Path) -> bool:
    return model_type(folder) == "whisper"


def model_type(folder: Path) -> str | None:
    """What `config.json` says the weights beside it are; None where one of them is missing."""
    if not any((folder / name).is_file() for name in WEIGHTS):
        return None
    try:
        config = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return config.get("model_type") if isinstance(config, dict) else None


def torch_precision(precision: str | None, use_gpu: bool) -> str:
    """The nearest to what was asked for: 16 bits are for a GPU (bfloat16 for CPUs too), and
    int8 is not offered here."""
    if use_gpu:
        return precision if precision in ("float32", "bfloat16") else "float16"
    return "bfloat16" if precision == "bfloat16" else "float32"


class TransformersWhisperRecogniser:
    """One loaded model. `num_threads` counts on a CPU only."""

    def __init__(
        self, folder: Path, precision: str | None, *, use_gpu: bool, num_threads: int
    ) -> None:
        import torch
        from transformers import WhisperForConditionalGeneration, WhisperProcessor

        self.precision = torch_precision(precision, use_gpu)
        self.batch_size = _BATCH_ON_GPU if use_gpu else 1
        torch.set_num_threads(num_threads)
        self._processor: Any = WhisperProcessor.from_pretrained(folder, local_files_only=True)
        self._model: Any = WhisperForConditionalGeneration.from_pretrained(
            folder, dtype=getattr(torch, self.precision), local_files_only=True
        ).eval()
        self._model.to("cuda" if use_gpu else "cpu")

    def find_speech(self, waveform: Waveform) -> list[Span] | None:
        return find_speech(waveform)

    def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
        """Greedily and all at once; what comes out doubtful is decoded again by itself with more
        chance. Without time stamps, as a piece is one stretch: nothing at its end can be lost."""
        features = self._processor.feature_extractor(
            list(pieces), sampling_rate=RATE, return_tensors="pt"
        ).input_features.to(self._model.device, self._model.dtype)
        languages = self._languages(features, language)
        by_number: dict[int, Recognition] = {}
        for spoken in dict.fromkeys(languages):
            numbers = [number for number, code in enumerate(languages) if code == spoken]
            answers = self._decoded(features[numbers], spoken)
            for number, (text, logprob) in zip(numbers, answers, strict=True):
                if logprob < DOUBTFUL_BELOW or repeats(text):
                    ((text, logprob),) = self._again(features[number : number + 1], spoken)
                confidence = round(math.exp(min(0.0, logprob)), 4) if text else None
                by_number[number] = Recognition(text, language or spoken or "en", confidence)
        return [by_number[number] for number in range(len(pieces))]

    def _languages(self, features: Any, language: str | None) -> list[str | None]:
        """Each piece's code, None for a model that knows English only."""
        codes = getattr(self._model.generation_config, "lang_to_id", None)
        if not codes:
            return [None] * len(features)
        # Models before large-v3 have no code for Cantonese; Chinese is the nearest.
        known = "zh" if language == "yue" and "<|yue|>" not in codes else language
        if known is not None and f"<|{known}|>" in codes:
            return [known] * len(features)
        names = {number: name.strip("<|>") for name, number in codes.items()}
        return [names[number] for number in self._model.detect_language(features).tolist()]

    def _again(self, features: Any, spoken: str | None) -> list[tuple[str, float]]:
        import torch

        devices = [features.device] if features.is_cuda else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(_SEED)  # the same text whatever came before
            return self._decoded(
                features,
                spoken,
                temperature=_HOTTER,
                logprob_threshold=DOUBTFUL_BELOW,
                compression_ratio_threshold=_TOKENS_REPEAT_ABOVE,
            )

    def _decoded(self, features: Any, spoken: str | None, **guards: Any) -> list[tuple[str, float]]:
        """Each piece's text and the mean log probability of its tokens."""
        import torch

        asked = {} if spoken is None else {"language": spoken, "task": "transcribe"}
        prompt = PROMPTS.get(spoken or "")
        if prompt:
            asked["prompt_ids"] = self._processor.get_prompt_ids(prompt, return_tensors="pt").to(
                self._model.device
            )
        with torch.inference_mode():
            output = self._model.generate(
                features,
                return_timestamps=False,
                force_unique_generate_call=True,
                condition_on_prev_tokens=False,
                num_beams=1,
                return_dict_in_generate=True,
                output_logits=True,
                output_scores=True,
                **asked,
                **guards,
            )
        tokens = output.sequences[:, -len(output.logits) :]
        texts = self._processor.batch_decode(tokens, skip_special_tokens=True)
        end = self._model.generation_config.eos_token_id
        means = mean_logprobs(tokens, torch.stack(output.logits, 1), end)
        return list(zip([text.strip() for text in texts], means, strict=True))


def mean_logprobs(tokens: Any, logits: Any, end: int | list[int]) -> list[float]:
    """For tokens [B, T] and the logits [B, T, V] that they were taken from: the mean log
    probability of each row's tokens up to the first `end`, that one counted too."""
    import torch

    logprobs = logits.float().log_softmax(-1)
    chosen = logprobs.gather(-1, tokens.to(logits.device).unsqueeze(-1)).squeeze(-1)
    ends = torch.isin(tokens.to(logits.device), torch.as_tensor(end, device=logits.device))
    counted = (ends.cumsum(-1) - ends.long()) == 0
    means: list[float] = ((chosen * counted).sum(-1) / counted.sum(-1)).tolist()
    return means
