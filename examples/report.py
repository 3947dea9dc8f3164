"""The demo's report: what was done, how long it took, what the voice reached, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.checks import Check, check_speech, differ
from examples.intelligibility import word_error_rates
from serve_app.schemas import StepAnswer

# A sentence of ours cannot run longer than this many semantic tokens (25 a second).
MAX_TOKENS = 1500

NANO_IN_PLAIN_WORDS = """\
**What this voice is.** The base model `nano` is a small network trained from nothing, on a few
minutes of one speaker, in a few minutes. It shows that every part works: recordings became clips,
clips became features, two networks learned from them and were exported in the original's file
formats, and the exported files speak. It does not speak intelligibly, and no setting will make it.
For a voice that people would use, get a pretrained base model (`gsv models pull v2ProPlus`) and
create the task with `"base_model": "v2ProPlus"`; a GPU makes that practical."""


@dataclass(frozen=True)
class Spoken:
    """One WAV that the service made, and what it says of it."""

    wav: Path
    text: str
    reference: str
    tokens: list[int]

    @classmethod
    def of(cls, wav: Path, result: Mapping[str, Any]) -> Spoken:
        return cls(wav, result["text"], result["ref_audio"], list(result["tokens"]))


def write_report(
    path: Path,
    steps: Sequence[StepAnswer],
    spoken: Mapping[str, Spoken],
    samples: Path,
    *,
    seconds: float,
) -> bool:
    """Write it as Markdown; whether every check passed."""
    results = {step.step.value: step.result or {} for step in steps}
    checks = [*_wav_checks(spoken, samples), *_training_checks(results)]
    parts = [
        "# Demo",
        f"Everything took {seconds / 60:.1f} minutes.",
        _times(steps),
        "## Checks",
        "```\n" + "\n".join(str(check) for check in checks) + "\n```",
        "## Words",
        word_error_rates(spoken, samples),
        NANO_IN_PLAIN_WORDS,
    ]
    path.write_text("\n\n".join(parts) + "\n", "utf-8")
    return all(check.passed for check in checks)


def _times(steps: Sequence[StepAnswer]) -> str:
    lines = ["| step | seconds |", "| --- | ---: |"]
    for step in steps:
        if step.started_at and step.finished_at:
            lines.append(f"| {step.step} | {(step.finished_at - step.started_at).seconds} |")
    return "\n".join(lines)


def _wav_checks(spoken: Mapping[str, Spoken], samples: Path) -> list[Check]:
    recordings = sorted(samples.glob("*.flac"))
    voice = spoken["voice"]
    # Each piece of the text was decoded by itself; the one nearest to a limit stands for all.
    num_tokens = max(voice.tokens) if max(voice.tokens) >= MAX_TOKENS else min(voice.tokens)
    checks = check_speech(voice.wav, num_tokens, MAX_TOKENS, recordings)
    for name in ("other_text", "other_reference"):
        changed = differ(voice.wav, spoken[name].wav)
        checks.append(
            Check(f"{name.replace('_', ' ')} changes the sound", changed, str(changed).lower())
        )
    return checks


def _training_checks(results: Mapping[str, Mapping[str, Any]]) -> list[Check]:
    """The thresholds that a network of nano's size can honestly be held to."""
    sovits = results["train_sovits"]["evaluation"]
    gpt = results["train_gpt"]["evaluation"]
    mel, constant = sovits["held_out_mel"], sovits["held_out_mel_constant_frame"]
    untrained = sovits["held_out_mel_untrained"]
    top3, unigram = gpt["top3_training"], gpt["top3_unigram"]
    perplexity = gpt["token_perplexity"]
    return [
        Check(
            "SoVITS: log-mel error on clips it never saw ≤ 1.1",
            mel <= 1.1,
            f"{mel:.3f} over {sovits['held_out_clips']:g} clips",
        ),
        Check(
            "… and ≤ 0.75 of answering with the mean frame throughout",
            mel <= 0.75 * constant,
            f"{mel / constant:.2f} of {constant:.3f}",
        ),
        Check("… and below the untrained network's", mel < untrained, f"{untrained:.3f} untrained"),
        Check(
            "GPT: the true token among its three likeliest (training clips, memorised) ≥ 0.5",
            top3 >= 0.5,
            f"{top3:.3f}",
        ),
        Check(
            "… and ≥ 0.25 above always naming the three commonest",
            top3 >= unigram + 0.25,
            f"{unigram:.3f} for those",
        ),
        Check("tokens: perplexity ≥ 64", perplexity >= 64, f"{perplexity:.0f}"),
    ]
