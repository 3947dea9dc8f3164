"""What a Chinese text means, for the first stage: one vector a phone.

The third layer from the end of a masked language model (Chinese RoBERTa wwm large by HFL; Cui
et al. 2020). Other languages have zeros instead and never come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from ray_pipeline.core.errors import BackendMissing, BadModelFile, StepFailed
from ray_pipeline.core.pretrained_bases import BERT_FOLDER, has_bert

if TYPE_CHECKING:
    from transformers import BertForMaskedLM

_LAYER = -3
_MOST_CHARACTERS = 510  # the model has 512 positions; two are for its own marks


class ReadText(Protocol):
    """What `ray_pipeline.text.Phones` is; this package does not know it."""

    @property
    def language(self) -> str: ...
    @property
    def norm_text(self) -> str: ...
    @property
    def ids(self) -> list[int]: ...
    @property
    def word2ph(self) -> list[int] | None: ...
    @property
    def parts(self) -> Sequence[ReadText]: ...


class BertEncoder:
    """`tokenizer` has one token for every character of a normalised Chinese text; `width` is the
    number of values a phone."""

    def __init__(
        self, model: BertForMaskedLM, tokenizer: Any, device: str | torch.device = "cpu"
    ) -> None:
        self._model = model.eval().requires_grad_(False).to(device)
        self._tokenizer = tokenizer
        self.device = device
        self.width = model.config.hidden_size

    @classmethod
    def load(cls, models_dir: Path, device: str | torch.device = "cpu") -> BertEncoder:
        """Raises BackendMissing when the files are not there, BadModelFile when they are bad."""
        from transformers import AutoTokenizer, BertForMaskedLM

        if not has_bert(models_dir):
            raise BackendMissing(
                f"The Chinese text model {BERT_FOLDER} is not in the models folder.",
                hint="Run `gsv models pull bert`.",
            )
        folder = models_dir / BERT_FOLDER
        try:
            model = BertForMaskedLM.from_pretrained(folder, local_files_only=True)
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:
            raise BadModelFile(
                f"The Chinese text model {BERT_FOLDER} cannot be loaded: {error}",
                hint="Delete its folder and run `gsv models pull bert` again.",
            ) from error
        return cls(model, tokenizer, device)

    @torch.inference_mode()
    def __call__(self, norm_text: str, word2ph: Sequence[int]) -> Tensor:
        """[hidden, phones]: the vector of character i, `word2ph[i]` times.

        A text that is too long for the model is read in stretches. Raises StepFailed when the
        tokens, the characters and `word2ph` do not match.
        """
        starts = range(0, len(norm_text), _MOST_CHARACTERS)
        stretches = [norm_text[start : start + _MOST_CHARACTERS] for start in starts]
        characters = torch.cat([self._characters(stretch) for stretch in stretches or [""]])
        if not len(characters) == len(norm_text) == len(word2ph):
            raise StepFailed(
                f"The text {norm_text!r} has {len(norm_text)} characters, but "
                f"{len(characters)} tokens and {len(word2ph)} phone counts.",
                hint="Remove unusual characters from the transcript.",
                reason="text_and_features_differ",
            )
        repeats = torch.tensor(word2ph, device=characters.device)
        return characters.repeat_interleave(repeats, dim=0).T

    def _characters(self, text: str) -> Tensor:
        """[characters, hidden]"""
        tokens = self._tokenizer(text, return_tensors="pt").to(self.device)
        layers = self._model(**tokens, output_hidden_states=True).hidden_states
        characters: Tensor = layers[_LAYER][0, 1:-1]
        return characters


def has_chinese(text: ReadText) -> bool:
    """Whether any of it is read as Chinese, and so has features other than zero."""
    return any(part.language == "zh" for part in text.parts or [text])


def features_of(
    text: ReadText, encoder: BertEncoder | None, width: int, device: str | torch.device
) -> Tensor:
    """[width, phones]: what the Chinese parts mean, zeros for the others and without encoder.

    Raises BadModelFile for an encoder of another width.
    """
    features_of_parts = []
    for part in text.parts or [text]:
        if encoder is not None and part.language == "zh":
            features = encoder(part.norm_text, part.word2ph or [])
        else:
            features = torch.zeros(width, len(part.ids), device=device)
        if len(features) != width:
            raise BadModelFile(
                f"The Chinese text model gives {len(features)} values a phone, the voice takes "
                f"{width}.",
                hint="Delete its folder and run `gsv models pull bert` again.",
            )
        features_of_parts.append(features.to(device))
    return torch.cat(features_of_parts, dim=1)
