from pathlib import Path

import pytest
import torch

from ray_pipeline.errors import BackendMissing, BadModelFile, StepFailed
from ray_pipeline.models.base import BERT_FILES
from ray_pipeline.models.bert import BertEncoder

TEXT = "你好,世界."


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> BertEncoder:
    """A BERT with four small layers that knows the characters of TEXT."""
    from transformers import BertConfig, BertForMaskedLM, BertTokenizer

    vocabulary = tmp_path_factory.mktemp("bert") / "vocab.txt"
    vocabulary.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *TEXT]), "utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=16,
        hidden_size=24,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=32,
    )
    return BertEncoder(BertForMaskedLM(config), BertTokenizer(str(vocabulary)))


def test_each_character_stands_once_for_each_of_its_phones(encoder: BertEncoder) -> None:
    features = encoder(TEXT, [2, 2, 1, 2, 2, 1])
    assert features.shape == (24, 10)
    columns = features.T
    for first, second in [(0, 1), (2, 3), (5, 6), (7, 8)]:
        assert torch.equal(columns[first], columns[second])
    assert len(torch.unique(columns, dim=0)) == 6


def test_the_third_layer_from_the_end_is_taken(encoder: BertEncoder) -> None:
    tokens = encoder._tokenizer(TEXT, return_tensors="pt")
    layers = encoder._model(**tokens, output_hidden_states=True).hidden_states
    assert len(layers) == 5
    torch.testing.assert_close(encoder(TEXT, [1] * 6), layers[2][0, 1:-1].T)


def test_a_text_whose_counts_do_not_match_is_refused(encoder: BertEncoder) -> None:
    with pytest.raises(StepFailed, match="6 characters"):
        encoder(TEXT, [2, 2])


def test_without_its_files_the_remedy_is_named(tmp_path: Path) -> None:
    with pytest.raises(BackendMissing, match="gsv models pull bert"):
        BertEncoder.load(tmp_path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    for file in BERT_FILES:
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_bytes(b"damaged")
    with pytest.raises(BadModelFile, match="gsv models pull bert"):
        BertEncoder.load(tmp_path)
