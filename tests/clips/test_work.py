import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from ray_pipeline.clips.ray_data import ClipWorker, results_of
from ray_pipeline.clips.work import Clip, ClipFunction, ClipResult, Made
from ray_pipeline.core.errors import BadModelFile, StepFailed


def batch_of(*names: str) -> dict[str, Any]:
    clips = {"name": names, "path": [f"/tmp/{name}" for name in names]}
    empty = [""] * len(names)
    columns = {**clips, "text": empty, "language": empty, "origin": empty}
    return {key: np.array(values, dtype=object) for key, values in columns.items()}


def run(function: ClipFunction, *names: str) -> list[ClipResult]:
    worker = ClipWorker(lambda device: function, "cpu", 1)
    return results_of(worker(batch_of(*names)))


def test_every_clip_has_a_result_in_its_order() -> None:
    results = run(lambda clip: [Made(clip.name, {"path": clip.path})], "a.wav", "b.wav")
    assert [result.name for result in results] == ["a.wav", "b.wav"]
    assert results[1].made == [Made("b.wav", {"path": "/tmp/b.wav"})]


def test_a_clip_that_fails_leaves_its_neighbours_alone() -> None:
    def fails_on_b(clip: Clip) -> list[Made]:
        if clip.name == "b.wav":
            raise StepFailed("It is silent.", hint="Exclude it.")
        return [Made(clip.name)]

    good, bad, other = run(fails_on_b, "a.wav", "b.wav", "c.wav")
    assert good.error is None
    assert other.error is None
    assert isinstance(bad.error, StepFailed)
    assert (bad.error.clip, bad.error.hint, bad.is_final) == ("b.wav", "Exclude it.", True)


def test_what_nobody_expected_is_named_and_tried_again_next_time() -> None:
    def broken(clip: Clip) -> list[Made]:
        raise ZeroDivisionError("by zero")

    (result,) = run(broken, "a.wav")
    assert result.error is not None
    assert "a.wav" in result.error.message
    assert "ZeroDivisionError: by zero" in result.error.message
    assert not result.is_final


def test_a_model_that_cannot_be_loaded_is_the_result_of_every_clip() -> None:
    def damaged(device: str) -> ClipFunction:
        raise BadModelFile("The file is cut off.")

    worker = ClipWorker(damaged, "cpu", 1)
    results = results_of(worker(batch_of("a.wav", "b.wav")))
    assert [type(result.error) for result in results] == [BadModelFile, BadModelFile]


def test_the_extractor_is_told_its_device() -> None:
    devices: list[str] = []

    def build(device: str) -> ClipFunction:
        devices.append(device)
        return lambda clip: [Made(clip.name)]

    ClipWorker(build, "cuda", 1)
    assert devices == ["cuda"]


@pytest.mark.parametrize("name", ["it's quoted.wav", "中文 🎙.wav", "a|b\tc.wav"])
def test_any_name_comes_through_unchanged(name: str) -> None:
    assert run(lambda clip: [Made(clip.name)], name)[0].name == name


def test_a_worker_that_reads_text_alone_loads_no_torch() -> None:
    code = (
        "import sys; from functools import partial; from pathlib import Path\n"
        "from ray_pipeline.clips.extractors import TextExtractor\n"
        "from ray_pipeline.clips.ray_data import ClipWorker\n"
        "from ray_pipeline.clips.work import Clip\n"
        "here = Path()\n"
        "build = partial(TextExtractor, symbols='v2', bert_dir=here, models_dir=here)\n"
        "worker = ClipWorker(build, 'cpu', 1)\n"
        "clip = Clip('a', text='Hello there.', language='en')\n"
        "[made] = worker.attempt_each([clip])[0].made\n"
        "print(made.details['norm_text'], 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "Hello there. False\n"
