"""From content features at 50 Hz to semantic tokens at 25 Hz.

A token is the nearest row of a codebook to the projection of two frames. The full-size base
models bring projection and codebook along; nano fits its own to the features of a task:
principal components of two stacked, normalised frames, then k-means.

The projection takes raw features: the normalisation is folded into its weights, so a voice
carries nothing else. Shapes: features [1, ssl_dim, T], projections [dim, T // 2], codebook
[rows, dim]; codes [1, 1, T // 2], as `Synthesizer.extract_latent` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from ray_pipeline.core.errors import BadModelFile
from ray_pipeline.core.workspace import atomic_path

_PROJECTION = "ssl_proj."
_CODEBOOK = "quantizer.vq.layers.0._codebook."
_KEYS = (
    f"{_PROJECTION}weight",
    f"{_PROJECTION}bias",
    f"{_CODEBOOK}embed",
    f"{_CODEBOOK}cluster_size",
)

_TOKENS_PER_ROW = 4
_MAX_FITTED_TOKENS = 60_000  # 40 minutes of speech; more makes k-means slow, not better
_SMALLEST_SPREAD = 1e-3
# Rows that k-means did not need are put where nothing comes near them. Projections stay under
# a length of about 100, and half precision can still say the value.
_FAR_AWAY = 1000.0

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Codebook:
    """`weight` [dim, ssl_dim, 2] and `bias` [dim] are the projection, a convolution of width
    and stride 2; `rows` [K, dim] the codebook; `counts` [K] how many tokens of the fitted data
    each row took. A row with a count of 0 is never the nearest to anything."""

    weight: Tensor
    bias: Tensor
    rows: Tensor
    counts: Tensor

    @property
    def used(self) -> int:
        """Rows that a token can be."""
        return int((self.counts > 0).sum())

    @torch.inference_mode()
    def encode(self, ssl: Tensor) -> Tensor:
        """Codes [1, 1, T // 2] of features [1, ssl_dim, T]; an odd last frame is dropped."""
        projected = nn.functional.conv1d(ssl.float(), self.weight, self.bias, stride=2)
        return _nearest(projected[0].T, self.rows)[None, None]

    def state_dict(self) -> dict[str, Tensor]:
        """The same under the names that a Synthesizer and the exported files give it."""
        return {
            f"{_PROJECTION}weight": self.weight,
            f"{_PROJECTION}bias": self.bias,
            f"{_CODEBOOK}inited": torch.ones(1),
            f"{_CODEBOOK}cluster_size": self.counts,
            f"{_CODEBOOK}embed": self.rows,
            f"{_CODEBOOK}embed_avg": self.rows * self.counts[:, None],
        }

    @classmethod
    def from_state_dict(cls, state: Mapping[str, Tensor]) -> Codebook:
        """From the weights of any generator, nano or full-size. Raises BadModelFile when they
        lack the projection or the codebook."""
        missing = [key for key in _KEYS if key not in state]
        if missing:
            raise BadModelFile(
                f"The weights have no {missing[0]}.",
                hint="Use the generator of a base model (s2G…) or an exported SoVITS voice.",
            )
        return cls(*(state[key].detach().float() for key in _KEYS))

    def apply(self, synthesizer: nn.Module) -> None:
        """Copy projection and codebook into a Synthesizer, in place."""
        left_over = synthesizer.load_state_dict(self.state_dict(), strict=False)
        if left_over.unexpected_keys:
            raise BadModelFile(f"The model has no {left_over.unexpected_keys[0]}.")

    def save(self, path: Path) -> None:
        tensors = {key: value.contiguous() for key, value in self.state_dict().items()}
        with atomic_path(path, durable=True) as partial:
            # Not `save_file`, whose files only their owner may read, whatever the umask.
            partial.write_bytes(save(tensors))

    @classmethod
    def load(cls, path: Path) -> Codebook:
        """Raises BadModelFile when the file is absent, damaged or something else."""
        try:
            state = load_file(path)
        except (OSError, SafetensorError) as error:
            raise BadModelFile(
                f"The codebook {path.name} cannot be read: {error}.",
                hint="Run extract_semantic_features again, with force.",
            ) from error
        return cls.from_state_dict(state)


def fit(features: Sequence[Tensor], *, seed: int, rows: int = 512) -> Codebook:
    """A codebook of `rows` rows for features [ssl_dim, T], one tensor a clip.

    k-means gets min(rows, tokens // 4) of them, so that each stands for several tokens; the
    rest is filled with rows that are never the nearest. The same features in the same order
    and the same seed give the same codebook. Raises ValueError without two frames.
    """
    frames = [clip.detach().float().numpy().T for clip in features]
    pairs = np.concatenate([_pairs(clip) for clip in frames]) if frames else np.empty((0, 2))
    if not len(pairs):
        raise ValueError("no clip has two frames")
    ssl_dim = pairs.shape[1] // 2
    mean, spread = _per_bin(pairs, ssl_dim)
    axes, centre = _principal_axes((pairs - mean) / spread, ssl_dim)
    # One linear map from raw pairs: normalise, centre, rotate.
    matrix = axes / spread[:, None]
    offset = -(mean / spread + centre) @ axes
    centres, counts = _cluster(pairs @ matrix + offset, rows, seed)
    weight = matrix.T.reshape(-1, 2, ssl_dim).transpose(0, 2, 1)
    return Codebook(
        torch.from_numpy(np.ascontiguousarray(weight, dtype=np.float32)),
        torch.from_numpy(offset.astype(np.float32)),
        torch.from_numpy(centres),
        torch.from_numpy(counts),
    )


def _pairs(frames: FloatArray) -> FloatArray:
    """[T, ssl_dim] to [T // 2, 2 * ssl_dim], earlier frame first."""
    whole = frames[: len(frames) // 2 * 2]
    return whole.reshape(-1, 2 * frames.shape[1])


def _per_bin(pairs: FloatArray, ssl_dim: int) -> tuple[FloatArray, FloatArray]:
    """Mean and standard deviation of each bin over all frames, repeated for both frames."""
    frames = pairs.reshape(-1, ssl_dim)
    spread = frames.std(axis=0).clip(min=_SMALLEST_SPREAD)
    return np.tile(frames.mean(axis=0), 2), np.tile(spread, 2)


def _principal_axes(pairs: FloatArray, dim: int) -> tuple[FloatArray, FloatArray]:
    """The `dim` directions of largest variance as columns, and the centre of the data."""
    centre = pairs.mean(axis=0)
    centred = (pairs - centre).astype(np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred / len(pairs))
    axes = vectors[:, ::-1][:, :dim]
    # The sign of an eigenvector is arbitrary: make its largest element positive.
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(dim)])
    return (axes * signs).astype(np.float32), centre


