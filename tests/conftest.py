"""Settings of Ray that have to stand before anything imports it, and one cluster for all tests."""

import os
from collections.abc import Iterator

import pytest

os.environ.pop("RAY_ADDRESS", None)  # tests start their own clusters
os.environ.setdefault("RAY_AUTH_MODE", "token")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
# Small tensors: more threads only fight for the cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark what needs a cluster, whichever way it asks for one; `make test-fast` leaves it out."""
    asks = "ray_cluster" in getattr(item, "fixturenames", ())
    if asks or item.get_closest_marker("end_to_end"):
        item.add_marker(pytest.mark.needs_ray)


@pytest.fixture(scope="session")
def ray_cluster() -> Iterator[None]:
    """A small real cluster, the one and only of this process; starting it takes about 10 s."""
    import ray

    if ray.is_initialized():
        yield
        return
    # The dashboard must be on: without it Ray leaks the placement groups of killed trainings.
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=True,
        dashboard_port=0,
        log_to_driver=False,
    )
    yield
    ray.shutdown()
