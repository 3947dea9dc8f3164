"""Cuts by hand: clips trimmed, split and merged by a person.

A cut changes what is known, not what is there: the clips' texts move at once, their sound is cut
when slice_audio runs again. So many cuts can be made one after the other, and an unloved one is
taken back, before anything is computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ray_pipeline import pipeline
from ray_pipeline.coordinator.ledger import Ledger, mark_stale, require_idle
from ray_pipeline.core.errors import InvalidInput, NotFound, StepNotReady
from ray_pipeline.core.hand_cuts import HandCuts, Piece, Range, cut_anew, recording_of
from ray_pipeline.core.languages import WRITTEN_WITHOUT_SPACES
from ray_pipeline.core.manifest import Manifest
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, Transcript
from ray_pipeline.core.workspace import Workspace, sha256_of
from ray_pipeline.store import NewEvent, TaskChange


class Cutting:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def cut(self, task_id: str, clips: Sequence[str], pieces: Sequence[Piece]) -> list[str]:
        """Put `pieces` in the place of `clips`; the names of the clips that they will be.

        Raises NotFound (task), InvalidInput (clips that are not there or no neighbours, pieces
        without room), StepNotReady before slice_audio has run, TaskBusy.
        """
        workspace = self._ledger.workspace(task_id)
        self._ledger.store.get_task(task_id)
        recording = _recording(clips)
        path = _converted(workspace, recording)
        digest = sha256_of(path)  # not inside of the transaction, which all other writers wait for
        with self._ledger.change(task_id) as change:
            require_idle(change)
            before = _cuts_now(change, workspace, recording, digest)
            replaced = _ranges_of(clips, before)
            ranges, made = cut_anew(before.ranges, replaced, pieces, _num_samples(path))
            new = replace(before, ranges=tuple(made)).clips
            self._move_texts(change, clips, list(zip(new, pieces, strict=True)))
            change.put_hand_cuts(replace(before, ranges=tuple(ranges)))
            self._say(change, f"{recording}: {len(clips)} clips became {len(new)}.")
        return new

    def forget(self, task_id: str, recording: str) -> None:
        """Have a recording cut at its pauses again. Raises NotFound, TaskBusy."""
        with self._ledger.change(task_id) as change:
            require_idle(change)
            if recording not in change.hand_cuts():
                raise NotFound(
                    f"{recording!r} is not cut by hand.",
                    hint="GET …/cuts lists the recordings that are.",
                    task=task_id,
                )
            change.drop_hand_cuts(recording)
            self._say(change, f"{recording} is cut at its pauses again.")

    def _move_texts(
        self, change: TaskChange, clips: Sequence[str], new: list[tuple[str, Piece]]
    ) -> None:
        """A piece that has a text takes it as a user's; of a clip that stays as it is, the row
        stays; all others are heard by the recogniser."""
        rows = change.transcripts()
        old = [rows[clip] for clip in clips if clip in rows]
        if not old:
            return
        change.drop_transcripts(row.clip for row in old)
        whole = _joined(old) if len(new) == 1 else None
        change.put_transcripts(_row_of(name, piece, old, whole) for name, piece in new)

    def _say(self, change: TaskChange, message: str) -> None:
        change.add_events([NewEvent(kind=EventKind.LOG, data={"message": message})])
        later = pipeline.dependents(self._ledger.steps, StepName.SLICE_AUDIO)
        results = pipeline.results(self._ledger.steps, change.runs())
        mark_stale(change, results, [StepName.SLICE_AUDIO, *later])
        self._ledger.say(change.task.task_id, None, message)


def _recording(clips: Sequence[str]) -> str:
    recordings = {recording_of(clip) for clip in clips}
    if len(recordings) != 1 or "" in recordings:
        raise InvalidInput(
            f"{', '.join(clips)}: not clips of one recording.",
            hint="GET …/transcripts lists the clips; their names begin with the recording's.",
            field="clips",
        )
    return recordings.pop()


def _converted(workspace: Workspace, recording: str) -> Path:
    entry = Manifest.load(workspace, StepName.CONVERT_AUDIO).clips.get(recording)
    if entry is None or entry.status != "ok" or not (workspace.root / entry.outputs[0]).is_file():
        raise InvalidInput(
            f"The task has no recording {recording!r}.",
            hint="GET …/transcripts lists the clips; their names begin with the recording's.",
            field="clips",
        )
    return workspace.root / entry.outputs[0]


def _num_samples(path: Path) -> int:
    from ray_pipeline.audio.wav import num_samples_of

    return num_samples_of(path)


def _cuts_now(change: TaskChange, workspace: Workspace, recording: str, digest: str) -> HandCuts:
    """Those by hand, or what the slicer has made of the recording with this SHA-256."""
    known = change.hand_cuts().get(recording)
    if known is not None and known.sha256 == digest:
        return known
    sliced = Manifest.load(workspace, StepName.SLICE_AUDIO).usable()
    mine = [entry for entry in sliced if entry.details["source"] == recording]
    if not mine or any(digest not in entry.inputs.values() for entry in mine):
        raise StepNotReady(
            f"{recording} has not been cut into clips yet.",
            hint="Run slice_audio first.",
            step=StepName.SLICE_AUDIO.value,
        )
    ranges = sorted((entry.details["start"], entry.details["end"]) for entry in mine)
    return HandCuts(recording=recording, sha256=digest, ranges=tuple(ranges))


def _ranges_of(clips: Sequence[str], cuts: HandCuts) -> list[Range]:
    by_name = dict(zip(cuts.clips, cuts.ranges, strict=True))
    unknown = [clip for clip in clips if clip not in by_name]
    if unknown:
        raise InvalidInput(
            f"The task has no clip {unknown[0]!r}.",
            hint="GET …/transcripts lists the clips.",
            field="clips",
            clips=unknown[:20],
        )
    return [by_name[clip] for clip in clips]


def _joined(rows: list[Transcript]) -> str:
    between = "" if rows[0].language in WRITTEN_WITHOUT_SPACES else " "
    return between.join(text for row in rows if (text := row.text.strip()))


def _row_of(name: str, piece: Piece, old: list[Transcript], whole: str | None) -> Transcript:
    same = next((row for row in old if row.clip == name), None)
    if same is not None and piece.text is None:
        return same
    text = whole if piece.text is None else piece.text
    first = replace(old[0], clip=name, confidence=None)
    if not text:
        return replace(first, text="", include=False, source="")
    include = any(row.include for row in old)
    return replace(first, text=text, include=include, source="user")
