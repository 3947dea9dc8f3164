"""What routes ask for, as names that make their signatures read as sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, cast

from fastapi import Depends, Header, Path
from starlette.requests import HTTPConnection

from ray_pipeline.coordinator.interface import Coordinator
from ray_pipeline.core.errors import NotFound
from ray_pipeline.core.task import StepName, Task
from ray_pipeline.core.voices import VoiceRecord
from ray_pipeline.core.workspace import Workspace
from ray_pipeline.store import Store
from serve_app.apart import RunApart
from serve_app.report_desk import ReportDesk
from serve_app.settings import Settings
from serve_app.shared_questions import SharedQuestions
from serve_app.weights_check import CheckWeights


@dataclass(frozen=True)
class Services:
    """Made once a process, kept at `app.state.services`."""

    settings: Settings
    store: Store
    coordinator: Coordinator
    reports: ReportDesk
    check_weights: CheckWeights
    apart: RunApart
    shared: SharedQuestions = field(default_factory=SharedQuestions)


def _services(connection: HTTPConnection) -> Services:
    return cast(Services, connection.app.state.services)


ServicesDep = Annotated[Services, Depends(_services)]


def _settings(services: ServicesDep) -> Settings:
    return services.settings


def _store(services: ServicesDep) -> Store:
    return services.store


def _coordinator(services: ServicesDep) -> Coordinator:
    return services.coordinator


def _check_weights(services: ServicesDep) -> CheckWeights:
    return services.check_weights


def _reports(services: ServicesDep) -> ReportDesk:
    return services.reports


SettingsDep = Annotated[Settings, Depends(_settings)]
StoreDep = Annotated[Store, Depends(_store)]
CoordinatorDep = Annotated[Coordinator, Depends(_coordinator)]
CheckWeightsDep = Annotated[CheckWeights, Depends(_check_weights)]
ReportDeskDep = Annotated[ReportDesk, Depends(_reports)]

TaskId = Annotated[str, Path(description="as answered by POST /api/v1/task/create", max_length=64)]


ModelName = Annotated[
    str,
    Path(description="as GET /api/v1/models has it", max_length=100, examples=["v2ProPlus"]),
]


def _task(task_id: TaskId, store: StoreDep) -> Task:
    # Not async: FastAPI runs it in a thread, because it reads the database.
    return store.get_task(task_id)


TaskDep = Annotated[Task, Depends(_task)]


VoiceName = Annotated[
    str, Path(description="the voice's name or id", max_length=200, examples=["anna"])
]


def _voice(voice: VoiceName, store: StoreDep) -> VoiceRecord:
    return store.voice(voice)


VoiceDep = Annotated[VoiceRecord, Depends(_voice)]


def _workspace(task: TaskDep, settings: SettingsDep) -> Workspace:
    return Workspace(settings.tasks_dir / task.task_id)


WorkspaceDep = Annotated[Workspace, Depends(_workspace)]


def _knows_paused(
    gsv_knows: Annotated[
        str,
        Header(
            description="`paused`: a paused task is said to be so; to others it is queued",
            examples=["paused"],
            max_length=100,
        ),
    ] = "",
) -> bool:
    return "paused" in gsv_knows.replace(",", " ").split()


KnowsPausedDep = Annotated[bool, Depends(_knows_paused)]


def step_named(name: str) -> StepName:
    """Raises NotFound for a name that is none of the eleven."""
    try:
        return StepName(name)
    except ValueError:
        known = ", ".join(step.value for step in StepName)
        raise NotFound(f"There is no step {name!r}.", hint=f"The steps are {known}.") from None


def _step(
    step: Annotated[str, Path(description="one of the eleven steps", examples=["convert_audio"])],
) -> StepName:
    return step_named(step)


StepDep = Annotated[StepName, Depends(_step)]
