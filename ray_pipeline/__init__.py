"""From recordings to a GPT-SoVITS voice: the eleven steps and what they stand on.

Importing any module of this package makes `import torchaudio` work on a CPU-only torch.
"""

from ray_pipeline.core.torchaudio_on_cpu import stand_in_for_missing_cuda

stand_in_for_missing_cuda()