def _cluster(points: FloatArray, rows: int, seed: int) -> tuple[FloatArray, FloatArray]:
    """Centres [rows, dim] and the number of points of each; unused rows come last."""
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    generator = np.random.default_rng(seed)
    if len(points) > _MAX_FITTED_TOKENS:
        chosen = generator.choice(len(points), _MAX_FITTED_TOKENS, replace=False)
        points = points[np.sort(chosen)]
    num_clusters = min(rows, max(1, len(points) // _TOKENS_PER_ROW))
    # Several threads add up in varying order, and the result would vary with it.
    with threadpool_limits(1):
        fitted = KMeans(num_clusters, n_init=1, max_iter=50, random_state=seed).fit(points)
    centres = np.full((rows, points.shape[1]), _FAR_AWAY, dtype=np.float32)
    centres[:num_clusters] = fitted.cluster_centers_
    counts = np.bincount(fitted.labels_, minlength=rows).astype(np.float32)
    centres[counts == 0] = _FAR_AWAY
    return centres, counts


def _nearest(points: Tensor, rows: Tensor) -> Tensor:
    """The index of the nearest row of each point: what is largest is -|x - row|^2 / 2 without
    the |x|^2 that all rows share."""
    return (points @ rows.T - 0.5 * rows.square().sum(1)).argmax(dim=1)
