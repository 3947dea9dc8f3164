import pytest
import torch

from ray_pipeline.core.workspace import Experiment
from tests.training.experiment import make_experiment


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    """Five clips of 0.8 to 1.6 s; read only."""
    return make_experiment(tmp_path_factory.mktemp("experiment"), [0.8, 1.0, 1.2, 1.4, 1.6])


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)
