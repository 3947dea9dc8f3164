"""A voice: both trained models and the encoders they need, loaded once to speak many times.

    text ─ pieces ─ phones ┐
    reference ─ tokens ────┴─ Text2Semantic ─ tokens ─ Synthesizer ─ waveform, piece by piece
    reference ─ spectrogram, speaker vector ───────────────┘

What is said for a seed depends on the device and on nothing else; each piece has its own
random numbers. Shapes: waveforms [N] at 32 kHz, phones [L], tokens [T] (25 a second).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ray_pipeline.core.audio_format import SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import BadModelFile, InvalidInput
from ray_pipeline.core.pretrained_bases import BERT_FOLDER, PretrainedBase, base_model, has_bert
from ray_pipeline.models.encoders.bert import BertEncoder, features_of, has_chinese
from ray_pipeline.models.encoders.codebook import Codebook
from ray_pipeline.models.encoders.content import ContentEncoder, load_content_encoder
from ray_pipeline.models.encoders.speaker import SpeakerEncoder, load_speaker_encoder
from ray_pipeline.models.gpt.decoding import Decoded, Sentence, decode_batch
from ray_pipeline.models.gpt.half_weights import all_half, use_half_weights
from ray_pipeline.models.gpt.loading import build_text2semantic
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.text import Phones, phonemize_mixed
from ray_pipeline.text.chinese.g2pw import load_polyphones
from ray_pipeline.text.mixed import known_mode
from ray_pipeline.text.own_words import Pronunciations
from ray_pipeline.voice.cutting import CutMethod, closed, pieces, squeeze_marks
from ray_pipeline.voice.reference import Reference, ReferenceFeatures, analyse
from ray_pipeline.weights.files import build_synthesizer, load_gpt, load_sovits

_SENTENCES_AT_ONCE = 8
_MAX_REMEMBERED = 8

OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Piece:
    """One piece of the text as it was spoken. `ended` is False if the model found no end and
    was stopped; `seconds` are without the pause behind it."""

    text: str
    norm_text: str
    phones: list[str]
    unknown: list[str]
    tokens: list[int]
    ended: bool
    seconds: float


@dataclass(frozen=True)
class Speech:
    """`wav` is float32 [N] at 32 kHz within -1..1."""

    wav: Waveform
    pieces: list[Piece]

    @property
    def seconds(self) -> float:
        return len(self.wav) / SAMPLE_RATE


@dataclass
class Voice:
    """Made by `Voice.load`. Not for use by several threads at once."""

    base: PretrainedBase
    gpt: Text2Semantic
    synthesizer: Synthesizer
    content: ContentEncoder
    speaker: SpeakerEncoder | None
    device: torch.device
    models_dir: Path

    def __post_init__(self) -> None:
        self._remembered: dict[tuple[Path, int], ReferenceFeatures] = {}

    @classmethod
    def load(
        cls,
        gpt_path: Path,
        sovits_path: Path,
        models_dir: Path,
        device: str | torch.device = "cpu",
    ) -> Voice:
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

    def speak(
        self,
        text: str,
        language: str,
        reference: Reference,
        *,
        seed: int = 0,
        speed: float = 1.0,
        top_k: int = 15,
        top_p: float = 1.0,
        temperature: float = 1.0,
        repetition_penalty: float = 1.35,
        noise_scale: float = 0.5,
        cut: CutMethod = "cut5",
        pause_seconds: float = 0.3,
        dictionary: Pronunciations | None = None,
        on_progress: OnProgress | None = None,
    ) -> Speech:
        """Say `text` as the person of the reference. `language` and that of the reference are
        modes by code or Chinese name: `zh` is Chinese with English in it, `auto` anything.

        `speed` 2.0 is twice as fast; `noise_scale` varies the sound, the sampling arguments
        the prosody; `dictionary` has the user's own words. `on_progress` is told how many of
        how many steps are done. Raises InvalidInput for a text or a reference that cannot be
        used.
        """
        sampling = Sampling(
            top_k=top_k,
            top_p=top_p,
            temperature=temperature,
            repetition_penalty=repetition_penalty,
        )
        language = known_mode(language)
        own_words = dictionary or {}
        spoken = [
            self._phones(piece, language, own_words) for piece in _to_say(text, language, cut)
        ]
        features = self._features(reference.wav_path)
        prompt_text = self._prompt_text(reference, own_words)
        told = _Told(on_progress, total=2 * len(spoken))
        decoded = self._decode(spoken, prompt_text, features, sampling, seed, told)
        made, waves = [], []
        for number, (phones, one) in enumerate(zip(spoken, decoded, strict=True)):
            generator = self._generator(seed, number)
            wav = self._voice(one.tokens, phones, features, speed, noise_scale, generator)
            made.append(_piece(phones, one, wav))
            waves += [wav, np.zeros(int(pause_seconds * SAMPLE_RATE), dtype=np.float32)]
            told.advance(1)
        return Speech(np.concatenate(waves), made)

    @property
    def usable_tokens(self) -> Tensor | None:
        """Bool [tokens]: those that occur in the data the codebook was fitted to. None for the
        pretrained codebooks, all of whose tokens can be spoken."""
        if self.base.is_pretrained:
            return None
        return Codebook.from_state_dict(self.synthesizer.state_dict()).counts > 0

    def _phones(self, text: str, language: str, dictionary: Pronunciations) -> Phones:
        # A text of very few phones comes back with a full stop before it: time to begin.
        return phonemize_mixed(
            text,
            language,
            symbols=self.base.symbols,
            dictionary=dictionary,
            polyphones=load_polyphones(self.models_dir, self.models_dir / BERT_FOLDER),
        )

    def _prompt_text(self, reference: Reference, dictionary: Pronunciations) -> Phones | None:
        text = reference.text.strip("\n")
        if not text.strip():
            return None
        language = known_mode(reference.language)
        return self._phones(closed(text, "." if language == "en" else "。"), language, dictionary)

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
        spoken: Sequence[Phones],
        prompt_text: Phones | None,
        features: ReferenceFeatures,
        sampling: Sampling,
        seed: int,
        told: _Told,
    ) -> list[Decoded]:
        """The tokens of every piece."""
        sentences = [self._sentence(phones, prompt_text, features) for phones in spoken]
        generators = [self._generator(seed, number) for number in range(len(sentences))]
        usable_tokens = self.usable_tokens
        decoded: list[Decoded] = []
        for start in range(0, len(sentences), _SENTENCES_AT_ONCE):
            group = slice(start, start + _SENTENCES_AT_ONCE)
            results = decode_batch(
                self.gpt,
                sentences[group],
                sampling,
                generators=generators[group],
                usable_tokens=usable_tokens,
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
        speed: float,
        noise_scale: float,
        generator: torch.Generator,
    ) -> Waveform:
        wav = self.synthesizer.decode(
            tokens[None, None],
            torch.tensor([phones.ids], device=self.device),
            [features.spectrogram],
            None if features.speaker is None else [features.speaker],
            speed=speed,
            noise_scale=noise_scale,
            generator=generator,
        )
        samples: Waveform = wav[0, 0].float().cpu().numpy()
        return samples / max(1.0, float(np.abs(samples).max(initial=0.0)))

    def _generator(self, seed: int, number: int) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(seed + number)


def _to_say(text: str, language: str, cut: CutMethod) -> list[str]:
    found = pieces(squeeze_marks(text), language, cut)
    if not found:
        raise InvalidInput(
            "The text has nothing that can be said.",
            hint="Give at least one word.",
            field="params.target_text",
        )
    return found


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
