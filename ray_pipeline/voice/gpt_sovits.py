"""A voice of GPT-SoVITS: both trained models, loaded once to speak many times.

    text ─ pieces ─ phones ┐
    reference ─ tokens ────┴─ Text2Semantic ─ tokens ─ Synthesizer ─ waveform, piece by piece
    reference ─ spectrogram, speaker vector ───────────────┘

What is said for a seed depends on the device and on nothing else; each piece has its own
random numbers. Shapes: waveforms [N] at 32 kHz, phones [L], tokens [T] (25 a second).
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor

from ray_pipeline.core.audio_format import TOKENS_PER_SECOND
from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.pretrained_bases import PretrainedBase, base_model
from ray_pipeline.core.speech import DEFAULT_SETTINGS, Reference, SpeechSettings
from ray_pipeline.models.encoders.bert import features_of, has_chinese
from ray_pipeline.models.encoders.codebook import Codebook
from ray_pipeline.models.encoders.content import ContentEncoder
from ray_pipeline.models.encoders.speaker import SpeakerEncoder
from ray_pipeline.models.gpt.decoding import Sentence, token_limit
from ray_pipeline.models.gpt.half_weights import all_half, can_use_half_weights, use_half_weights
from ray_pipeline.models.gpt.loading import build_text2semantic
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.text import Phones
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.encoders import Encoders
from ray_pipeline.voice.gpt_sovits_reading import (
    ContinuousMaker,
    GptSovitsReading,
    RecordedMaker,
)
from ray_pipeline.voice.reference import ReferenceFeatures, analyse
from ray_pipeline.voice.saying import say
from ray_pipeline.voice.script import Reader
from ray_pipeline.voice.speech import OnProgress, Speech, TokenMaker
from ray_pipeline.weights.files import build_synthesizer, load_gpt, load_sovits
from ray_pipeline.weights.numbers import require_numbers

_PIECES_AT_ONCE = 8
_MAX_REMEMBERED = 32


@dataclass(eq=False)
class GptSovitsVoice:
    """Made by `load`."""

    base: PretrainedBase
    gpt: Text2Semantic
    synthesizer: Synthesizer
    encoders: Encoders
    device: torch.device
    num_bytes: int

    tokens_per_second = TOKENS_PER_SECOND

    def __post_init__(self) -> None:
        self._remembered: dict[str, ReferenceFeatures] = {}

    @classmethod
    def load(
        cls,
        gpt_path: Path,
        sovits_path: Path,
        models_dir: Path,
        device: str | torch.device = "cpu",
        encoders: Encoders | None = None,
    ) -> GptSovitsVoice:
        """See `LoadableVoice`. The SoVITS file decides the version."""
        device = torch.device(device)
        pair = _build(gpt_path, sovits_path)
        gpt, synthesizer = pair.gpt.to(device), pair.synthesizer.to(device)
        num_bytes = _num_bytes(gpt)
        if device.type == "cpu" and pair.gpt_is_half and can_use_half_weights():
            use_half_weights(gpt)
            num_bytes //= 2
        base = base_model(pair.version)
        encoders = encoders or Encoders(models_dir, device)
        encoders.content(base)
        encoders.speaker(base)
        return cls(base, gpt, synthesizer, encoders, device, num_bytes + _num_bytes(synthesizer))

    @classmethod
    def check(cls, gpt_path: Path, sovits_path: Path) -> None:
        """See `LoadableVoice`."""
        _build(gpt_path, sovits_path)

    @classmethod
    def sound_of(cls, sovits_path: Path) -> torch.nn.Module:
        """See `LoadableVoice`."""
        return build_synthesizer(load_sovits(sovits_path))

    @property
    def version(self) -> str:
        return self.base.version

    @property
    def limit_tokens(self) -> int:
        return token_limit(self.gpt.config)

    @property
    def content(self) -> ContentEncoder:
        return self.encoders.content(self.base)

    @property
    def speaker(self) -> SpeakerEncoder | None:
        return self.encoders.speaker(self.base)

    def speak(
        self,
        text: str,
        mode: str,
        reference: Reference,
        settings: SpeechSettings = DEFAULT_SETTINGS,
        *,
        dictionary: Pronunciations | None = None,
        on_progress: OnProgress | None = None,
    ) -> Speech:
        """See `Voice`. The sampling settings vary the prosody, `noise_scale` the sound."""
        reading = self.read(text, mode, reference, settings, dictionary=dictionary)
        recorded = settings.cuda_graphs and self.device.type == "cuda"
        maker: TokenMaker = self.token_maker(_PIECES_AT_ONCE)
        if recorded:
            maker = RecordedMaker(self.gpt, self.usable_tokens, _PIECES_AT_ONCE)
        return say(reading, maker, on_progress)

    def read(
        self,
        text: str,
        mode: str,
        reference: Reference,
        settings: SpeechSettings = DEFAULT_SETTINGS,
        *,
        dictionary: Pronunciations | None = None,
    ) -> GptSovitsReading:
        reader = self._reader(settings, dictionary)
        script, left_out = reader.script(text, mode, settings.cut)
        features = self._features(reference.wav_path)
        prompt_text = reader.prompt(reference.text, reference.language or mode)
        usual_rate = None
        if prompt_text is not None:
            usual_rate = len(prompt_text.phones) / features.seconds
        sentences = [self._sentence(phones, prompt_text, features) for phones in script]
        return GptSovitsReading(
            synthesizer=self.synthesizer,
            features=features,
            sentences=sentences,
            pieces=script,
            left_out=left_out,
            settings=settings,
            usual_rate=usual_rate,
        )

    def token_maker(self, num_rows: int) -> ContinuousMaker:
        return ContinuousMaker(self.gpt, self.usable_tokens, num_rows)

    @property
    def usable_tokens(self) -> Tensor | None:
        """Bool [tokens]: those that occur in the data the codebook was fitted to. None for the
        pretrained codebooks, all of whose tokens can be spoken."""
        if self.base.is_pretrained:
            return None
        return Codebook.from_state_dict(self.synthesizer.state_dict()).counts > 0

    def _reader(self, settings: SpeechSettings, dictionary: Pronunciations | None) -> Reader:
        return Reader(
            symbols=self.base.symbols,
            dictionary=dictionary or {},
            polyphones=self.encoders.polyphones(),
            strict_compat=settings.strict_compat,
        )

    def _meaning(self, text: Phones) -> Tensor:
        """[bert_dim, phones]: zero but for Chinese, in training too. BERT is loaded when Chinese
        is first spoken, if it is in the models folder."""
        encoder = self.encoders.bert() if has_chinese(text) else None
        return features_of(text, encoder, self.gpt.config.bert_dim, self.device)

    def _features(self, path: Path) -> ReferenceFeatures:
        """Kept by content, as a clip may be written anew under its old name."""
        key = sha256(path.read_bytes()).hexdigest() if path.is_file() else str(path)
        if key not in self._remembered:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[key] = analyse(
                path, self.base, self.content, self.speaker, self.synthesizer
            )
        return self._remembered[key]

    def _sentence(
        self, phones: Phones, prompt_text: Phones | None, features: ReferenceFeatures
    ) -> Sentence:
        texts = [phones] if prompt_text is None else [prompt_text, phones]
        ids = [number for text in texts for number in text.ids]
        bert = torch.cat([self._meaning(text) for text in texts], dim=1)
        prompt = None if prompt_text is None else features.prompt
        return Sentence(torch.tensor(ids, device=self.device), bert, prompt)


@dataclass(frozen=True)
class _Pair:
    """The two halves of a voice, on the CPU; `gpt_is_half` says how its file holds the GPT."""

    version: str
    gpt: Text2Semantic
    synthesizer: Synthesizer
    gpt_is_half: bool


def _build(gpt_path: Path, sovits_path: Path) -> _Pair:
    sovits = load_sovits(sovits_path)
    gpt_file = load_gpt(gpt_path, expected=sovits.version)
    gpt = build_text2semantic(gpt_file.config, gpt_file.state_dict)
    if gpt.config.eos != sovits.config.codebook_size:
        raise BadModelFile(
            f"{gpt_path.name} speaks {gpt.config.eos} tokens, {sovits_path.name} understands "
            f"{sovits.config.codebook_size}.",
            hint="Use the two files of one voice.",
        )
    synthesizer = build_synthesizer(sovits)
    require_numbers(gpt, gpt_path.name)
    require_numbers(synthesizer, sovits_path.name)
    return _Pair(sovits.version, gpt, synthesizer, all_half(gpt_file.state_dict))


def _num_bytes(network: torch.nn.Module) -> int:
    return sum(weight.nbytes for weight in network.parameters())
