"""Where a step of the SoVITS training goes: its arithmetic by kind, and the rate that it reaches.

The arithmetic is counted (torch's `FlopCounterMode`: convolutions and matrix products). The time of
a kind of work is its share of what the profiler saw, times the processor time of a step, so that
waiting for other programs does not count. Run it with one thread.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

import torch
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.compare import training_pairs
from benchmarks.compare.speed import Work
from ray_pipeline.training.arithmetic import Arithmetic

_KINDS = {  # of self times, by what an operator's name contains; the first that fits
    "gradients of convolutions": ("convolution_backward", "conv2d_backward"),
    "convolutions": ("mkldnn_convolution", "conv2d_forward"),
    "matrix products": ("aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm", "_linear"),
    "optimisers": ("adamw", "Optimizer", "_foreach"),
    "weight norm": ("weight_norm", "norm_except_dim"),
    "gradient norms": ("linalg_vector_norm", "aten::norm"),
    "zeros, copies and sums": ("aten::fill_", "aten::copy_", "aten::add", "aten::cat", "aten::sum"),
}
_REST = "everything else"


def roofline(version: str = "v2", rounds: int = 5) -> Iterator[str]:
    pair = training_pairs.sovits_pair(version, Arithmetic())
    for side, work in (("ours", pair.ours), ("theirs", pair.theirs)):
        work()  # allocates
        seconds = statistics.median(_cpu_seconds(work) for _ in range(rounds))
        operators = _arithmetic(work)
        total = sum(operators.values())
        yield f"{side}: {seconds:.2f} CPU-s, {total:.0f} GFLOP, {total / seconds:.0f} GFLOP/s"
        for name, share in _shares(work).most_common():
            rate = ""
            if operators.get(name):
                rate = f"{operators[name]:7.1f} GFLOP {operators[name] / seconds / share:6.0f} /s"
            yield f"    {name:28} {seconds * share:6.2f} s {100 * share:5.1f} % {rate}"
    yield from _machine(rounds)


def _cpu_seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _arithmetic(work: Work) -> Mapping[str, float]:
    """GFLOP of one step by kind of work."""
    with FlopCounterMode(display=False) as counter:
        work()
    operators: Counter[str] = Counter()
    for operator, count in counter.get_flop_counts()["Global"].items():
        name = str(operator)
        kind = "convolutions" if "convolution" in name else "matrix products"
        if "convolution_backward" in name:
            kind = "gradients of convolutions"
        operators[kind] += count / 1e9
    return operators


def _shares(work: Work) -> Counter[str]:
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        work()
    times: Counter[str] = Counter()
    for event in seen.key_averages():
        times[_kind_of(event.key)] += event.self_cpu_time_total
    total = sum(times.values())
    return Counter({name: each / total for name, each in times.items()})


def _kind_of(operator: str) -> str:
    for kind, words in _KINDS.items():
        if any(word in operator for word in words):
            return kind
    return _REST


def _machine(rounds: int) -> Iterator[str]:
    """What this core gives: the best of `rounds`, in GFLOP/s."""
    a, b = torch.randn(1024, 1024), torch.randn(1024, 1024)
    yield f"a product of 1024 x 1024 matrices: {_best(lambda: a @ b, 2 * 1024**3, rounds)} GFLOP/s"
    x = torch.randn(4, 512, 240, 2, requires_grad=True)  # the period of 2, its widest layers
    weight = torch.randn(1024, 512, 5, 1, requires_grad=True)
    flops = 2 * 4 * 240 * 2 * 512 * 1024 * 5

    def forward() -> torch.Tensor:
        return F.conv2d(x, weight, padding=(2, 0))

    y = forward()
    gradient = torch.randn_like(y)

    def backward() -> object:
        return torch.autograd.grad(y, (x, weight), gradient, retain_graph=True)

    yield (
        f"the widest convolution: {_best(forward, flops, rounds)} GFLOP/s, its gradients "
        f"{_best(backward, 2 * flops, rounds)}"
    )


def _best(work: Callable[[], object], flops: int, rounds: int) -> str:
    work()
    return f"{flops / min(_cpu_seconds(work) for _ in range(rounds)) / 1e9:.0f}"
