"""A task itself, its uploads and its transcripts: changes that no step makes."""

from __future__ import annotations

import shutil
import uuid
from contextlib import ExitStack, suppress
from datetime import datetime
from pathlib import Path

from ray_pipeline import pipeline
from ray_pipeline.coordinator import file_index
from ray_pipeline.coordinator.ledger import Ledger, mark_stale, require_idle
from ray_pipeline.core.errors import Conflict, InvalidInput, NotFound, TaskBusy
from ray_pipeline.core.options import TaskConfig
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.task import EventKind, FileRecord, RunState, Task, TaskStatus, Transcript
from ray_pipeline.core.workspace import atomic_write
from ray_pipeline.store import NewEvent, TaskChange
from ray_pipeline.transcripts.list_file import ListRow, read_list, write_list

_INPUT_FOLDER = "input_audio/"


class TaskData:
    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def create_task(self, name: str, config: TaskConfig) -> Task:
        task_id = str(uuid.uuid4())
        workspace = self._ledger.workspace(task_id)
        state = {"state": TaskStatus.CREATED.value}
        try:
            workspace.create()
            atomic_write(workspace.config_path, config.model_dump_json(indent=2))
            return self._ledger.store.create_task(
                task_id, name, config, [NewEvent(kind=EventKind.STATE, data=state)]
            )
        except BaseException:
            # A full disk, a database that is away: no folder stays that no task owns.
            shutil.rmtree(workspace.root, ignore_errors=True)
            raise

    def rename_task(self, task_id: str, name: str) -> Task:
        """Only the name for people changes; files keep theirs. Also while the task runs."""
        with self._ledger.change(task_id) as change:
            change.rename(name)
            message = f"The task is called {name!r} now."
            change.add_events([NewEvent(kind=EventKind.LOG, data={"message": message})])
            return change.task

    def delete_later(self, task_id: str, at: datetime) -> None:
        """Until then `keep` has it back, and nothing starts in it. The task must be idle."""
        with self._ledger.change(task_id) as change:
            require_idle(change)
            change.delete_at(at)
            data = {"message": "The task was deleted; it can still be had back."}
            change.add_events([NewEvent(kind=EventKind.LOG, data=data)])

    def keep(self, task_id: str) -> bool:
        """Have a deleted task back; False if nobody had deleted it. Raises NotFound when it is
        gone."""
        with self._ledger.change(task_id) as change:
            if change.task.delete_at is None:
                return False
            change.delete_at(None)
            data = {"message": "The task was had back."}
            change.add_events([NewEvent(kind=EventKind.LOG, data=data)])
        return True

    def delete_due(self, now: datetime) -> None:
        for task_id in self._ledger.store.due_deletions(now):
            with suppress(NotFound, TaskBusy):  # somebody was faster
                self.delete_task(task_id, due=now)

    def delete_task(self, task_id: str, due: datetime | None = None) -> None:
        """The task must be idle. Its files are removed after the transaction, which all other
        writers wait for; what a crash in between leaves is removed at the next start. With `due`
        only a task that was to be deleted by then: it may have been had back meanwhile."""
        with ExitStack() as after, self._ledger.store.change(task_id) as change:
            require_idle(change)
            at = change.task.delete_at
            if due is not None and (at is None or at > due):
                return
            change.delete_task()
            # Only now: nobody else can delete it, and nothing of it runs that would miss a file.
            after.enter_context(self._ledger.workspace(task_id).deleting())

    def register_file(self, task_id: str, name: str) -> FileRecord:
        """Raises NotFound if it is not there, InvalidInput for a name outside the task."""
        workspace = self._ledger.workspace(task_id)
        path = workspace.resolve(name)
        if not path.is_file():
            raise NotFound(f"The task has no file {name!r}.", task=task_id)
        file = file_index.describe(workspace, path, {})
        with self._ledger.change(task_id) as change:
            # Also when a step that ended meanwhile has listed it: that one may not have read it.
            change.put_files([file])
            self._inputs_changed(change, file.record.name, f"Received {file.record.name}.")
        return file.record

    def remove_file(self, task_id: str, name: str) -> None:
        """`name` is a path in the task, or the name alone that the upload was answered with.

        Raises NotFound, TaskBusy, InvalidInput (not an upload).
        """
        workspace = self._ledger.workspace(task_id)
        path = workspace.resolve(name)
        if path.parent == workspace.root and (workspace.input_audio / path.name).is_file():
            path = workspace.input_audio / path.name
        relative = workspace.relative(path)
        if not relative.startswith(_INPUT_FOLDER):
            raise InvalidInput(
                f"{name!r} is no upload and is not removed by itself.",
                hint=f"Only uploads ({_INPUT_FOLDER}…) can be removed; or delete the task.",
                field="filename",
            )
        with self._ledger.change(task_id) as change:
            require_idle(change)
            if not path.is_file():
                raise NotFound(f"The task has no file {name!r}.", task=task_id)
            path.unlink()
            change.drop_files([relative])
            self._inputs_changed(change, relative, f"Removed {relative}.")

    def put_transcripts(
        self, task_id: str, transcripts: list[Transcript], based_on: list[Transcript] | None = None
    ) -> int:
        """Raises InvalidInput (unknown clip, text that a list file cannot hold), TaskBusy, and
        Conflict when a row of `based_on` has changed."""
        with self._ledger.change(task_id) as change:
            require_idle(change)
            before = change.transcripts()
            _require_unchanged(based_on or [], before)
            unknown = [row.clip for row in transcripts if row.clip not in before]
            if unknown:
                raise InvalidInput(
                    f"The task has no clip {unknown[0]!r}.",
                    hint="GET the transcripts to see the clips; they appear with asr_transcribe.",
                    field="transcripts",
                    clips=unknown[:20],
                )
            changed = [row for row in transcripts if row != before[row.clip]]
            change.put_transcripts(changed)
            if changed:
                self._write_list_file(change)
                self._transcripts_changed(change, len(changed))
        return len(changed)

    def _write_list_file(self, change: TaskChange) -> None:
        """The list file is the transcripts' export, so it follows each edit."""
        exp_name = change.task.config.exp_name
        workspace = self._ledger.workspace(change.task.task_id)
        path = workspace.list_path(exp_name)
        listed = read_list(path)[0] if path.exists() else []
        known = {row.file_name: Path(row.path) for row in listed}
        folder = next(iter(known.values())).parent if known else workspace.sliced
        rows = change.transcripts().values()
        included = [line for line in rows if line.include and line.text.strip()]
        write_list(
            path,
            [
                ListRow(
                    str(known.get(line.clip, folder / line.clip)),
                    line.speaker or exp_name,
                    line.language,
                    line.text,
                )
                for line in sorted(included, key=lambda line: line.clip)
            ],
        )

    def _inputs_changed(self, change: TaskChange, name: str, message: str) -> None:
        event = NewEvent(kind=EventKind.LOG, data={"message": message})
        change.add_events([event])
        if name.startswith(_INPUT_FOLDER):
            readers = pipeline.readers_of(self._ledger.steps, name)
            mark_stale(change, pipeline.results(self._ledger.steps, change.runs()), readers)
            # A step that runs now may have looked for its files before this one came.
            for run in change.runs():
                if run.state is RunState.RUNNING and run.step in readers:
                    change.update_run(run.run_id, stale=True)
        self._ledger.say(change.task.task_id, None, message)

    def _transcripts_changed(self, change: TaskChange, count: int) -> None:
        message = f"{count} transcripts were edited."
        change.add_events([NewEvent(kind=EventKind.LOG, data={"message": message})])
        results = pipeline.results(self._ledger.steps, change.runs())
        later = pipeline.dependents(self._ledger.steps, StepName.ASR_TRANSCRIBE)
        mark_stale(change, results, later)
        self._ledger.say(change.task.task_id, None, message)


def _require_unchanged(read: list[Transcript], stored: dict[str, Transcript]) -> None:
    changed = [row.clip for row in read if stored.get(row.clip) != row]
    if changed:
        raise Conflict(
            f"The transcript of {changed[0]} has changed since it was read.",
            hint="Read it again and repeat the edit.",
            clip=changed[0],
        )
