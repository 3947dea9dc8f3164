"""Files that we export, read by the original's own code: the same keys, the same sound."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from benchmarks.compare import original, workloads
from ray_pipeline.models.gpt.config import GPT_CONFIGS
from ray_pipeline.models.gpt.decoding import Sentence, decode_batch
from ray_pipeline.models.gpt.loading import build_text2semantic
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling
from ray_pipeline.models.sovits.config import OFFICIAL_VERSIONS, SOVITS_CONFIGS
from ray_pipeline.models.sovits.synthesizer import Synthesizer
from ray_pipeline.weights.files import (
    build_synthesizer,
    load_gpt,
    load_sovits,
    save_gpt,
    save_sovits,
)

TOLERANCE = 2e-4  # that of the golden waveforms
_SPEEDS = (1.0, 1.3)
_GPT_TOKENS = 60


@dataclass(frozen=True)
class Finding:
    """What the original made of one of our files. `error` is the largest difference between the
    two outputs divided by the largest value; None where tokens are compared (`same`)."""

    name: str
    version: str
    missing: list[str]
    unexpected: list[str]
    same: bool
    error: float | None = None

    @property
    def passed(self) -> bool:
        return self.same and not self.missing and not self.unexpected

    def __str__(self) -> str:
        how = "tokens equal" if self.same else "tokens differ"
        if self.error is not None:
            how = f"waveform differs by {self.error:.1e}"
        return (
            f"{'ok  ' if self.passed else 'FAIL'} {self.name:10} read as {self.version}, "
            f"{len(self.missing)} missing, {len(self.unexpected)} unexpected keys, {how}"
        )


def check_exports(folder: Path) -> Iterator[Finding]:
    """Export every version into `folder` and let the original read and use it."""
    for version in OFFICIAL_VERSIONS:
        yield _check_sovits(folder / f"{version}.pth", version)
    for version in ("v1", "v2"):
        yield _check_gpt(folder / f"{version}.ckpt", version)


def _check_sovits(path: Path, version: str) -> Finding:
    config = SOVITS_CONFIGS[version]
    with torch.device("meta"):
        model = Synthesizer(config)
    save_sovits(path, workloads.filled(model), config, "1epoch_1iteration")
    theirs, recognised, missing, unexpected = original.load_sovits(path)
    ours = build_synthesizer(load_sovits(path))
    asked = workloads.utterance(config)
    speakers = {} if asked.speakers is None else {"sv_emb": asked.speakers}
    errors = []
    for speed in _SPEEDS:
        spoken = theirs.decode(
            asked.codes, asked.text, asked.refers, noise_scale=0, speed=speed, **speakers
        )
        by_us = ours.decode(
            asked.codes, asked.text, asked.refers, asked.speakers, speed=speed, noise_scale=0.0
        )
        errors.append(_relative_error(by_us, spoken))
    path.unlink()
    close = max(errors) <= TOLERANCE and recognised == version
    return Finding(version, recognised, missing, unexpected, close, max(errors))


def _relative_error(ours: Tensor, theirs: Tensor) -> float:
    if ours.shape != theirs.shape:
        return float("inf")
    return float((ours - theirs).abs().max() / theirs.abs().max())


def _check_gpt(path: Path, version: str) -> Finding:
    config = GPT_CONFIGS[version]
    with torch.device("meta"):
        model = Text2Semantic(config)
    save_gpt(path, workloads.filled(model), config.to_export(), "GPT-e1", version=version)
    theirs, missing, unexpected = original.load_gpt(path)
    loaded = load_gpt(path, version)
    ours = build_text2semantic(loaded.config, loaded.state_dict)
    given = workloads.sentences(1, "cpu")
    phones, bert = given.phones[0] % config.phoneme_vocab_size, given.bert[0]
    tokens, _ = original.decode_one(theirs, phones, bert, given.prompt, _GPT_TOKENS, top_k=1)
    [decoded] = decode_batch(
        ours,
        [Sentence(phones, bert, given.prompt)],
        Sampling(top_k=1),
        max_tokens=_GPT_TOKENS - 1,
    )
    path.unlink()
    same = torch.equal(decoded.tokens, tokens[0, len(given.prompt) :])
    return Finding(f"GPT {version}", loaded.version, missing, unexpected, same)
