"""Speech models with random weights in the formats of the real ones, too small to hear anything."""

from __future__ import annotations

from pathlib import Path

LANGUAGES = ("en", "zh", "ja", "ko")


def _byte_letters() -> list[str]:
    """The 256 characters that stand for bytes in the vocabularies of GPT-2's family."""
    shown = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [byte for byte in range(256) if byte not in shown]
    return [chr(byte) for byte in shown] + [chr(256 + rank) for rank in range(len(hidden))]


def make_whisper(folder: Path) -> Path:
    """Whisper for four languages: letters as tokens, one layer, and the real 30 s window."""
    import torch
    from transformers import (
        GenerationConfig,
        WhisperConfig,
        WhisperFeatureExtractor,
        WhisperForConditionalGeneration,
        WhisperTokenizer,
    )

    special = [
        "<|endoftext|>",
        "<|startoftranscript|>",
        *(f"<|{code}|>" for code in LANGUAGES),
        "<|translate|>",
        "<|transcribe|>",
        "<|startoflm|>",
        "<|startofprev|>",
        "<|nospeech|>",
        "<|notimestamps|>",
        *(f"<|{step * 0.02:.2f}|>" for step in range(1501)),
    ]
    letters = _byte_letters()
    ids = {token: number for number, token in enumerate(letters + special)}
    tokenizer = WhisperTokenizer(vocab={letter: ids[letter] for letter in letters}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    assert tokenizer.convert_tokens_to_ids(special) == [ids[token] for token in special]
    torch.manual_seed(2)
    config = WhisperConfig(
        vocab_size=len(ids),
        num_mel_bins=80,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        max_target_positions=64,
        init_std=1.5,
        pad_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|endoftext|>"],
        eos_token_id=ids["<|endoftext|>"],
        decoder_start_token_id=ids["<|startoftranscript|>"],
    )
    model = WhisperForConditionalGeneration(config)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        is_multilingual=True,
        lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
        task_to_id={task: ids[f"<|{task}|>"] for task in ("translate", "transcribe")},
        no_timestamps_token_id=ids["<|notimestamps|>"],
        prev_sot_token_id=ids["<|startofprev|>"],
        max_length=64,
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    WhisperFeatureExtractor(feature_size=80).save_pretrained(folder)
    return folder


# Our own, with the parts that the processor fills in: the language, and a place for the sound.
_CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'audio' %}<|object_ref_start|>"
    "{% elif part['type'] == 'language' %}{{ part['language'] }}: {% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def make_fun_asr_nano(folder: Path) -> Path:
    """Fun-ASR-Nano with one layer each of encoder, adaptor and language model."""
    import torch
    from transformers import (
        FunAsrNanoConfig,
        FunAsrNanoFeatureExtractor,
        FunAsrNanoForConditionalGeneration,
        FunAsrNanoProcessor,
        Qwen2Tokenizer,
    )

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>"]
    letters = _byte_letters()
    ids = {token: number for number, token in enumerate(letters + special)}
    tokenizer = Qwen2Tokenizer(vocab={letter: ids[letter] for letter in letters}, merges=[])
    tokenizer.add_special_tokens({"additional_special_tokens": special})
    torch.manual_seed(5)
    config = FunAsrNanoConfig(
        audio_config={
            "model_type": "fun_asr_nano_encoder",
            "hidden_size": 32,
            "num_attention_heads": 2,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_timestamp_prediction_layers": 1,
        },
        adaptor_config={
            "hidden_size": 32,
            "num_attention_heads": 2,
            "intermediate_size": 8,
            "num_hidden_layers": 1,
            "projector_hidden_size": 32,
        },
        text_config={
            "model_type": "qwen3",
            "vocab_size": len(ids),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "head_dim": 16,
            "tie_word_embeddings": False,
            "initializer_range": 1.0,
        },
        audio_token_id=ids["<|object_ref_start|>"],
        tie_word_embeddings=False,
        initializer_range=1.0,
    )
    model = FunAsrNanoForConditionalGeneration(config)
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    model.save_pretrained(folder)
    processor = FunAsrNanoProcessor(FunAsrNanoFeatureExtractor(), tokenizer, chat_template=_CHAT)
    processor.save_pretrained(folder)
    return folder
