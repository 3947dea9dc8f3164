"""Recordings: decoding, slicing, denoising, levels. Knows nothing of tasks, steps or Ray."""
