"""A BERT of two random layers in a models folder, that knows a few characters."""

from __future__ import annotations

from pathlib import Path

from ray_pipeline.core.pretrained_bases import BERT_FOLDER, has_bert

CHARACTERS = "你好世界我们喜欢今天,."


def make_bert(models_dir: Path, width: int) -> None:
    """`width` is that of its hidden states."""
    import torch
    from transformers import BertConfig, BertForMaskedLM, BertTokenizer

    folder = models_dir / BERT_FOLDER
    folder.mkdir(parents=True)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *CHARACTERS]
    (folder / "vocab.txt").write_text("\n".join(words), "utf-8")
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=width,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertForMaskedLM(config).save_pretrained(folder)
    BertTokenizer(str(folder / "vocab.txt")).save_pretrained(folder)
    assert has_bert(models_dir)
