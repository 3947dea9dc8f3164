from pathlib import Path

import pytest
import torch

from ray_pipeline.core.options import parse_task_config
from ray_pipeline.core.progress import RecordingProgress
from ray_pipeline.core.resources import ClusterTotals
from ray_pipeline.core.step_context import StepContext
from ray_pipeline.core.step_names import StepName
from ray_pipeline.core.workspace import Experiment, Workspace
from tests.training.experiment import make_experiment


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
