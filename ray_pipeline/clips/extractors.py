"""The four extractors: what each makes of one clip. Formats are the original's.

Each loads its model when it is made, once in an actor, and is called with one clip at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ray_pipeline.audio.levels import peak
from ray_pipeline.audio.wav import read_mono, write_int16
from ray_pipeline.clips.work import Clip, Made
from ray_pipeline.core.audio_format import HOP_SAMPLES, SAMPLE_RATE, Waveform
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.pretrained_bases import BERT_FOLDER, PretrainedBase
from ray_pipeline.core.workspace import atomic_path

_LOUDEST_PEAK = 2.2
_FEWEST_FRAMES = 2  # one semantic token
# The original's training never says these signs, so its base models know them as pauses.
_PAUSES_IN_TRAINING = {"%": "-", "￥": ","}


class TextExtractor:
    """Transcript to phones, and for Chinese to BERT features in `bert_dir/<clip>.pt`.

    It is read as a text to speak is, so that the voice learns what it will be given. With
    `strict_compat` the whole of it is read in its one language, as the original prepares its
    training data: what is written in another script is lost then.
    `bert` and `g2pw` say which models of `models_dir` help with Chinese; `dictionary` holds the
    user's own pronunciations.
    """

    def __init__(
        self,
        device: str,
        *,
        symbols: str,
        bert_dir: Path,
        models_dir: Path,
        bert: bool = False,
        g2pw: bool = False,
        dictionary: Mapping[str, Sequence[str]] | None = None,
        strict_compat: bool = False,
    ) -> None:
        from ray_pipeline.text import phonemize, phonemize_language
        from ray_pipeline.text.chinese.g2pw import load_polyphones

        self._phonemize = partial(
            phonemize_language if strict_compat else phonemize,
            symbols=symbols,
            dictionary=dictionary,
            strict_compat=strict_compat,
            polyphones=load_polyphones(models_dir, models_dir / BERT_FOLDER) if g2pw else None,
        )
        self._pauses = _PAUSES_IN_TRAINING if strict_compat else {}
        self._bert_dir = bert_dir
        self._bert = None
        if bert:
            from ray_pipeline.models.encoders.bert import BertEncoder

            self._bert = BertEncoder.load(models_dir, device)

    def __call__(self, clip: Clip) -> list[Made]:
        text = clip.text
        for sign, pause in self._pauses.items():
            text = text.replace(sign, pause)
        phones = self._phonemize(text, clip.language)
        files = []
        if self._bert is not None and clip.language == "zh":
            from ray_pipeline.models.encoders.bert import features_of

            features = features_of(phones, self._bert, self._bert.width, self._bert.device)
            files = [save_tensor(features, self._bert_dir / f"{clip.name}.pt")]
        details = {
            "phones": " ".join(phones.phones),
            "word2ph": phones.word2ph,
            "norm_text": " ".join(phones.norm_text.split()),
            "unknown": phones.unknown + [c for c in clip.text if c in self._pauses],
        }
        return [Made(clip.name, details, files)]


class AudioExtractor:
    """Clip to the loudness-mixed WAV in `waves_dir/<clip>` and content features [1, ssl_dim, T]
    at 50 Hz in `content_dir/<clip>.pt`."""

    def __init__(
        self,
        device: str,
        *,
        base: PretrainedBase,
        models_dir: Path,
        waves_dir: Path,
        content_dir: Path,
    ) -> None:
        from ray_pipeline.models.encoders.content import load_content_encoder

        self._encoder = load_content_encoder(base, models_dir, device)
        self._waves_dir, self._content_dir = waves_dir, content_dir

    def __call__(self, clip: Clip) -> list[Made]:
        from ray_pipeline.models.encoders.content import mixed_int16

        wav = clip_at_32k(clip)
        if len(wav) < _FEWEST_FRAMES * HOP_SAMPLES:
            raise unusable(clip, "is shorter than one semantic token (40 ms)")
        features = self._encoder.of_training_clip(wav)
        if not features.isfinite().all():
            raise unusable(clip, "gives content features that are no numbers")
        content = save_tensor(features, self._content_dir / f"{clip.name}.pt")
        wave = self._waves_dir / clip.name
        write_int16(wave, mixed_int16(wav))
        details = {"seconds": round(len(wav) / SAMPLE_RATE, 4), "frames": features.shape[2]}
        return [Made(clip.name, details, [wave, content])]


class SpeakerExtractor:
    """Loudness-mixed clip to the speaker vector [1, speaker_dim] in `vectors_dir/<clip>.pt`."""

    def __init__(
        self, device: str, *, base: PretrainedBase, models_dir: Path, vectors_dir: Path
    ) -> None:
        from ray_pipeline.models.encoders.speaker import load_speaker_encoder

        encoder = load_speaker_encoder(base, models_dir, device)
        if encoder is None:
            raise StepFailed(f"The base model {base.name} has no speaker vectors.")
        self._encoder, self._vectors_dir = encoder, vectors_dir

    def __call__(self, clip: Clip) -> list[Made]:
        vector = self._encoder(*read_mono(Path(clip.path)))
        if not vector.isfinite().all():
            raise unusable(clip, "gives a speaker vector that is no number")
        return [Made(clip.name, files=[save_tensor(vector, self._vectors_dir / f"{clip.name}.pt")])]


class SemanticExtractor:
    """Content features to semantic tokens, 25 a second."""

    def __init__(self, device: str, *, codebook: Path) -> None:
        from ray_pipeline.models.encoders.codebook import Codebook

        self._codebook, self._path = Codebook.load(codebook), codebook

    def __call__(self, clip: Clip) -> list[Made]:
        codes = self._codebook.encode(load_tensor(Path(clip.path)))[0, 0].tolist()
        if not codes:
            raise unusable(clip, "is shorter than one semantic token (40 ms)")
        details = {"codes": " ".join(map(str, codes)), "tokens": len(codes)}
        return [Made(clip.name, details, [self._path])]


def save_tensor(tensor: Any, path: Path) -> Path:
    """As `torch.load` finds it: on the CPU, float32, nothing else in the file. Atomic."""
    import torch

    with atomic_path(path) as unfinished:
        torch.save(tensor.detach().float().cpu().clone(), unfinished)
    return path


def load_tensor(path: Path) -> Any:
    """Raises StepFailed when the file is damaged or holds something else."""
    import torch

    try:
        tensor = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise _damaged(path) from error
    if not isinstance(tensor, torch.Tensor):
        raise _damaged(path)
    return tensor


def clip_at_32k(clip: Clip) -> Waveform:
    from ray_pipeline.models.encoders.content import to_rate

    wav, rate = read_mono(Path(clip.path))
    loudest = peak(wav)
    if loudest == 0:
        raise unusable(clip, "is silent")
    if loudest > _LOUDEST_PEAK:
        raise unusable(clip, f"peaks at {loudest:.1f} times full scale")
    return to_rate(wav, rate, SAMPLE_RATE)


def unusable(clip: Clip, reason: str) -> StepFailed:
    return StepFailed(
        f"{clip.name} {reason}.",
        hint="Exclude the clip, or record it anew.",
        clip=clip.name,
        reason="no_features",
        words=reason,
    )


def _damaged(path: Path) -> StepFailed:
    return StepFailed(
        f"The features {path.name} cannot be read.",
        hint="Run extract_audio_features again, with force.",
    )
