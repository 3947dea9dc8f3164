import subprocess
import sys

import pytest

IMPORTS = "import torch, torchaudio, torchaudio.compliance.kaldi; print(torchaudio.__version__)"


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_torchaudio_imports_and_works_after_this_package():
    use = "w = torch.zeros(1, 3200); print(torchaudio.functional.resample(w, 32000, 16000).shape)"
    done = run(f"import ray_pipeline; {IMPORTS}; {use}")
    assert done.returncode == 0, done.stderr
    assert "[1, 1600]" in done.stdout


def test_nothing_is_replaced_where_torch_has_cuda():
    from ray_pipeline.core import torchaudio_on_cpu

    if not torchaudio_on_cpu._torch_has_cuda_libraries():
        pytest.skip("this torch was built without CUDA")
    assert not torchaudio_on_cpu.stand_in_for_missing_cuda()


def test_importing_the_package_stays_light():
    heavy = ("torch", "ray", "transformers", "librosa", "pandas")
    code = f"import sys, ray_pipeline.core.task; print([m for m in {heavy} if m in sys.modules])"
    assert run(code).stdout.strip() == "[]"
