from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from ray_pipeline.core.errors import BackendMissing, BadModelFile, StepFailed
from ray_pipeline.core.pretrained_bases import BERT_FILES
from ray_pipeline.models.encoders.bert import BertEncoder, features_of, has_chinese

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


def test_a_text_longer_than_the_model_is_read_in_stretches(encoder: BertEncoder) -> None:
    text = TEXT * 100
    features = encoder(text, [1] * 600)
    assert features.shape == (24, 600)
    torch.testing.assert_close(features[:, 510:], encoder(text[510:], [1] * 90))


@dataclass(frozen=True)
class Spoken:
    """As `ray_pipeline.text.Phones`."""

    language: str
    norm_text: str
    ids: list[int]
    word2ph: list[int] | None = None
    parts: tuple[Spoken, ...] = ()


CHINESE = Spoken("zh", "你好", [1, 2, 3, 4], [2, 2])
ENGLISH = Spoken("en", "a b", [5, 6, 7])
MIXED = Spoken("auto", "你好a b", [1, 2, 3, 4, 5, 6, 7], parts=(CHINESE, ENGLISH))


def test_only_chinese_parts_have_features(encoder: BertEncoder) -> None:
    features = features_of(MIXED, encoder, 24, "cpu")
    assert torch.equal(features[:, :4], encoder("你好", [2, 2]))
    assert features.shape == (24, 7)
    assert not features[:, 4:].any()
    assert [has_chinese(text) for text in (MIXED, CHINESE, ENGLISH)] == [True, True, False]


def test_without_a_model_all_features_are_zero() -> None:
    assert torch.equal(features_of(MIXED, None, 24, "cpu"), torch.zeros(24, 7))


def test_a_model_of_another_width_than_the_voice_takes_is_refused(encoder: BertEncoder) -> None:
    with pytest.raises(BadModelFile, match="24 values"):
        features_of(MIXED, encoder, 1024, "cpu")
