from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ray_pipeline.models.gpt import decoding, kv_cache
from ray_pipeline.models.gpt.config import tiny_gpt_config
from ray_pipeline.models.gpt.kv_cache import BlockKVCache, KVCache, RecordedKVCache
from ray_pipeline.models.gpt.model import Text2Semantic
from ray_pipeline.models.gpt.sampling import Sampling
from tests.models.gpt.test_decoding import sentence

SAID = [sentence(7, 9, 1), sentence(4, 9, 2), sentence(12, 3, 3), sentence(5, None, 4)]


class Asked(TorchDispatchMode):
    """Records the operators that make Python wait for a value of the device."""

    def __init__(self) -> None:
        super().__init__()
        self.operators: list[str] = []
        self.waited: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.operators.append(str(func))
        if any(name in str(func) for name in ("_local_scalar_dense", "nonzero", "unique")):
            self.waited.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.fixture
def model() -> Text2Semantic:
    torch.manual_seed(0)
    return Text2Semantic(tiny_gpt_config()).eval()


def spoken(
    model: Text2Semantic, kind: type[KVCache], monkeypatch: pytest.MonkeyPatch, count: int = 4
) -> tuple[list[list[int]], list[torch.Tensor]]:
    """The tokens of each sentence and the logits before each."""
    monkeypatch.setattr(decoding, "KVCache", kind)
    device = model.bert_proj.weight.device
    generators = [torch.Generator(device).manual_seed(i) for i in range(count)]
    seen: list[torch.Tensor] = []
    said = [
        decoding.Sentence(
            one.phones.to(device),
            one.bert.to(device),
            None if one.prompt is None else one.prompt.to(device),
        )
        for one in SAID[:count]
    ]
    decoded = decoding.decode_batch(
        model,
        said,
        Sampling(top_k=8),
        generators=generators,
        max_tokens=60,
        on_logits=lambda _, logits: seen.append(logits),
    )
    return [one.tokens.tolist() for one in decoded], seen


@pytest.mark.parametrize("count", [1, 4])
def test_reading_whole_blocks_gives_what_reading_the_filled_columns_gives(
    model: Text2Semantic, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(kv_cache, "BLOCK", 8)  # so that several are filled
    tokens, logits = spoken(model, KVCache, monkeypatch, count)
    tokens_of_blocks, logits_of_blocks = spoken(model, BlockKVCache, monkeypatch, count)
    assert tokens_of_blocks == tokens
    assert len(logits) > 2 * 8
    torch.testing.assert_close(logits_of_blocks, logits)


def test_what_stands_in_empty_columns_does_not_matter(
    model: Text2Semantic, monkeypatch: pytest.MonkeyPatch
) -> None:
    def after_trials(self: BlockKVCache) -> Callable[[], None]:
        self._add_token()  # as a recording does
        self._add_token()
        return self._add_token

    tokens, _ = spoken(model, KVCache, monkeypatch)
    monkeypatch.setattr(kv_cache, "BLOCK", 8)
    monkeypatch.setattr(BlockKVCache, "_recorded", after_trials)
    assert spoken(model, BlockKVCache, monkeypatch)[0] == tokens


@torch.inference_mode()
def test_a_token_never_waits_for_the_device(model: Text2Semantic) -> None:
    cache = BlockKVCache(model, torch.tensor([0, 2]), columns=40)
    mask = torch.ones(2, 1, 5, 5, dtype=torch.bool)
    cache.prefill(torch.randn(2, 5, model.config.width), mask)
    token = torch.randn(2, 1, model.config.width)
    cache.advance(token)
    with Asked() as asked:
        cache.advance(token)
    assert any("index_copy_" in name for name in asked.operators)
    assert not asked.waited


@pytest.mark.parametrize("kind", [RuntimeError, torch.OutOfMemoryError, AssertionError, OSError])
def test_what_cannot_be_recorded_runs_as_it_is_and_says_so(
    model: Text2Semantic,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    kind: type[Exception],
) -> None:
    def refuse(work: Callable[[], None]) -> Callable[[], None]:
        raise kind("operation not permitted when stream is capturing")

    tokens, _ = spoken(model, KVCache, monkeypatch)
    monkeypatch.setattr(kv_cache, "record", refuse)
    assert spoken(model, RecordedKVCache, monkeypatch)[0] == tokens
    assert "not permitted when stream is capturing" in caplog.text


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_recorded_token_gives_what_a_plain_one_gives(
    model: Text2Semantic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # On a GPU only: passing there is what cuda_graphs waits for to be the default.
    model.cuda()
    tokens, logits = spoken(model, KVCache, monkeypatch)
    monkeypatch.setattr(kv_cache, "BLOCK", 8)
    tokens_of_graph, logits_of_graph = spoken(model, RecordedKVCache, monkeypatch)
    torch.testing.assert_close(logits_of_graph[0], logits[0])
    assert tokens_of_graph == tokens
    assert "without a CUDA graph" not in caplog.text
