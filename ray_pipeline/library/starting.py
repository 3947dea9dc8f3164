"""What a training starts from instead of its base model: the weights of another voice.

anna, anna@2            a kept voice, by its name, its id or another name; or one version of it
<task id>               what another task's voice was last made of
<task id>/<file>        an export of another task, as its list of files names it
"""

from __future__ import annotations

from pathlib import Path

from ray_pipeline.core.errors import InvalidInput, NotFound
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.trainings import Trainings
from ray_pipeline.core.voice_names import looks_like_id
from ray_pipeline.core.workspace import Workspace, tasks_folder
from ray_pipeline.library.files import FileStore, files_folder
from ray_pipeline.store import Store

_FIELD = "params.start_from"
_NO_CANARY = 1.0  # another name leads to its own version, whatever share goes to a trial


def starting_weights(
    store: Store, data_dir: Path, start_from: str, step: StepName, base_model: str
) -> Path:
    """The file of the half that the step trains. Its content is not looked at.

    Raises NotFound for a voice, a task or a file that is not there, VoiceDisabled, InvalidInput
    for a voice of another base model.
    """
    task_id, slash, file = start_from.partition("/")
    if slash or _is_task(store, task_id):
        return _of_task(store, data_dir, task_id, file, step, base_model)
    voice, version, _ = store.resolve_voice(start_from, _NO_CANARY)
    _require_same(f"The voice {voice.name}", version.base_model, base_model)
    half = version.gpt if step is StepName.TRAIN_GPT else version.sovits
    return FileStore(files_folder(data_dir)).path_of(half)


def _is_task(store: Store, name: str) -> bool:
    if not looks_like_id(name):
        return False
    try:
        store.get_task(name)
    except NotFound:
        return False
    return True


def _of_task(
    store: Store, data_dir: Path, task_id: str, file: str, step: StepName, base_model: str
) -> Path:
    if not looks_like_id(task_id):
        raise NotFound(f"There is no task {task_id!r}.", field=_FIELD)
    task = store.get_task(task_id)
    settled = store.base_model(task_id)
    _require_same(f"The task {task.task_name}", settled or task.config.base_model, base_model)
    workspace = Workspace(tasks_folder(data_dir) / task_id)
    if file:
        path = workspace.resolve(file)
        if not path.is_file():
            raise NotFound(f"The task {task.task_name} has no file {file!r}.", field=_FIELD)
        return path
    chosen = Trainings(workspace).chosen_file(step)
    if chosen is None or not chosen.is_file():
        raise NotFound(
            f"The task {task.task_name} has no trained voice to start from.",
            hint="Train it first, or name one of its files.",
            field=_FIELD,
        )
    return chosen


def _require_same(whose: str, theirs: str, ours: str) -> None:
    if theirs != ours:
        raise InvalidInput(
            f"{whose} was made with base model {theirs}, this task works with {ours}.",
            hint="Start from a voice of the same base model.",
            field=_FIELD,
        )
