"""The coordinator as the routes see it: plain calls that raise plain errors.

A call crosses a process; what can go wrong there (the actor restarts, an error comes back
wrapped) is turned into errors of `ray_pipeline.core.errors` here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from ray_pipeline.core.errors import PipelineError, Unavailable
from ray_pipeline.core.task import FileRecord, StepName, StepRun, Task, Transcript

Call = Callable[..., Awaitable[Any]]


class Job(Protocol):
    """What `run_steps` answers with; `steps` is empty if nothing was left to do."""

    @property
    def job_id(self) -> str: ...
    @property
    def steps(self) -> Sequence[StepName]: ...
    @property
    def warnings(self) -> Sequence[str]: ...


class CoordinatorLink:
    """`call(method, *arguments)` reaches the coordinator; what its methods raise is written
    in `ray_pipeline/coordinator/actor.py`."""

    def __init__(self, call: Call) -> None:
        self._call = call

    async def create_task(self, name: str, config: Mapping[str, Any]) -> Task:
        return await self._call("create_task", name, dict(config))

    async def delete_task(self, task_id: str) -> None:
        await self._call("delete_task", task_id)

    async def start_step(self, task_id: str, step: str, params: dict[str, Any]) -> StepRun:
        return await self._call("start_step", task_id, step, params)

    async def run_steps(
        self,
        task_id: str,
        first: str | None,
        last: str | None,
        params: Mapping[str, dict[str, Any]],
        force: bool,
    ) -> Job:
        return await self._call("run_steps", task_id, first, last, dict(params), force)

    async def cancel(self, task_id: str) -> bool:
        """Whether there was anything to end."""
        outcome = await self._call("cancel", task_id)
        return bool(outcome.cancelled)

    async def register_file(self, task_id: str, name: str) -> FileRecord:
        return await self._call("register_file", task_id, name)

    async def remove_file(self, task_id: str, name: str) -> None:
        await self._call("remove_file", task_id, name)

    async def put_transcripts(
        self, task_id: str, transcripts: list[Transcript], based_on: list[Transcript]
    ) -> int:
        """`based_on`: the rows as they were read; refused when one has changed since."""
        return await self._call("put_transcripts", task_id, transcripts, based_on)

    async def wait_for_events(self, task_id: str, after: int, timeout_seconds: float) -> int:
        return await self._call("wait_for_events", task_id, after, timeout_seconds)

    async def health(self) -> dict[str, Any]:
        return await self._call("health")


def link_to_actor(handle: Any) -> CoordinatorLink:
    """A link to the coordinator behind a Ray actor handle."""
    from ray.exceptions import RayActorError, RayTaskError

    async def call(method: str, *arguments: Any) -> Any:
        try:
            return await getattr(handle, method).remote(*arguments)
        except RayTaskError as error:
            if isinstance(error.cause, PipelineError):
                raise error.cause from None
            raise
        except RayActorError as error:
            raise Unavailable(
                "The coordinator is restarting.", hint="Ask again in a few seconds."
            ) from error

    return CoordinatorLink(call)
