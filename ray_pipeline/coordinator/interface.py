"""What can be asked of the coordinator.

    task = await coordinator.create_task("a voice", {"language": "en"})
    run = await coordinator.start_step(task.task_id, "convert_audio", {})

Routes hold one of these and know no more: in production it is a `RemoteCoordinator`, which
crosses a process, in tests the `CoordinatorService` itself. Arguments and answers are plain data.
Every method raises NotFound for a task or a voice that does not exist, and Unavailable while the
coordinator restarts or the database is away; asking again is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ray_pipeline.books.book import Book, Progress
from ray_pipeline.core.hand_cuts import Piece
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import FileRecord, KeptAnswer, StepRun, Task, Transcript
from ray_pipeline.core.trials import Outcome
from ray_pipeline.core.voices import VoiceAlias, VoiceRecord, VoiceVersion
from ray_pipeline.hub.downloads import Download
from ray_pipeline.library.draft import Draft


@dataclass(frozen=True, kw_only=True)
class PlannedJob:
    """What a request led to. `steps` is empty, and `first_run` None, if nothing is left to do.
    `is_over` says that it was done at once (a step skipped)."""

    job_id: str
    task_id: str
    steps: list[StepName]
    first_run: StepRun | None
    warnings: list[str] = field(default_factory=list)
    is_over: bool = False


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """`cancelled` is false if nothing was queued or running. `runs` are those that were ended."""

    task: Task
    cancelled: bool
    job_id: str | None = None
    runs: list[StepRun] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Pause:
    """`changed` is false if nothing was running (to pause) or paused (to resume). `runs` are the
    attempts that were ended, or the one that goes on."""

    task: Task
    changed: bool
    job_id: str | None = None
    runs: list[StepRun] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class AboutVoice:
    """See `VoiceRecord`."""

    language: str = ""
    owner: str = ""
    consent: str = ""


class Coordinator(Protocol):
    # -- tasks

    async def create_task(self, name: str, config: dict[str, Any]) -> Task:
        """Raises InvalidInput for an unknown field or a value out of bounds."""

    async def rename_task(self, task_id: str, name: str) -> Task:
        """Give the task another name for people; what runs goes on."""

    async def delete_task(self, task_id: str, undo_seconds: float = 0) -> None:
        """Cancels what runs, then removes the task's files and rows; after `undo_seconds`, in
        which `restore_task` has it back. Raises TaskBusy if somebody starts a step in between."""

    async def restore_task(self, task_id: str) -> bool:
        """Have a deleted task back; False if nobody had deleted it. Raises NotFound when its
        time is over."""

    # -- running

    async def start_step(self, task_id: str, step: str, params: dict[str, Any]) -> StepRun:
        """Queue one step; the task's status has changed when this returns.

        Parameters that are not given have their defaults. `warnings` of the answer say what was
        understood differently than written, which parameters were others the last time, and
        which of the step's needs are stale. `{"enabled": false}` records the step as skipped.
        Raises NotFound (task or step), InvalidInput (`field` is `params.…`),
        StepNotReady (`missing`) and TaskBusy.
        """

    async def run_steps(
        self,
        task_id: str,
        from_step: str | None = None,
        to_step: str | None = None,
        params: dict[str, dict[str, Any]] | None = None,
        force: bool = False,
    ) -> PlannedJob:
        """Queue several steps as one durable job.

        Without `from_step`: all that is not done yet (or stale), up to `to_step`. With it:
        every step from there on. `params` are per step and mean what they mean for `start_step`.
        `force` computes everything anew. `steps` of the answer is empty if nothing is left to
        do. Raises as `start_step` does.
        """

    async def cancel(self, task_id: str) -> Cancellation:
        """End what runs or waits; returns when its processes are gone (10 s at most).

        `cancelled` is false if there was nothing to end.
        """

    async def pause(self, task_id: str) -> Pause:
        """End the processes of what runs or waits, and keep its job; returns when they are gone
        (10 s at most). What was done is kept: a training goes on from its last checkpoint, work
        on clips from the clips that are done.
        """

    async def resume(self, task_id: str) -> Pause:
        """Go on with the job that was paused."""

    # -- files and transcripts

    async def register_file(self, task_id: str, name: str) -> FileRecord:
        """Record a file that was just written into the task's folder (an upload).

        `name` is relative to the folder. The steps that read such a file become stale.
        """

    async def remove_file(self, task_id: str, name: str) -> None:
        """Delete an uploaded file. Raises NotFound, TaskBusy, and InvalidInput for files that a
        step made."""

    async def put_transcripts(
        self, task_id: str, transcripts: list[Transcript], based_on: list[Transcript] | None = None
    ) -> int:
        """Store a user's edits, a row a clip; other clips keep theirs. Returns how many changed.

        `based_on` are rows as they were read for the edit. Raises Conflict when one of them is
        different now, InvalidInput for a clip that the task does not have, TaskBusy while it runs.
        """

    async def cut_clips(
        self, task_id: str, clips: Sequence[str], pieces: Sequence[Piece]
    ) -> list[str]:
        """Put pieces in the place of neighbouring clips of one recording: trim (one for one),
        split (several for one), merge (one for several). Their texts move at once; their sound is
        cut when slice_audio runs again. Returns the names of the new clips.

        Raises InvalidInput for clips that are no neighbours and pieces without room, StepNotReady
        before slice_audio has run, TaskBusy.
        """

    async def forget_cuts(self, task_id: str, recording: str) -> None:
        """Have a recording cut at its pauses again. Raises NotFound where it was not cut by hand,
        TaskBusy."""

    # -- pretrained models

    async def start_download(
        self, name: str, source: str | None = None, alone: bool = False
    ) -> list[Download]:
        """Fetch a model and, unless `alone`, its companions, beside other work; what is there
        already is left out of the answer. Raises InvalidInput for an unknown name."""

    async def cancel_download(self, name: str) -> Download | None:
        """None if it was never asked for. Raises InvalidInput for an unknown name."""

    async def downloads(self) -> list[Download]:
        """The last one of each model, in the order they were asked for."""

    # -- kept voices

    async def create_voice(self, name: str, draft: Draft, about: AboutVoice) -> VoiceRecord:
        """Keep a voice with its first version. Raises InvalidInput (the name, a mood), Conflict
        (a name that is taken)."""

    async def add_voice_version(self, voice: str, draft: Draft, promote: bool) -> VoiceVersion:
        """Keep another version of a voice, named by its name or id as in all of these; with
        `promote` it speaks from now on. Raises InvalidInput."""

    async def update_voice(self, voice: str, changes: dict[str, str]) -> VoiceRecord:
        """`changes` are of name, language, owner, consent and disabled_reason. Raises
        InvalidInput, and Conflict for a name that is taken."""

    async def promote_voice(self, voice: str, version: int) -> VoiceRecord:
        """Let this version speak."""

    async def roll_back_voice(self, voice: str) -> VoiceRecord:
        """Let the version speak that did so before. Raises Conflict where none did."""

    async def delete_voice(self, voice: str) -> VoiceRecord:
        """With its versions, its aliases, and the files that no other voice needs."""

    async def delete_voice_version(self, voice: str, number: int) -> VoiceRecord:
        """One version, and the files that no other needs. Raises Conflict for the one that speaks
        and for one that an alias names."""

    async def put_voice_alias(self, alias: VoiceAlias) -> VoiceAlias:
        """New, or in place of the one of this name. Raises InvalidInput for the name or the
        share, Conflict for the name of a voice."""

    async def delete_voice_alias(self, name: str) -> None: ...

    # -- books

    async def start_book(self, book: Book) -> Progress:
        """Keep a long text and speak it beside other work, when those before it are done."""

    async def cancel_book(self, book_id: str) -> Progress:
        """End it; what is said stays. Raises NotFound."""

    async def resume_book(self, book_id: str) -> Progress:
        """Take up again what failed or was cancelled. Raises Conflict for one that is whole."""

    async def delete_book(self, book_id: str) -> None:
        """With its files. Raises NotFound."""

    # -- trials

    async def count_spoken(self, alias: str, version: int, outcome: Outcome) -> None:
        """What became of a request for an alias that tries a version."""

    # -- requests that may come twice

    async def begin_request(self, key: str, digest: str) -> KeptAnswer | None:
        """The answer that a request with this key got before; None if there is none, and then
        `finish_request` follows. `digest` stands for all that the request says.

        Raises InvalidInput when the key came with another request, Conflict (`in_flight`) while
        the first one is under way.
        """

    async def finish_request(self, key: str, answer: KeptAnswer | None) -> None:
        """Keep the answer for a day; without one, the request did nothing and may come again."""

    # -- watching

    async def wait_for_events(self, task_id: str, after: int, timeout_seconds: float) -> int:
        """The newest event number of the task, as soon as it is above `after` or time is up."""

    async def health(self) -> dict[str, Any]:
        """`{"ok", "database", "steps_running", "steps_waiting", "process_id"}`."""
