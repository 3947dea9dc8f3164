"""The coordinator behind an actor handle: the same methods, plain errors."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest
from ray.exceptions import RayActorError, RayTaskError

from ray_pipeline.coordinator.interface import Coordinator
from ray_pipeline.coordinator.remote import RemoteCoordinator
from ray_pipeline.core.errors import StepNotReady, StorageFull, TaskBusy, Unavailable


class Handle:
    """Stands where Ray's handle is: every method answers with, or raises, what it was given."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        async def remote(*arguments: Any) -> Any:
            self.asked.append((name, arguments))
            if isinstance(self._answer, Exception):
                raise self._answer
            return self._answer

        class Method:
            pass

        method = Method()
        method.remote = remote  # type: ignore[attr-defined]
        return method


def ask(answer: Any) -> Any:
    return asyncio.run(RemoteCoordinator(Handle(answer)).cancel("t1"))


def wrapped(cause: Exception) -> RayTaskError:
    try:
        raise cause
    except Exception as error:
        return RayTaskError("cancel", "traceback", error).as_instanceof_cause()


def test_every_question_of_the_protocol_is_passed_on_by_its_name() -> None:
    handle = Handle("an answer")
    remote = RemoteCoordinator(handle)
    names = [name for name in vars(Coordinator) if not name.startswith("_")]
    for name in names:
        method = getattr(remote, name)
        needed = [
            f"<{parameter.name}>"
            for parameter in inspect.signature(method).parameters.values()
            if parameter.default is inspect.Parameter.empty
        ]
        asyncio.run(method(*needed))
        asked, arguments = handle.asked[-1]
        assert asked == name
        assert list(arguments[: len(needed)]) == needed
    assert len(names) == len(handle.asked) >= 10


def test_an_error_of_the_coordinator_comes_out_of_rays_wrapping_with_its_fields() -> None:
    with pytest.raises(StepNotReady) as unready:
        ask(wrapped(StepNotReady("Not yet.", missing=["slice_audio"])))
    assert type(unready.value) is StepNotReady
    assert unready.value.extra == {"missing": ["slice_audio"]}
    with pytest.raises(TaskBusy):
        ask(wrapped(TaskBusy("Busy.")))


def test_a_full_disk_comes_out_as_what_it_is_and_a_bug_as_a_bug() -> None:
    with pytest.raises(StorageFull):
        ask(wrapped(OSError(28, "No space left on device")))
    with pytest.raises(RayTaskError):
        ask(wrapped(ValueError("a bug")))


def test_a_coordinator_that_restarts_is_unavailable_and_retryable() -> None:
    with pytest.raises(Unavailable) as away:
        ask(RayActorError())
    assert away.value.retryable
