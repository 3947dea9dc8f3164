"""The networks that voices of one base share, each loaded once, when it is first needed: what is
said in a reference, who says it, and what a Chinese text means. They are several times as large as
a voice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any

import torch

from ray_pipeline.core.pretrained_bases import BERT_FOLDER, PretrainedBase, has_bert
from ray_pipeline.models.encoders.bert import BertEncoder
from ray_pipeline.models.encoders.content import ContentEncoder, load_content_encoder
from ray_pipeline.models.encoders.speaker import SpeakerEncoder, load_speaker_encoder
from ray_pipeline.text.chinese.g2pw import load_polyphones
from ray_pipeline.text.phones import Polyphones


class Encoders:
    """Of one models folder, on one device. Any thread may ask; one that asks for what another is
    loading waits for it."""

    def __init__(self, models_dir: Path, device: str | torch.device = "cpu") -> None:
        self.models_dir, self.device = models_dir, torch.device(device)
        self._loaded: dict[tuple[str, str | None], Any] = {}
        self._lock = Lock()

    def content(self, base: PretrainedBase) -> ContentEncoder:
        """Raises BackendMissing or BadModelFile, as the others do."""
        loaded: ContentEncoder = self._once(
            ("content", base.content_encoder),
            lambda: load_content_encoder(base, self.models_dir, self.device),
        )
        return loaded

    def speaker(self, base: PretrainedBase) -> SpeakerEncoder | None:
        """None where the base has no speaker vectors."""
        loaded: SpeakerEncoder | None = self._once(
            ("speaker", base.speaker_encoder),
            lambda: load_speaker_encoder(base, self.models_dir, self.device),
        )
        return loaded

    def bert(self) -> BertEncoder | None:
        """None while it is not in the models folder."""
        if not has_bert(self.models_dir):
            return None
        loaded: BertEncoder = self._once(
            ("bert", None), lambda: BertEncoder.load(self.models_dir, self.device)
        )
        return loaded

    def polyphones(self) -> Polyphones | None:
        """One a process, as `load_polyphones` says."""
        return load_polyphones(self.models_dir, self.models_dir / BERT_FOLDER)

    def _once(self, key: tuple[str, str | None], load: Callable[[], Any]) -> Any:
        with self._lock:
            if key not in self._loaded:
                self._loaded[key] = load()
            return self._loaded[key]
