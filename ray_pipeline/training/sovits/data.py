"""From an experiment folder to batches for the SoVITS training.

Shapes: B batch, T frames (640 samples at 32 kHz, 50 a second), N samples, L phones,
D width of the content features, S width of the speaker vector.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile
import torch
from torch import Tensor
from torch.nn.functional import pad
from torch.utils.data import Dataset

from ray_pipeline.audio.spectrogram import spectrogram
from ray_pipeline.core.audio_format import HOP_SAMPLES, SAMPLE_RATE
from ray_pipeline.core.errors import StepFailed
from ray_pipeline.core.workspace import Experiment
from ray_pipeline.training.batch import Batch, ExampleCache
from ray_pipeline.training.experiment_files import (
    DroppedClip,
    Objection,
    phone_ids,
    read_phones,
    unknown_phones,
)

MIN_SECONDS, MAX_SECONDS = 0.6, 54.0
_BYTES_PER_FRAME = 2 * HOP_SAMPLES  # int16


@dataclass(frozen=True)
class SovitsItem:
    """A clip that takes part. `length_frames` is counted from the file's size, with its header,
    because the original's buckets are."""

    name: str
    phones: tuple[int, ...]
    seconds: float
    length_frames: int


@dataclass(frozen=True)
class SovitsExample:
    """ssl [D, T], spec [1025, T], wav [1, N] in -1..1, phones [L], speaker [S] or None."""

    name: str
    ssl: Tensor
    spec: Tensor
    wav: Tensor
    phones: Tensor
    speaker: Tensor | None

    @property
    def num_bytes(self) -> int:
        return sum(t.nbytes for t in (self.ssl, self.spec, self.wav, self.phones))


@dataclass(frozen=True)
class SovitsBatch(Batch):
    """Longest clip first; zeros after the end of the shorter ones.

    ssl [B, D, T], spec [B, 1025, T], wav [B, 1, N], phones [B, L], lengths [B] each,
    speaker [B, S] or None.
    """

    ssl: Tensor
    spec: Tensor
    spec_lengths: Tensor
    wav: Tensor
    phones: Tensor
    phone_lengths: Tensor
    speaker: Tensor | None


def find_sovits_items(
    experiment: Experiment,
    phone_table: Mapping[str, int],
    *,
    with_speaker: bool,
    frames: tuple[int, int] = (0, 1 << 30),
) -> tuple[list[SovitsItem], list[DroppedClip]]:
    """Clips whose text, content features, wave and (for bases that use it) speaker vector exist,
    in the order of their names, and those left out.

    A clip is kept between 0.6 and 54 s, with more than `frames[0]` and at most `frames[1]`
    frames.
    """
    kept, dropped = [], []
    for name, phones in sorted(read_phones(experiment).items()):
        item = _check(experiment, name, phones, phone_table, with_speaker, frames)
        if isinstance(item, SovitsItem):
            kept.append(item)
        else:
            dropped.append(item.of(name))
    return kept, dropped


def _check(
    experiment: Experiment,
    name: str,
    phones: list[str],
    phone_table: Mapping[str, int],
    with_speaker: bool,
    frames: tuple[int, int],
) -> SovitsItem | Objection:
    """The item, or why it is none."""
    needed = [experiment.content_of(name), experiment.wave_of(name)]
    if with_speaker:
        needed.append(experiment.speaker_vector_of(name))
    missing = [f"{path.parent.name}/{path.name}" for path in needed if not path.is_file()]
    if missing:
        files = " and ".join(missing)
        return Objection(f"{files} missing", "missing_features", {"files": files})
    ids = phone_ids(phones, phone_table)
    if ids is None:
        return unknown_phones(phones, phone_table)
    num_bytes = experiment.wave_of(name).stat().st_size
    seconds = num_bytes / SAMPLE_RATE / 2
    if not MIN_SECONDS < seconds < MAX_SECONDS:
        words = f"{seconds:.2f} s long, outside {MIN_SECONDS} to {MAX_SECONDS:g} s"
        return _wrong_length(words, seconds, MIN_SECONDS, MAX_SECONDS)
    length_frames = num_bytes // _BYTES_PER_FRAME
    if not frames[0] < length_frames <= frames[1]:
        least, most = frames[0] / 50, frames[1] / 50
        bounds = f"{least:.2f} to {most:g} s"
        words = f"{seconds:.2f} s long, outside the {bounds} that this training takes"
        if length_frames > frames[1]:
            words += f" (slice_audio with max_seconds {most:g} or less makes shorter clips)"
        return _wrong_length(words, seconds, least, most)
    return SovitsItem(name, tuple(ids), seconds, length_frames)


