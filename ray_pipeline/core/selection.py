"""Which checkpoint of a training is the one to speak with, and why: one score, and rules.

The score of a checkpoint is a weighted sum: its loss on the held-out clips, and, where somebody
listened to it (`ray_pipeline.judging`), what was heard. The least is chosen. Everything here is
plain data: equal tables, equal choices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class SelectionRecipe:
    """`weights` by the names of the numbers; what is not named counts nothing, and of `shares` it
    is counted what is missing to 1. Two scores are equal `within` a share of the less, or, where
    somebody listened, `within_heard`. `risen` says from which share on the last epoch is called
    worse than the best, by the numbers that `epochs` decide."""

    weights: Mapping[str, float]
    shares: frozenset[str]
    within: float
    within_heard: float
    risen: float
    epochs: frozenset[str]


CER, LIKENESS = "cer", "likeness"

# All numbers are ours: the original chooses nothing. The GPT's loss is what it minimises; the
# SoVITS's is the error of what somebody would hear, because its own losses are a game of two
# networks; mini's are those of the last part of each training, the only one that is chosen from.
# A tenth of the characters wrong weighs as much as 0.1 of a loss, which is what a training gains
# in an epoch or two; likeness half of that, for it is a coarser measure. Two characters of the
# some two hundred that are heard are no difference. Half a percent for equal and two for worse
# are judgements; how much a seed changes has not been measured.
SELECTION = SelectionRecipe(
    weights={
        "gpt/held_out_loss": 1.0,
        "sovits/held_out_mel": 1.0,
        "mini/held_out_durations": 1.0,
        "mini/held_out_vocoder": 1.0,
        CER: 1.0,
        LIKENESS: 0.5,
    },
    shares=frozenset({LIKENESS}),
    within=0.005,
    within_heard=0.01,
    risen=0.02,
    epochs=frozenset({"gpt/held_out_loss", "sovits/held_out_mel"}),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A sentence that was said with a checkpoint: a WAV and a picture of its mel, both relative to
    the folder of the training. `heard` is what the recogniser wrote; None without one."""

    file: str
    picture: str
    text: str
    language: str
    heard: str | None = None


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """One exported state of a training. `file` is a bare name, `size` in bytes; it was deleted if
    it is not `kept`. A state that the recipe only passes through is no `candidate`. `judged` are
    the numbers of who listened to its `samples`; `problem` says why it cannot speak at all."""

    epoch: int
    step: int
    file: str
    size: int
    kept: bool = True
    candidate: bool = True
    validation: Mapping[str, float] = field(default_factory=dict)
    judged: Mapping[str, float] = field(default_factory=dict)
    samples: Sequence[Sample] = ()
    problem: str = ""

    @property
    def terms(self) -> dict[str, float]:
        """What the score is the sum of."""
        numbers = {**self.validation, **self.judged}
        return {
            name: weight * (1 - numbers[name] if name in SELECTION.shares else numbers[name])
            for name, weight in SELECTION.weights.items()
            if name in numbers
        }

    @property
    def score(self) -> float | None:
        """None where no number of the recipe's was taken."""
        return sum(self.terms.values()) if self.terms else None

    @property
    def loss(self) -> float | None:
        """The part of the score that needs no listening."""
        terms = [term for name, term in self.terms.items() if name in self.validation]
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
    able = [checkpoint for checkpoint in candidates if not checkpoint.problem] or candidates
    scored = comparable(able)
    if not scored:
        return Choice(checkpoint=able[-1], reason="The last: no clips were held out to judge by.")
    least = min(score for score, _ in scored)
    chosen = next(checkpoint for score, checkpoint in scored if score <= _equal_to(least, scored))
    return Choice(
        checkpoint=chosen, reason=_reason(chosen, least, len(scored)), warning=_risen(candidates)
    )


def comparable(checkpoints: Sequence[Checkpoint]) -> list[tuple[float, Checkpoint]]:
    """Those with the most numbers, with their scores: what somebody listened to, if he did. A sum
    of fewer numbers is less without being better."""
    named = [(frozenset(checkpoint.terms), checkpoint) for checkpoint in checkpoints]
    most = max((names for names, _ in named), key=len, default=frozenset[str]())
    return [
        (checkpoint.score, checkpoint)
        for names, checkpoint in named
        if names == most and checkpoint.score is not None
    ]


def ranking(checkpoints: Sequence[Checkpoint]) -> list[Checkpoint]:
    """From the chosen one to the worst: by scores that can be compared, then what nobody listened
    to by its loss, then what has no number, what the recipe passes through, what cannot speak.
    What is not kept is left out."""
    kept = [checkpoint for checkpoint in checkpoints if checkpoint.kept]
    choice = choose_checkpoint(kept)
    able = [c for c in kept if c.candidate and not c.problem]
    scores = {c.file: score for score, c in comparable(able)}

    def place(checkpoint: Checkpoint) -> tuple[float, ...]:
        is_chosen = choice is not None and checkpoint is choice.checkpoint
        score, loss = scores.get(checkpoint.file), checkpoint.loss
        group = 0 if score is not None else 1 if loss is not None else 2
        number = score if score is not None else loss if loss is not None else 0.0
        latest = -checkpoint.epoch if group == 2 else checkpoint.epoch
        passed, broken = not checkpoint.candidate, bool(checkpoint.problem)
        return (not is_chosen, broken, passed, group, number, latest)

    return sorted(kept, key=place)


def is_worse(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether `one` has a plainly higher score; never where the two cannot be compared."""
    scores = compared(one, other)
    return scores is not None and scores[0] > scores[1] * (1 + SELECTION.risen)


def compared(one: Checkpoint, other: Checkpoint) -> tuple[float, float] | None:
    """Their scores by the numbers that both have; None where there are none."""
    shared = sorted(one.terms.keys() & other.terms.keys())
    if not shared:
        return None
    return sum(one.terms[name] for name in shared), sum(other.terms[name] for name in shared)


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


def _equal_to(least: float, scored: Sequence[tuple[float, Checkpoint]]) -> float:
    heard = any(CER in checkpoint.judged for _, checkpoint in scored)
    return least + max(abs(least) * SELECTION.within, SELECTION.within_heard if heard else 0.0)


def _reason(chosen: Checkpoint, least: float, num_compared: int) -> str:
    score = chosen.score
    assert score is not None
    if chosen.judged:
        numbers = {**chosen.validation, **chosen.judged}
        parts = ", ".join(f"{name} {numbers[name]:.4g}" for name in sorted(chosen.terms))
        words = f"score of the {num_compared} listened to"
        of = f" ({parts})"
    else:
        words, of = f"{', '.join(sorted(chosen.terms))} on the clips held out", ""
    if score > least:
        return (
            f"Epoch {chosen.epoch} is the earliest whose {words}, {score:.4g}, is as good as the "
            f"least, {least:.4g}{of}."
        )
    return f"Epoch {chosen.epoch} has the least {words}, {score:.4g}{of}."


def _risen(candidates: Sequence[Checkpoint]) -> str | None:
    """By the loss alone: that is what too many epochs make worse first."""
    losses = [
        (checkpoint.loss, checkpoint)
        for checkpoint in candidates
        if checkpoint.loss is not None and SELECTION.epochs & checkpoint.terms.keys()
    ]
    if not losses:
        return None
    least, best = min(losses, key=lambda pair: pair[0])
    if losses[-1][0] <= least * (1 + SELECTION.risen):
        return None
    return (
        f"Validation has risen since epoch {best.epoch}: what came after learned the clips by "
        "heart. Fewer epochs are enough."
    )
