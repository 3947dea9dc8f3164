"""Texts that only a recogniser wrote, and how many of their words are likely to be wrong.

No number of a clip tells a wrong word that the recogniser was sure of. What tells is how often
that recogniser was wrong where somebody counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ray_pipeline.asr.backends import known_errors
from ray_pipeline.asr.recogniser import KnownErrors, name_for_people
from ray_pipeline.core.manifest import Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.quality.report import ClipReport

# Measured (Whisper base, Mandarin): lines with wrong characters had confidences of 0.64 to 0.94,
# among those of right lines, so that no limit tells them apart.
_ADVICE = (
    "{clips} with a text that only the recogniser wrote: read a few while listening. A wrong word "
    "that it was sure of is not found here."
)
_KNOWN = (
    " It was {recogniser}: {known}. Read them all, or `gsv models pull {pull}` and run "
    "asr_transcribe again."
)


@dataclass(frozen=True)
class UnreadTexts:
    """Of the used clips: `num_clips` have such a text, by `recogniser` (empty where nobody knows).
    `wrong_share` of all words (0..1) may be wrong by what is `known`, None where nothing is."""

    num_clips: int = 0
    recogniser: str = ""
    wrong_share: float | None = None
    known: tuple[KnownErrors, ...] = ()

    def advice(self) -> list[str]:
        if not self.num_clips:
            return []
        clips = f"{self.num_clips} clip{'' if self.num_clips == 1 else 's'}"
        sentence = _ADVICE.format(clips=clips)
        if self.known:
            known = ", and ".join(map(str, self.known))
            name = name_for_people(self.recogniser)
            sentence += _KNOWN.format(recogniser=name, known=known, pull=self.known[0].pull)
        return [sentence]


def unread_texts(
    workspace: Workspace, clips: Sequence[ClipReport], transcripts: Sequence[Transcript]
) -> UnreadTexts:
    """Texts that a user wrote or changed count as read."""
    manifest = Manifest.load(workspace, StepName.ASR_TRANSCRIBE)
    recognised = {row.clip for row in transcripts if row.source != "user"}
    used = [clip for clip in clips if clip.used]
    unread = [clip for clip in used if clip.clip in recognised]
    if not unread:
        return UnreadTexts()
    backend, version = next(iter(manifest.versions.items()), ("", ""))
    of_language = {clip.language: known_errors(backend, version, clip.language) for clip in unread}
    known = tuple(errors for errors in of_language.values() if errors is not None)
    wrong = sum(
        clip.seconds * errors.most
        for clip in unread
        if (errors := of_language[clip.language]) is not None
    )
    share = round(wrong / sum(clip.seconds for clip in used), 3) if known else None
    return UnreadTexts(len(unread), version, share, known)