def _wrong_length(words: str, seconds: float, least: float, most: float) -> Objection:
    numbers = {"seconds": round(seconds, 2), "least": round(least, 2), "most": round(most, 2)}
    return Objection(words, "wrong_length", numbers)


class SovitsDataset(Dataset[SovitsExample]):
    """Reads clips from an experiment folder, each once while there is room."""

    def __init__(
        self, experiment: Experiment, items: Sequence[SovitsItem], *, with_speaker: bool
    ) -> None:
        self._experiment = experiment
        self._items = items
        self._with_speaker = with_speaker
        self._cache: ExampleCache[SovitsExample] = ExampleCache()

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> SovitsExample:
        item = self._items[index]
        return self._cache.get(item.name, lambda: self._load(item))

    def _load(self, item: SovitsItem) -> SovitsExample:
        """Raises StepFailed that names the clip when one of its files cannot be read."""
        try:
            samples, _ = soundfile.read(self._experiment.wave_of(item.name), dtype="float32")
            ssl = load_tensor(self._experiment.content_of(item.name))[0]
            speaker = None
            if self._with_speaker:
                speaker = load_tensor(self._experiment.speaker_vector_of(item.name))[0]
        except Exception as error:
            raise StepFailed(
                f"A feature file of the clip {item.name} cannot be read: {error}.",
                hint="Run the steps from extract_audio_features again with force.",
                clip=item.name,
            ) from error
        wav = torch.from_numpy(samples)[None]
        spec = spectrogram(wav)[0]
        if ssl.shape[-1] != spec.shape[-1]:
            ssl = pad(ssl[None], (0, 1), mode="replicate")[0]
        return SovitsExample(item.name, ssl, spec, wav, torch.tensor(item.phones), speaker)


def load_tensor(path: Path) -> Tensor:
    """A saved feature as float32, without gradient."""
    tensor: Tensor = torch.load(path, map_location="cpu", weights_only=True)
    return tensor.detach().float()


def collate_sovits(examples: Sequence[SovitsExample]) -> SovitsBatch:
    """Pad to one length: frames to an even number with at least one frame more than the longest
    clip has, samples and phones to the longest."""
    ordered = sorted(examples, key=lambda example: example.spec.shape[-1], reverse=True)
    longest = max(max(e.spec.shape[-1], e.ssl.shape[-1]) for e in ordered)
    num_frames = 2 * (longest // 2 + 1)
    speakers = [e.speaker for e in ordered if e.speaker is not None]
    return SovitsBatch(
        names=[e.name for e in ordered],
        ssl=_stack([e.ssl for e in ordered], num_frames),
        spec=_stack([e.spec for e in ordered], num_frames),
        spec_lengths=torch.tensor([e.spec.shape[-1] for e in ordered]),
        wav=_stack([e.wav for e in ordered]),
        phones=_stack([e.phones for e in ordered]),
        phone_lengths=torch.tensor([len(e.phones) for e in ordered]),
        speaker=torch.stack(speakers) if speakers else None,
    )


def _stack(tensors: list[Tensor], length: int | None = None) -> Tensor:
    """Pad the last axis with zeros to `length` (default: the longest) and stack."""
    length = length or max(t.shape[-1] for t in tensors)
    return torch.stack([pad(t, (0, length - t.shape[-1])) for t in tensors])
