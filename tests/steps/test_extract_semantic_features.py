from collections import Counter
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.step_context import Result
from ray_pipeline.core.step_names import StepName
from ray_pipeline.models.encoders.codebook import Codebook
from ray_pipeline.steps.extract_semantic_features import perplexity
from tests.steps.feature_task import FeatureTask, make_task

STEP = StepName.EXTRACT_SEMANTIC_FEATURES


@pytest.fixture
def task(tmp_path: Path) -> FeatureTask:
    return make_task(tmp_path)


def run_in_actor(task: FeatureTask) -> Result:
    """As the coordinator runs it: in an actor that holds no CPU."""
    import ray

    @ray.remote(num_cpus=0)
    class StepActor:
        def run(self, task: FeatureTask) -> Result:
            return task.run(STEP)

    actor = StepActor.remote()
    result: Result = ray.get(actor.run.remote(task), timeout=120)
    ray.kill(actor)
    return result


def tokens(task: FeatureTask) -> dict[str, list[int]]:
    header, *lines = task.experiment.semantic_table.read_text("utf-8").splitlines()
    assert header == "item_name\tsemantic_audio"
    rows = [line.split("\t") for line in lines]
    return {name: [int(token) for token in codes.split(" ")] for name, codes in rows}


@pytest.mark.usefixtures("ray_cluster")
def test_nano_fits_a_codebook_and_writes_the_tokens_of_each_clip(task: FeatureTask) -> None:
    task.make_audio_features()
    result = run_in_actor(task)
    assert result.summary["workers"] == 2
    first = tokens(task)
    codebook = Codebook.load(task.experiment.codebook)
    for clip in task.clips:
        path = task.experiment.content / f"{clip}.pt"
        ssl = torch.load(path, weights_only=True)
        assert first[clip] == codebook.encode(ssl)[0, 0].tolist()
        assert len(first[clip]) == ssl.shape[2] // 2
    total = sum(map(len, first.values()))
    assert result.summary["tokens"] == total
    assert result.summary["codebook_rows_used"] == codebook.used == total // 4
    assert result.summary["token_perplexity"] > 64

    # Nothing changed: the codebook stays, nothing is computed.
    again = task.run(STEP)
    assert (again.summary["unchanged"], again.summary["workers"]) == (4, 0)
    assert again.summary["token_perplexity"] == result.summary["token_perplexity"]

    # Another set of clips needs another codebook, and with it every token anew.
    task.make_audio_features(*task.clips[1:])
    fewer = task.run(STEP)
    assert fewer.summary["unchanged"] == 0
    assert sorted(tokens(task)) == task.clips[1:]
    assert Codebook.load(task.experiment.codebook).used < codebook.used


def test_perplexity_counts_equally_frequent_tokens() -> None:
    assert perplexity(Counter(dict.fromkeys("abcd", 5))) == pytest.approx(4)
    assert perplexity(Counter({"a": 10})) == pytest.approx(1)
