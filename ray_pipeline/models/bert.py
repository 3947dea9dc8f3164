"""What a Chinese text means, for the first stage: one vector a phone.

The third layer from the end of a masked language model (Chinese RoBERTa wwm large by HFL; Cui
et al. 2020). Other languages have zeros instead and never come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from ray_pipeline.errors import BackendMissing, BadModelFile, StepFailed
from ray_pipeline.models.base import BERT_FOLDER, has_bert

if TYPE_CHECKING:
    from transformers import BertForMaskedLM

_LAYER = -3


class BertEncoder:
    """`tokenizer` has one token for every character of a normalised Chinese text."""

    def __init__(
        self, model: BertForMaskedLM, tokenizer: Any, device: str | torch.device = "cpu"
    ) -> None:
        self._model = model.eval().requires_grad_(False).to(device)
        self._tokenizer = tokenizer
        self._device = device

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

        Raises StepFailed when the tokens, the characters and `word2ph` do not match.
        """
        tokens = self._tokenizer(norm_text, return_tensors="pt").to(self._device)
        layers = self._model(**tokens, output_hidden_states=True).hidden_states
        characters: Tensor = layers[_LAYER][0, 1:-1]
        if not len(characters) == len(norm_text) == len(word2ph):
            raise StepFailed(
                f"The text {norm_text!r} has {len(norm_text)} characters, but "
                f"{len(characters)} tokens and {len(word2ph)} phone counts.",
                hint="Remove unusual characters from the transcript.",
            )
        repeats = torch.tensor(word2ph, device=characters.device)
        return characters.repeat_interleave(repeats, dim=0).T
