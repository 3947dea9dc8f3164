import pytest

from ray_pipeline.training.precision import precision_of_gpu


@pytest.mark.parametrize(
    ("name", "capability", "precision"),
    [
        ("NVIDIA GeForce GTX 1080 Ti", (6, 1), "float32"),
        ("Tesla P100-PCIE-16GB", (6, 0), "float32"),
        ("NVIDIA GeForce GTX 1660 SUPER", (7, 5), "float32"),
        ("NVIDIA GeForce GTX 1650", (7, 5), "float32"),
        ("Tesla T4", (7, 5), "float16"),
        ("NVIDIA GeForce RTX 2080", (7, 5), "float16"),
        ("Tesla V100-SXM2-16GB", (7, 0), "float16"),
        ("NVIDIA A100-SXM4-40GB", (8, 0), "bfloat16"),
        ("NVIDIA GeForce RTX 4090", (8, 9), "bfloat16"),
        ("NVIDIA H200", (9, 0), "bfloat16"),
    ],
)
def test_a_gpu_computes_in_16_bits_where_the_original_does_and_in_bfloat16_where_it_has_it(
    name: str, capability: tuple[int, int], precision: str
) -> None:
    assert precision_of_gpu(capability, name) == precision
