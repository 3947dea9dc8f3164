"""Parts of `benchmarks/speech_load.py`: the voices, and what clients of the engine experience."""
