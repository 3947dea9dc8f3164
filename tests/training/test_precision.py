import pytest
import torch

from ray_pipeline.training.precision import gpu_is_good_at_half, uses_half_precision


@pytest.mark.parametrize(
    ("name", "capability", "half"),
    [
        ("NVIDIA GeForce GTX 1080 Ti", (6, 1), False),
        ("Tesla P100-PCIE-16GB", (6, 0), False),
        ("NVIDIA GeForce GTX 1660 SUPER", (7, 5), False),
        ("NVIDIA GeForce GTX 1650", (7, 5), False),
        ("Tesla T4", (7, 5), True),
        ("NVIDIA GeForce RTX 2080", (7, 5), True),
        ("Tesla V100-SXM2-16GB", (7, 0), True),
        ("NVIDIA GeForce RTX 4090", (8, 9), True),
        ("NVIDIA H200", (9, 0), True),
    ],
)
def test_float16_is_used_on_the_gpus_on_which_the_original_uses_it(
    name: str, capability: tuple[int, int], half: bool
) -> None:
    assert gpu_is_good_at_half(capability, name) is half


def test_a_cpu_never_computes_in_float16() -> None:
    assert not uses_half_precision(torch.device("cpu"))
