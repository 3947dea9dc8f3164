"""The demo's report: what was done, how long it took, what the voice reached, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.checks import Check, check_sound, check_timbre, differ, seconds_of
from examples.intelligibility import Intelligibility, error_share
from examples.likeness import Likeness, mean_of
from ray_pipeline.core.errors import BackendMissing
from serve_app.schemas import StepAnswer

# Measured with the first base: 3 to 10 %; what nobody understands is over 60 %.
MAX_ERROR_SHARE = 0.25
# Measured with samples/, 20 sentences each: voices of their speaker made from 30 s and from 10 min
# of her 0.84 and 0.78, that of a man 0.58; her recordings 0.97.
MIN_LIKENESS = 0.7

MINI_IN_PLAIN_WORDS = """\
**What this voice is.** The base model `mini` is a small network (6 million parameters) that comes
with the project and learned to speak from synthetic speech. In a few minutes on a laptop it takes
on the sound of a speaker and is understood. It is not what GPT-SoVITS is: its melody is plain, it
copies nothing from a reference clip, and it sounds dull beside `v2ProPlus`. For a voice that people
would want to listen to, get a pretrained base model (`gsv models pull v2ProPlus`) and create the
task with `"base_model": "v2ProPlus"`; a GPU makes that practical."""

LIKENESS_IN_PLAIN_WORDS = """\
By Resemblyzer, an encoder of speakers that no training uses: 1 is the same voice. Each file is held
against the mean of the speaker's recordings and against seven others (`examples/others`); each
recording against the mean of the rest."""


@dataclass(frozen=True)
class Spoken:
    """One WAV that the service made, and what it says."""

    wav: Path
    text: str

    @classmethod
    def of(cls, wav: Path, result: Mapping[str, Any]) -> Spoken:
        return cls(wav, result["text"])


def write_report(
    path: Path,
    steps: Sequence[StepAnswer],
    spoken: Mapping[str, Spoken],
    samples: Path,
    *,
    seconds: float,
) -> bool:
    """Write it as Markdown; whether every check passed.

    `spoken` has "voice", the sentence of the last step, and "slowly", one of the others again.
    """
    checks = _wav_checks(spoken, samples)
    try:
        words = Intelligibility.of(spoken, samples)
        checks.append(_words_check(words))
        table = words.table()
    except BackendMissing as missing:
        table = f"Not measured: {missing}"
    try:
        likeness = Likeness.of(spoken, samples)
        checks.append(_likeness_check(likeness))
        cosines = f"{LIKENESS_IN_PLAIN_WORDS}\n\n{likeness.table()}"
    except BackendMissing as missing:
        cosines = f"Not measured: {missing}"
    parts = [
        "# Demo",
        f"Everything took {seconds / 60:.1f} minutes.",
        _times(steps),
        "## Checks",
        "```\n" + "\n".join(str(check) for check in checks) + "\n```",
        "## What is understood",
        table,
        "## Whose voice it is",
        cosines,
        MINI_IN_PLAIN_WORDS,
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
    voice, slowly = spoken["voice"], spoken["slowly"]
    usual = next(one for one in spoken.values() if one.text == slowly.text)
    recordings = sorted(samples.glob("*.flac"))
    longer = seconds_of(slowly.wav) / seconds_of(usual.wav)
    return [
        *check_sound(voice.wav),
        check_timbre(voice.wav, recordings),
        Check("another text is another sound", differ(voice.wav, usual.wav), usual.text),
        Check(
            "spoken slowly it takes longer (1.2 to 1.5 times)",
            1.2 <= longer <= 1.5,
            f"{longer:.2f}",
        ),
    ]


def _words_check(words: Intelligibility) -> Check:
    share = error_share(words.spoken)
    return Check(
        f"it is understood: Whisper gets at most {MAX_ERROR_SHARE:.0%} of the characters wrong",
        share <= MAX_ERROR_SHARE,
        f"{share:.1%}; of the recordings {error_share(words.recordings):.1%}",
    )


def _likeness_check(likeness: Likeness) -> Check:
    speaker, other = mean_of(likeness.spoken)
    recordings, _ = mean_of(likeness.recordings)
    nobody_is_nearer = all(one.speaker > one.other for one in likeness.spoken)
    return Check(
        f"it is the speaker's voice: likeness at least {MIN_LIKENESS:g}, and nobody is nearer",
        speaker >= MIN_LIKENESS and nobody_is_nearer,
        f"{speaker:.2f}, nearest other {other:.2f}; of the recordings {recordings:.2f}",
    )
