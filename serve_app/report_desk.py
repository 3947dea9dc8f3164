"""Who asks the data doctor: answers with the last report while it holds, else has a new one made.

Measuring takes about a second for ten seconds of sound, so a request waits a little and then
says that the report is being made; the work goes on and the next request finds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ray_pipeline.core.errors import pipeline_error_in
from ray_pipeline.core.task import Transcript
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.quality.data_report import load_report, report_key
from ray_pipeline.quality.report import DataReport

Diagnose = Callable[[Workspace, list[Transcript]], Awaitable[DataReport]]


async def diagnose_here(workspace: Workspace, transcripts: list[Transcript]) -> DataReport:
    """In a thread of this process; for a service without a cluster, and tests."""
    from ray_pipeline.quality.diagnosis import diagnose

    return await asyncio.to_thread(diagnose, workspace, transcripts)


async def diagnose_in_cluster(workspace: Workspace, transcripts: list[Transcript]) -> DataReport:
    """In a Ray task, so that the process that answers requests stays free."""
    import ray
    from ray.exceptions import RayTaskError

    from ray_pipeline.quality.diagnosis import diagnose

    # No CPU is reserved: a running training must not make somebody wait for a report.
    remote = ray.remote(diagnose).options(num_cpus=0, name=f"report:{workspace.root.name}")
    try:
        found: DataReport = await remote.remote(workspace, transcripts)
    except RayTaskError as error:
        raise pipeline_error_in(error) or error from None
    return found


class ReportDesk:
    """One piece of work a task at a time, however many ask."""

    def __init__(self, diagnose: Diagnose, *, patience_seconds: float = 10.0) -> None:
        self._diagnose = diagnose
        self._patience_seconds = patience_seconds
        self._running: dict[tuple[str, str], asyncio.Task[DataReport]] = {}

    async def report(
        self, workspace: Workspace, transcripts: list[Transcript]
    ) -> DataReport | None:
        """None while it is being made. Raises what `diagnose` raises."""
        key = await asyncio.to_thread(report_key, workspace, transcripts)
        latest = await asyncio.to_thread(load_report, workspace)
        if latest is not None and latest.key == key:
            return latest
        work = self._work(key, workspace, transcripts)
        done, _ = await asyncio.wait([work], timeout=self._patience_seconds)
        return work.result() if done else None

    def _work(
        self, key: str, workspace: Workspace, transcripts: list[Transcript]
    ) -> asyncio.Task[DataReport]:
        name = (workspace.root.name, key)
        if name not in self._running:
            work = asyncio.ensure_future(self._run(workspace, transcripts))
            self._running[name] = work
            work.add_done_callback(lambda done: self._forget(name, done))
        return self._running[name]

    async def _run(self, workspace: Workspace, transcripts: list[Transcript]) -> DataReport:
        return await self._diagnose(workspace, transcripts)

    def _forget(self, name: tuple[str, str], done: asyncio.Task[DataReport]) -> None:
        del self._running[name]
        if not done.cancelled():
            done.exception()  # whoever waits has it; nobody may wait any more
