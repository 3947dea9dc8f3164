"""A voice of GPT-SoVITS: both trained models and the encoders they need, loaded once to speak
many times.

    text ─ pieces ─ phones ┐
    reference ─ tokens ────┴─ Text2Semantic ─ tokens ─ Synthesizer ─ waveform, piece by piece
    reference ─ spectrogram, speaker vector ───────────────┘

What is said for a seed depends on the device and on nothing else; each piece has its own
random numbers. Shapes: waveforms [N] at 32 kHz, phones [L], tokens [T] (25 a second).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ray_pipeline.core.audio_format import SAMPLE_RATE, TOKENS_PER_SECOND, Waveform
from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.pretrained_bases import BERT_FOLDER, PretrainedBase, base_model, has_bert
from ray_pipeline.core.speech import DEFAULT_SETTINGS, SpeechSettings
from ray_pipeline.models.encoders.bert import BertEncoder, features_of, has_chinese
from ray_pipeline.models.encoders.codebook import Codebook
from ray_pipeline.models.encoders.content import ContentEncoder, load_content_encoder
from ray_pipeline.models.encoders.speaker import SpeakerEncoder, load_speaker_encoder
from ray_pipeline.models.gpt.decoding import Decoded, Sentence, decode_batch, token_limit
from ray_pipeline.models.gpt.half_weights import all_half, use_half_weights
from ray_pipeline.models.gpt.loading import build_text2semantic
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.text import Phones
from ray_pipeline.text.chinese.g2pw import load_polyphones
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.reference import Reference, ReferenceFeatures, analyse
from ray_pipeline.voice.script import Reader
from ray_pipeline.voice.speech import OnProgress, Piece, Speech
from ray_pipeline.weights.files import build_synthesizer, load_gpt, load_sovits

_SENTENCES_AT_ONCE = 8
_MAX_REMEMBERED = 8


@dataclass
class GptSovitsVoice:
    """Made by `load`. Not for use by several threads at once."""

    base: PretrainedBase
    gpt: Text2Semantic
    synthesizer: Synthesizer
    content: ContentEncoder
    speaker: SpeakerEncoder | None
    device: torch.device
    models_dir: Path

    tokens_per_second = TOKENS_PER_SECOND

    def __post_init__(self) -> None:
        self._remembered: dict[tuple[Path, int], ReferenceFeatures] = {}

    @classmethod
    def load(
        cls,
        gpt_path: Path,
        sovits_path: Path,
        models_dir: Path,
        device: str | torch.device = "cpu",
    ) -> GptSovitsVoice:
        """The SoVITS file decides the version. Raises BadModelFile for a file that is damaged or
        does not go with the other, BackendMissing when the models folder lacks an encoder."""
        device = torch.device(device)
        sovits = load_sovits(sovits_path)
        gpt_file = load_gpt(gpt_path, expected=sovits.version)
        gpt = build_text2semantic(gpt_file.config, gpt_file.state_dict).to(device)
        if device.type == "cpu" and all_half(gpt_file.state_dict):
            use_half_weights(gpt)
        synthesizer = build_synthesizer(sovits).to(device)
        if gpt.config.eos != sovits.config.codebook_size:
            raise BadModelFile(
                f"{gpt_path.name} speaks {gpt.config.eos} tokens, {sovits_path.name} understands "
                f"{sovits.config.codebook_size}.",
                hint="Use the two files of one voice.",
            )
        base = base_model(sovits.version)
        content = load_content_encoder(base, models_dir, device)
        speaker = load_speaker_encoder(base, models_dir, device)
        return cls(base, gpt, synthesizer, content, speaker, device, models_dir)

    @property
    def version(self) -> str:
        return self.base.version

    @property
    def limit_tokens(self) -> int:
        return token_limit(self.gpt.config)

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
        reader = self._reader(settings, dictionary)
        script, left_out = reader.script(text, mode, settings.cut)
        features = self._features(reference.wav_path)
        prompt_text = reader.prompt(reference.text, reference.language or mode)
        told = _Told(on_progress, total=2 * len(script))
        decoded = self._decode(script, prompt_text, features, settings, told)
        made, waves = [], []
        for number, (phones, one) in enumerate(zip(script, decoded, strict=True)):
            generator = self._generator(settings.seed, number)
            wav = self._voice(one.tokens, phones, features, settings, generator)
            made.append(_piece(phones, one, wav))
            pause = np.zeros(int(settings.pause_seconds * SAMPLE_RATE), dtype=np.float32)
            waves += [wav, pause]
            told.advance(1)
        return Speech(np.concatenate(waves), made, left_out)

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
            polyphones=load_polyphones(self.models_dir, self.models_dir / BERT_FOLDER),
            strict_compat=settings.strict_compat,
        )

    @cached_property
    def _bert(self) -> BertEncoder | None:
        """Loaded when Chinese is first spoken; None if it is not in the models folder."""
        if not has_bert(self.models_dir):
            return None
        return BertEncoder.load(self.models_dir, self.device)

    def _meaning(self, text: Phones) -> Tensor:
        """[bert_dim, phones]: zero but for Chinese, in training too."""
        encoder = self._bert if has_chinese(text) else None
        return features_of(text, encoder, self.gpt.config.bert_dim, self.device)

    def _features(self, path: Path) -> ReferenceFeatures:
        key = path, path.stat().st_mtime_ns
        if key not in self._remembered:
            if len(self._remembered) >= _MAX_REMEMBERED:
                self._remembered.pop(next(iter(self._remembered)))
            self._remembered[key] = analyse(
                path, self.base, self.content, self.speaker, self.synthesizer
            )
        return self._remembered[key]

    def _decode(
        self,
        script: Sequence[Phones],
        prompt_text: Phones | None,
        features: ReferenceFeatures,
        settings: SpeechSettings,
        told: _Told,
    ) -> list[Decoded]:
        """The tokens of every piece."""
        sentences = [self._sentence(phones, prompt_text, features) for phones in script]
        generators = [self._generator(settings.seed, number) for number in range(len(sentences))]
        usable_tokens = self.usable_tokens
        decoded: list[Decoded] = []
        for start in range(0, len(sentences), _SENTENCES_AT_ONCE):
            group = slice(start, start + _SENTENCES_AT_ONCE)
            results = decode_batch(
                self.gpt,
                sentences[group],
                _sampling(settings),
                generators=generators[group],
                usable_tokens=usable_tokens,
                cuda_graphs=settings.cuda_graphs,
            )
            decoded += [_as_original(one, prompted=prompt_text is not None) for one in results]
            told.advance(len(results))
        return decoded

    def _sentence(
        self, phones: Phones, prompt_text: Phones | None, features: ReferenceFeatures
    ) -> Sentence:
        texts = [phones] if prompt_text is None else [prompt_text, phones]
        ids = [number for text in texts for number in text.ids]
        bert = torch.cat([self._meaning(text) for text in texts], dim=1)
        prompt = None if prompt_text is None else features.prompt
        return Sentence(torch.tensor(ids, device=self.device), bert, prompt)

    def _voice(
        self,
        tokens: Tensor,
        phones: Phones,
        features: ReferenceFeatures,
        settings: SpeechSettings,
        generator: torch.Generator,
    ) -> Waveform:
        wav = self.synthesizer.decode(
            tokens[None, None],
            torch.tensor([phones.ids], device=self.device),
            [features.spectrogram],
            None if features.speaker is None else [features.speaker],
            speed=settings.speed,
            noise_scale=settings.noise_scale,
            generator=generator,
        )
        samples: Waveform = wav[0, 0].float().cpu().numpy()
        return samples / max(1.0, float(np.abs(samples).max(initial=0.0)))

    def _generator(self, seed: int, number: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed + number)


def _sampling(settings: SpeechSettings) -> Sampling:
    return Sampling(
        top_k=settings.top_k,
        top_p=settings.top_p,
        temperature=settings.temperature,
        repetition_penalty=settings.repetition_penalty,
    )


def _as_original(decoded: Decoded, *, prompted: bool) -> Decoded:
    """The original loses the first token of a sentence that ran into the limit."""
    if decoded.ended or not prompted:
        return decoded
    return Decoded(decoded.tokens[1:], ended=False)


def _piece(phones: Phones, decoded: Decoded, wav: Waveform) -> Piece:
    return Piece(
        text=phones.text,
        norm_text=phones.norm_text,
        phones=phones.phones,
        unknown=phones.unknown,
        tokens=decoded.tokens.tolist(),
        ended=decoded.ended,
        seconds=len(wav) / SAMPLE_RATE,
    )


@dataclass
class _Told:
    """Counts the steps done for `on_progress`."""

    listener: OnProgress | None
    total: int
    done: int = 0

    def advance(self, steps: int) -> None:
        self.done += steps
        if self.listener is not None:
            self.listener(self.done, self.total)
