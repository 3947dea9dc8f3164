"""Who writes down what a sample says: the recogniser that is there."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ray_pipeline.asr.backends import choose_recogniser, load_recogniser
from ray_pipeline.asr.transcribing import recognise_files
from ray_pipeline.core.errors import BackendMissing


class Ear:
    """`version` names the model, for the log."""

    def __init__(self, models_dir: Path, *, use_gpu: bool, num_threads: int) -> None:
        """Raises BackendMissing where there is no recogniser."""
        self._models_dir = models_dir
        self._how = {"use_gpu": use_gpu, "num_threads": num_threads}
        self.version = choose_recogniser("auto", models_dir, None).version

    def hear(self, paths: Sequence[Path], languages: Sequence[str]) -> list[str | None]:
        """A text a file; None for one that could not be recognised. Raises BadModelFile."""
        heard: dict[Path, str | None] = {}
        for language in dict.fromkeys(languages):
            files = [path for path, own in zip(paths, languages, strict=True) if own == language]
            try:
                choice = choose_recogniser("auto", self._models_dir, language)
            except BackendMissing:  # it knows other languages only
                continue
            recogniser = load_recogniser(
                choice, self._how["use_gpu"], int(self._how["num_threads"])
            )
            for path, answer in zip(
                files, recognise_files(recogniser, files, language), strict=True
            ):
                heard[path] = None if answer.problem else answer.text
        return [heard.get(path) for path in paths]
