"""What people and recognisers say about clips: texts, and cuts by hand."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import asdict

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from ray_pipeline.core.hand_cuts import HandCuts
from ray_pipeline.core.task import Transcript
from ray_pipeline.store.models import HandCutsRow, TaskRow, TranscriptRow
from ray_pipeline.store.records import to_hand_cuts, to_transcript
from ray_pipeline.store.task_rows import find_task


class ClipQueries:
    """Part of `Store`."""

    @abstractmethod
    def _read(self) -> AbstractContextManager[Session]: ...

    def transcripts(self, task_id: str) -> list[Transcript]:
        """By clip. Raises NotFound."""
        with self._read() as session:
            find_task(session, task_id)
            return _transcripts(session, task_id)

    def hand_cuts(self, task_id: str) -> dict[str, HandCuts]:
        """By the name of the recording. Raises NotFound."""
        with self._read() as session:
            find_task(session, task_id)
            return _hand_cuts(session, task_id)


class ClipChanges:
    """Part of `TaskChange`."""

    _session: Session
    _row: TaskRow

    def transcripts(self) -> dict[str, Transcript]:
        return {row.clip: row for row in _transcripts(self._session, self._row.task_id)}

    def put_transcripts(self, transcripts: Iterable[Transcript]) -> None:
        for transcript in transcripts:
            self._session.merge(TranscriptRow(task_id=self._row.task_id, **asdict(transcript)))

    def drop_transcripts(self, clips: Iterable[str]) -> None:
        for clip in clips:
            mine = TranscriptRow.task_id == self._row.task_id
            self._session.execute(delete(TranscriptRow).where(mine, TranscriptRow.clip == clip))

    def hand_cuts(self) -> dict[str, HandCuts]:
        return _hand_cuts(self._session, self._row.task_id)

    def put_hand_cuts(self, cuts: HandCuts) -> None:
        row = asdict(cuts) | {"ranges": [list(span) for span in cuts.ranges]}
        self._session.merge(HandCutsRow(task_id=self._row.task_id, **row))

    def drop_hand_cuts(self, recording: str) -> None:
        mine = HandCutsRow.task_id == self._row.task_id
        self._session.execute(delete(HandCutsRow).where(mine, HandCutsRow.recording == recording))


def _transcripts(session: Session, task_id: str) -> list[Transcript]:
    mine = TranscriptRow.task_id == task_id
    query = select(TranscriptRow).where(mine).order_by(TranscriptRow.clip)
    return [to_transcript(row) for row in session.scalars(query)]


def _hand_cuts(session: Session, task_id: str) -> dict[str, HandCuts]:
    mine = HandCutsRow.task_id == task_id
    query = select(HandCutsRow).where(mine).order_by(HandCutsRow.recording)
    return {row.recording: to_hand_cuts(row) for row in session.scalars(query)}
