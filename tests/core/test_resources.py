import math

import pytest

from ray_pipeline.core.resources import ClusterTotals, ResourceRequest, WorkerPlan, plan_workers

LAPTOP = ClusterTotals(cpus=2)
SERVER = ClusterTotals(cpus=16, gpus=4)


def test_two_workers_fit_on_two_cores():
    assert plan_workers(ResourceRequest(cpus=0.5), 2, LAPTOP).num_workers == 2


def test_never_more_workers_than_can_run_at_once():
    assert plan_workers(ResourceRequest(cpus=1), 8, LAPTOP).num_workers == 1
    assert plan_workers(ResourceRequest(cpus=1, gpus=1), 8, SERVER).num_workers == 4


def test_fractions_share_a_card():
    plan = plan_workers(ResourceRequest(cpus=0.5, gpus=0.25), 8, ClusterTotals(cpus=16, gpus=1))
    assert plan.num_workers == 4
    assert plan.ray_options() == {"num_cpus": 0.5, "num_gpus": 0.25}


@pytest.mark.parametrize(
    ("wanted", "share", "num_workers"),
    [(1, 0.25, 1), (2, 1, 2), (3, 1, 3), (4, 1, 4), (5, 0.5, 5), (8, 0.5, 8), (99, 0.25, 16)],
)
def test_several_workers_are_spread_over_the_cards(wanted, share, num_workers):
    plan = plan_workers(ResourceRequest(cpus=0.5, gpus=0.25), wanted, SERVER)
    assert (plan.gpus_per_worker, plan.num_workers) == (share, num_workers)
    on_a_card = math.floor(1 / plan.gpus_per_worker)  # Ray fills a card before the next
    assert math.ceil(num_workers / on_a_card) >= min(wanted, 3)


def test_without_gpus_none_are_asked_for():
    plan = plan_workers(ResourceRequest(cpus=0.5, gpus=1), 2, LAPTOP)
    assert not plan.use_gpu
    assert plan.ray_options() == {"num_cpus": 0.5}
    assert plan.ray_resources() == {"CPU": 0.5}


def test_one_core_still_gets_one_worker():
    plan = plan_workers(ResourceRequest(cpus=2), 4, ClusterTotals(cpus=1))
    assert plan == WorkerPlan(1, 0.9)


@pytest.mark.parametrize("wanted", [0, 1])
def test_at_least_one_worker(wanted):
    assert plan_workers(ResourceRequest(), wanted, LAPTOP).num_workers == 1
