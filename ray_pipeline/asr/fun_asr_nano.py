"""Fun-ASR-Nano (An et al. 2025): Mandarin with its dialects, English and Japanese.

An encoder of speech before a language model of 0.6 billion values. transformers has had it since
5.17, for the files of the repository Fun-ASR-Nano-2512-hf; FunASR's own (model.pt) are others.
"""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ray_pipeline.asr.pieces import RATE, Span, find_speech
from ray_pipeline.asr.recogniser import Backend, Recognition, repeats
from ray_pipeline.asr.transformers_whisper import mean_logprobs, model_type, torch_precision
from ray_pipeline.core.audio_format import Waveform
from ray_pipeline.core.errors import BackendMissing
from ray_pipeline.core.languages import guess_language

FOLDER = "Fun-ASR-Nano-2512-hf"
LANGUAGES = ("zh", "en", "ja")

_MODULE = "models/fun_asr_nano"  # of transformers
_BATCH_ON_GPU = 8
# Far more than anybody says: a text that goes on like this is no transcript any more.
_TOKENS_A_SECOND = 15
_TOKENS_AT_LEAST = 32
_NO_REPEATED_TOKENS = 5


def folder_for(models_dir: Path, language: str | None) -> Path | None:
    """The model's folder if it is there and knows the language (None: to be detected)."""
    if language is not None and language not in LANGUAGES:
        return None
    return None if _lacks(models_dir) else models_dir / "asr" / FOLDER


def _lacks(models_dir: Path) -> list[str]:
    has_model = model_type(models_dir / "asr" / FOLDER) == "fun_asr_nano"
    return ([] if _has_package() else ["transformers"]) + ([] if has_model else [f"asr/{FOLDER}"])


def _has_package() -> bool:
    """Looked up and not imported: transformers takes seconds, and the service only asks."""
    package = importlib.util.find_spec("transformers")
    folders = (package and package.submodule_search_locations) or []
    return any((Path(folder) / _MODULE).is_dir() for folder in folders)


def _unready(language: str | None) -> BackendMissing:
    if language not in (None, *LANGUAGES):
        return BackendMissing(
            f"Fun-ASR-Nano does not know the language {language!r}.",
            hint="Use backend funasr or whisper, or upload transcripts.",
        )
    return BackendMissing(
        "Fun-ASR-Nano is not there.",
        hint="gsv models pull fun-asr-nano (or put the repository's files into "
        f"models/asr/{FOLDER}); it needs transformers 5.17 or newer.",
    )


class FunAsrNanoRecogniser:
    """One loaded model. `num_threads` counts on a CPU only."""

    def __init__(
        self, folder: Path, precision: str | None, *, use_gpu: bool, num_threads: int
    ) -> None:
        import torch
        from transformers import AutoProcessor, FunAsrNanoForConditionalGeneration

        # Its language model was trained in bfloat16, whose range float16 has not.
        wanted = "bfloat16" if use_gpu and precision != "float32" else precision
        self.precision = torch_precision(wanted, use_gpu)
        self.batch_size = _BATCH_ON_GPU if use_gpu else 1
        torch.set_num_threads(num_threads)
        self._processor: Any = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self._processor.tokenizer.padding_side = "left"
        self._model: Any = FunAsrNanoForConditionalGeneration.from_pretrained(
            folder, dtype=getattr(torch, self.precision), local_files_only=True
        ).eval()
        self._model.to("cuda" if use_gpu else "cpu")

    def find_speech(self, waveform: Waveform) -> list[Span] | None:
        return find_speech(waveform)

    def recognise(self, pieces: Sequence[Waveform], language: str | None) -> list[Recognition]:
        """Greedily and all at once; what repeats itself is done again without repeating."""
        answers = []
        for piece, decoded in zip(pieces, self._decoded(pieces, language), strict=True):
            text, logprob = decoded
            if repeats(text):
                ((text, logprob),) = self._decoded(
                    [piece], language, no_repeat_ngram_size=_NO_REPEATED_TOKENS
                )
            confidence = round(math.exp(min(0.0, logprob)), 4) if text else None
            answers.append(Recognition(text, language or guess_language(text), confidence))
        return answers

    def _decoded(
        self, pieces: Sequence[Waveform], language: str | None, **guards: Any
    ) -> list[tuple[str, float]]:
        """Each piece's text and the mean log probability of its tokens."""
        import torch

        inputs = self._processor.apply_transcription_request(
            list(pieces), language=language, processor_kwargs={"padding": True}
        ).to(self._model.device, self._model.dtype)
        limits = [_TOKENS_AT_LEAST + int(len(piece) / RATE * _TOKENS_A_SECOND) for piece in pieces]
        with torch.inference_mode():
            output = self._model.generate(
                **inputs,
                do_sample=False,
                num_beams=1,
                max_new_tokens=max(limits),
                return_dict_in_generate=True,
                output_logits=True,
                **guards,
            )
        tokens = output.sequences[:, -len(output.logits) :].clone()
        end = self._model.generation_config.eos_token_id
        for row, limit in zip(tokens, limits, strict=True):
            row[limit:] = end if isinstance(end, int) else end[0]
        texts = self._processor.batch_decode(tokens, skip_special_tokens=True)
        means = mean_logprobs(tokens, torch.stack(output.logits, 1), end)
        return list(zip([text.strip() for text in texts], means, strict=True))


BACKEND = Backend(
    name="fun-asr-nano",
    folder_for=folder_for,
    load=FunAsrNanoRecogniser,
    lacks=_lacks,
    unready=_unready,
)
