"""The features of the small base `mini`: mel and pitch, statistics of the speaker, and the phone
of each frame, by reading the text aloud and laying the reading over the clip.

F frames at 100 Hz, T = F / 2 tokens at 50 Hz.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ray_pipeline.audio.wav import write_int16
from ray_pipeline.clips.extractors import clip_at_32k, load_tensor, save_tensor, unusable
from ray_pipeline.clips.inputs import audio_features, included_transcripts, made_by
from ray_pipeline.clips.work import Build, Clip, Made, TokenWork, WorkItem
from ray_pipeline.core.audio_format import SAMPLE_RATE
from ray_pipeline.core.manifest import fingerprint
from ray_pipeline.core.pretrained_bases import PretrainedBase
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Experiment, sha256_of

if TYPE_CHECKING:
    from ray_pipeline.models.mini.sound import Sound

_VERSION = "2"
_MOST_COST = 7.0  # beyond it, text and sound do not agree


class MiniAudio:
    """Clip to the loudness-mixed WAV, and [1, 81, F] of 80 mel bins and the pitch in Hz."""

    def __init__(self, device: str, *, experiment: Experiment) -> None:
        self._experiment = experiment

    def __call__(self, clip: Clip) -> list[Made]:
        import torch

        from ray_pipeline.models.encoders.content import mixed_int16
        from ray_pipeline.models.mini.sound import analyse

        wav = clip_at_32k(clip)
        try:
            sound = analyse(wav)
        except ValueError as error:
            raise unusable(clip, f"cannot be used: {error}") from error
        features = torch.from_numpy(np.concatenate([sound.mel.T, sound.pitch_hz[None]])[None])
        content = save_tensor(features, self._experiment.content_of(clip.name))
        wave = self._experiment.wave_of(clip.name)
        write_int16(wave, mixed_int16(wav))
        details = {"seconds": round(len(wav) / SAMPLE_RATE, 4), "frames": features.shape[2]}
        return [Made(clip.name, details, [wave, content])]


class MiniSpeaker:
    """The clip's features to its speaker vector [1, 162]."""

    def __init__(self, device: str, *, experiment: Experiment) -> None:
        self._experiment = experiment

    def __call__(self, clip: Clip) -> list[Made]:
        import torch

        sound = sound_of(self._experiment.content_of(clip.name))
        vector = torch.from_numpy(sound.speaker)[None]
        path = self._experiment.speaker_vector_of(clip.name)
        return [Made(clip.name, files=[save_tensor(vector, path)])]


class MiniTokens:
    """The clip's features (its `path`) and its phones (its `text`, by name) to a token a frame."""

    def __init__(self, device: str) -> None:
        from ray_pipeline.models.mini.alignment import Aligner
        from ray_pipeline.models.mini.files import shipped_base
        from ray_pipeline.text.symbols import symbol_table

        base = shipped_base()
        self._align = Aligner(base.durations.eval(), base.synthesizer.eval())
        self._ids = symbol_table("v2")

    def __call__(self, clip: Clip) -> list[Made]:
        import torch

        phones = [self._ids[name] for name in clip.text.split()]
        try:
            with torch.inference_mode():
                alignment = self._align(phones, sound_of(Path(clip.path)))
        except ValueError as error:
            raise unusable(clip, f"cannot be laid out: {error}") from error
        details = {
            "codes": " ".join(map(str, alignment.tokens.tolist())),
            "tokens": len(alignment.tokens),
            "cost": round(alignment.cost, 2),
        }
        return [Made(clip.name, details)]


def sound_of(path: Path) -> Sound:
    """What a file of features holds, without the waveform."""
    from ray_pipeline.models.mini.config import NUM_MELS
    from ray_pipeline.models.mini.sound import Sound

    features = load_tensor(path)[0].numpy()
    mel, pitch_hz = features[:NUM_MELS].T, features[NUM_MELS]
    return Sound(np.zeros(0, np.float32), np.ascontiguousarray(mel), pitch_hz)


def audio(context: StepContext, base: PretrainedBase) -> Build:
    """Raises InvalidInput for a clip in a language that the base has not learned."""
    from ray_pipeline.models.mini.voice import refuse_unknown_language

    for transcript in included_transcripts(context):
        refuse_unknown_language(transcript.language)
    return partial(MiniAudio, experiment=context.experiment)


def speaker(context: StepContext, base: PretrainedBase) -> Build:
    return partial(MiniSpeaker, experiment=context.experiment)


def tokens(context: StepContext, base: PretrainedBase, force: bool) -> TokenWork:
    """Raises StepNotReady without audio features or text features."""
    from ray_pipeline.models.mini.files import shipped_digest

    phones = {
        entry.name: entry.details["phones"]
        for entry in made_by(context, StepName.EXTRACT_TEXT_FEATURES, "text features")
    }
    base_digest = shipped_digest()
    items = []
    for name in sorted(entry.name for entry in audio_features(context) if entry.name in phones):
        path = context.experiment.content_of(name)
        digest = sha256_of(path)
        key = fingerprint(version=_VERSION, features=digest, phones=phones[name], base=base_digest)
        items.append(WorkItem(Clip(name, str(path), phones[name], "en"), key, digest))
    return TokenWork(items, MiniTokens, doubtful=_doubtful)


def _doubtful(details: dict[str, object]) -> str:
    """Why a clip's tokens are to be distrusted; empty where they are not."""
    cost = details["cost"]
    if isinstance(cost, float) and cost > _MOST_COST:
        return "Its text and its sound do not seem to agree: listen to it, and correct the text."
    return ""
