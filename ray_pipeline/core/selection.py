"""Which checkpoint of a training is the one to speak with, and why: one score, and rules.

The score of a checkpoint is the sum of its numbers on the held-out clips with the weights of
`SELECTION`; the least is chosen. Everything here is plain data: equal tables, equal choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SelectionRecipe:
    """`weights` by the names of the metrics; what is not named counts nothing. Two scores are
    equal `within` a share of the less; `risen` says from which share on the last epoch is called
    worse than the chosen one."""

    weights: Mapping[str, float]
    within: float
    risen: float


# All numbers are ours: the original chooses nothing. The GPT's is the loss that it minimises; the
# SoVITS's is the error of what somebody would hear, because its own losses are a game of two
# networks. mini has none: its least error comes before the voice is the speaker's, and its recipe
# ends by itself with the weights it wants. Half a percent for equal and two for worse are
# judgements; how much a seed changes has not been measured.
SELECTION = SelectionRecipe(
    weights={"gpt/held_out_loss": 1.0, "sovits/held_out_mel": 1.0},
    within=0.005,
    risen=0.02,
)


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One exported state of a training. `file` is a bare name, `size` in bytes; it was deleted if
    it is not `kept`. A state that the recipe only passes through is no `candidate`."""

    epoch: int
    step: int
    file: str
    size: int
    kept: bool = True
    candidate: bool = True
    validation: Mapping[str, float] = field(default_factory=dict)

    @property
    def score(self) -> float | None:
        """None where no number of the recipe's was taken."""
        terms = [
            weight * self.validation[name]
            for name, weight in SELECTION.weights.items()
            if name in self.validation
        ]
        return sum(terms) if terms else None


@dataclass(frozen=True, kw_only=True)
class Choice:
    """`reason` in a sentence; `warning` if the training went on for too long."""

    checkpoint: Checkpoint
    reason: str
    warning: str | None = None


def choose_checkpoint(checkpoints: Sequence[Checkpoint]) -> Choice | None:
    """Of those that are kept, in the order of their epochs; None if none is."""
    kept = [checkpoint for checkpoint in checkpoints if checkpoint.kept]
    if not kept:
        return None
    candidates = [checkpoint for checkpoint in kept if checkpoint.candidate] or kept[-1:]
    scored = [(c.score, c) for c in candidates if c.score is not None]
    if not scored:
        return Choice(checkpoint=candidates[-1], reason=_why_the_last(candidates[-1]))
    least = min(score for score, _ in scored)
    score, chosen = next(pair for pair in scored if pair[0] <= _equal_to(least))
    names = ", ".join(sorted(set(chosen.validation) & set(SELECTION.weights)))
    reason = f"Epoch {chosen.epoch} has the least {names} on the clips held out, {score:.4g}."
    if score > least:
        reason = (
            f"Epoch {chosen.epoch} is the earliest whose {names} on the clips held out, "
            f"{score:.4g}, is as good as the least, {least:.4g}."
        )
    return Choice(checkpoint=chosen, reason=reason, warning=_risen(scored))


def is_worse(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether `one` has a plainly higher score; never where one of them has none."""
    if one.score is None or other.score is None:
        return False
    return one.score > other.score * (1 + SELECTION.risen)


def to_drop(
    checkpoints: Sequence[Checkpoint], *, most_bytes: int, most: int | None
) -> list[Checkpoint]:
    """What has to go so that the others take up at most `most_bytes` and are at most `most`: each
    time the one whose neighbours are nearest, so that what is left is spread over the run. The
    first, the last and the chosen one stay, however large."""
    kept = [checkpoint for checkpoint in checkpoints if checkpoint.kept]
    choice = choose_checkpoint(kept)
    dropped: list[Checkpoint] = []
    while sum(c.size for c in kept) > most_bytes or (most is not None and len(kept) > most):
        gaps = [
            (later.epoch - earlier.epoch, place)
            for place, (earlier, later) in enumerate(zip(kept, kept[2:], strict=False), 1)
            if choice is None or kept[place] is not choice.checkpoint
        ]
        if not gaps and len(kept) > 1 and choice and kept[0] is not choice.checkpoint:
            gaps = [(0, 0)]  # only the first, the chosen and the last are left
        if not gaps:
            break
        dropped.append(kept.pop(min(gaps)[1]))
    return dropped


def _equal_to(least: float) -> float:
    return least + abs(least) * SELECTION.within


def _why_the_last(checkpoint: Checkpoint) -> str:
    if checkpoint.validation:
        return "The last: the recipe of this base ends by itself with the weights it wants."
    return "The last: no clips were held out to judge by."


def _risen(scored: Sequence[tuple[float, Checkpoint]]) -> str | None:
    least, best = min(scored, key=lambda pair: pair[0])
    last_score = scored[-1][0]
    if last_score <= least * (1 + SELECTION.risen):
        return None
    return (
        f"Validation has risen since epoch {best.epoch}: what came after learned the clips by "
        "heart. Fewer epochs are enough."
    )
