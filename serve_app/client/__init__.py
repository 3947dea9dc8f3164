"""A Python client for the service: `Client` for ordinary code, `AsyncClient` for asyncio.

    with Client() as client:
        task = client.create("my voice", {"language": "en"})
        client.upload(task.task_id, ["one.wav", "two.wav"])
        client.run(task.task_id, end="asr_transcribe")
        client.wait(task.task_id)
        for clip in client.report(task.task_id).clips:
            print(clip.clip, clip.verdict, *(finding.message for finding in clip.findings))
        client.run(task.task_id)
        client.wait(task.task_id, on_event=print)
        client.download(task.task_id, "output/my_speaker.wav", "my_speaker.wav")

Every refusal of the service is raised as the ServiceError of its code, such as TaskBusyError,
with code and hint; `errors.py` draws the tree. `wait(raise_on_failure=True)` raises
RunFailedError. Nothing of Ray, torch or FastAPI is imported.
"""

from serve_app.client.asynchronous import AsyncClient
from serve_app.client.blocking import Client
from serve_app.client.calls import DEFAULT_URL, OVER
from serve_app.client.errors import (
    BackendMissingError,
    BadModelFileError,
    BusyError,
    ConflictError,
    ForbiddenError,
    ForeignAnswerError,
    InternalError,
    InvalidInputError,
    NotFoundError,
    NothingUsableError,
    RunFailedError,
    ServiceError,
    StepFailedError,
    StepNotReadyError,
    StorageFullError,
    TaskBusyError,
    TooLargeError,
    UnauthorizedError,
    UnavailableError,
    UnreachableError,
    VoiceDisabledError,
)

__all__ = [
    "DEFAULT_URL",
    "OVER",
    "AsyncClient",
    "BackendMissingError",
    "BadModelFileError",
    "BusyError",
    "Client",
    "ConflictError",
    "ForbiddenError",
    "ForeignAnswerError",
    "InternalError",
    "InvalidInputError",
    "NotFoundError",
    "NothingUsableError",
    "RunFailedError",
    "ServiceError",
    "StepFailedError",
    "StepNotReadyError",
    "StorageFullError",
    "TaskBusyError",
    "TooLargeError",
    "UnauthorizedError",
    "UnavailableError",
    "UnreachableError",
    "VoiceDisabledError",
]
