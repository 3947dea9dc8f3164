from pathlib import Path

import pytest
import torch

from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Experiment, Workspace
from ray_pipeline.models.mini.config import tiny_config
from ray_pipeline.models.mini.files import new_base, save_base
from ray_pipeline.training.mini.teachers import save_teachers
from tests.training.experiment import make_experiment
from tests.training.mini.experiment import make_mini_experiment
from tests.training.mini.test_step import clips


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Five clips of 0.8 to 1.6 s; read only."""
    return make_experiment(tmp_path_factory.mktemp("experiment"), [0.8, 1.0, 1.2, 1.4, 1.6])


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def context(tmp_path: Path) -> StepContext:
    """A task of nano with three clips of 2 s and one of 0.7 s, before its trainings."""
    config = parse_task_config(
        {"exp_name": "voice", "language": "en", "base_model": "nano", "batch_size": 16}
    )
    made = StepContext(
        task_id="task",
        run_id="run",
        step=StepName.TRAIN_SOVITS,
        attempt=1,
        config=config,
        workspace=Workspace(tmp_path),
        models_dir=tmp_path / "models",
        cluster=ClusterTotals(2),
        progress=RecordingProgress(),
    )
    make_experiment(made.experiment.folder, [2.0] * 3 + [0.7])
    return made


@pytest.fixture
def mini_context(context: StepContext, tmp_path: Path) -> StepContext:
    make_mini_experiment(context.experiment, [0.6, 0.7, 0.8, 1.0])
    torch.manual_seed(0)
    save_base(tmp_path / "base.safetensors", new_base(tiny_config()))
    save_teachers(tmp_path / "teachers.npz", clips())
    return context
