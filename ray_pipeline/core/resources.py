"""From what a step would like to what the cluster at hand can give.

Ray waits for ever, without a word, for resources that do not exist. So every request is
cut down here first: to the GPUs there are, or to CPUs where there are none.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

# The share of the CPUs that workers may hold together. What is left over keeps Ray's own
# helpers (data executors, train controllers) from waiting for a CPU that a worker holds.
USABLE_CPU_SHARE = 0.9


@dataclass(frozen=True)
class ClusterTotals:
    """All CPUs and GPUs of the cluster, busy or not."""

    cpus: float
    gpus: float = 0.0


@dataclass(frozen=True)
class ResourceRequest:
    """What one worker of a step asks for; `gpus` may be a fraction and is only asked for
    where the cluster has any."""

    cpus: float = 0.5
    gpus: float = 0.0


@dataclass(frozen=True)
class WorkerPlan:
    """How many workers run, and what each of them holds."""

    num_workers: int
    cpus_per_worker: float
    gpus_per_worker: float = 0.0

    @property
    def use_gpu(self) -> bool:
        return self.gpus_per_worker > 0

    def ray_options(self) -> dict[str, float]:
        """Keyword arguments for `.options()` of a Ray task or actor."""
        options = {"num_cpus": self.cpus_per_worker}
        if self.use_gpu:
            options["num_gpus"] = self.gpus_per_worker
        return options

    def ray_resources(self) -> dict[str, float]:
        """The same as a resource dict, for `ScalingConfig(resources_per_worker=…)`."""
        resources = {"CPU": self.cpus_per_worker}
        if self.use_gpu:
            resources["GPU"] = self.gpus_per_worker
        return resources


def plan_workers(request: ResourceRequest, wanted: int, totals: ClusterTotals) -> WorkerPlan:
    """At most `wanted` workers, at least one, never more than can run at the same time.

    `wanted` is the number of ids in `gpu_id`. On a cluster without GPUs it means CPU workers.
    Several workers are spread over the cards: a card each, where there are as many.
    """
    gpus = _share_of_a_card(request.gpus, wanted, math.floor(totals.gpus))
    cpus = min(request.cpus, totals.cpus * USABLE_CPU_SHARE)
    fits = [max(wanted, 1)]
    if cpus > 0:
        fits.append(math.floor(totals.cpus * USABLE_CPU_SHARE / cpus))
    if gpus > 0:
        per_card = max(1, math.floor(1 / gpus))
        fits.append(math.floor(totals.gpus) * per_card if gpus <= 1 else 1)
    return WorkerPlan(max(1, min(fits)), cpus, gpus)


def _share_of_a_card(asked: float, wanted: int, num_cards: int) -> float:
    """Ray fills one card with fractions before it touches the next, so three workers with a
    quarter each would share the first card and leave the others idle."""
    if num_cards == 0:
        return 0.0
    if not 0 < asked < 1 or wanted < 2 or num_cards < 2:
        return asked
    return max(asked, 1 / math.ceil(wanted / num_cards))
