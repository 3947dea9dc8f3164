"""Speech models with random weights in the formats of the real ones, too small to hear anything."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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


def make_sense_voice(folder: Path) -> Path:
    """FunASR's SenseVoice with one layer and its FSMN detector, in two folders of `folder`."""
    import funasr  # noqa: F401  (fills the tables)
    import sentencepiece
    import torch
    import yaml
    from funasr.register import tables

    from ray_pipeline.asr.funasr import SENSE_VOICE, VAD

    def save(name: str, settings: dict[str, Any], **sizes: int) -> None:
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        (place / "config.yaml").write_text(yaml.safe_dump(settings))
        torch.manual_seed(3)
        parts = {key: settings[key] for key in ("encoder", "encoder_conf")}
        model = tables.model_classes[settings["model"]](**settings["model_conf"], **parts, **sizes)
        torch.save(model.state_dict(), place / "model.pt")

    def front_end(stacked: int, step: int) -> dict[str, Any]:
        return {
            "fs": 16_000,
            "window": "hamming",
            "n_mels": 80,
            "frame_length": 25,
            "frame_shift": 10,
            "lfr_m": stacked,
            "lfr_n": step,
            "dither": 0.0,
            "cmvn_file": None,
        }

    (folder / SENSE_VOICE).mkdir(parents=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the quick brown fox jumps over the lazy dog"] * 20),
        model_prefix=str(folder / SENSE_VOICE / "bpe"),
        model_type="char",
        vocab_size=31,
        user_defined_symbols=["<|en|>", "<|zh|>"],
        minloglevel=2,
    )
    save(
        SENSE_VOICE,
        {
            "model": "SenseVoiceSmall",
            "model_conf": {"sos": 1, "eos": 2, "ignore_id": -1},
            "encoder": "SenseVoiceEncoderSmall",
            "encoder_conf": {
                "output_size": 32,
                "attention_heads": 2,
                "linear_units": 32,
                "num_blocks": 2,
                "tp_blocks": 1,
                "input_layer": "pe",
                "normalize_before": True,
                "kernel_size": 11,
                "selfattention_layer_type": "sanm",
            },
            "tokenizer": "SentencepiecesTokenizer",
            "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
            "frontend": "WavFrontend",
            "frontend_conf": front_end(7, 6),
        },
        input_size=560,
        vocab_size=31,
    )
    save(
        VAD,
        {
            "model": "FsmnVADStreaming",
            "model_conf": {"sample_rate": 16_000},
            "encoder": "FSMN",
            "encoder_conf": {
                "input_dim": 400,
                "input_affine_dim": 16,
                "fsmn_layers": 1,
                "linear_dim": 16,
                "proj_dim": 16,
                "lorder": 20,
                "rorder": 0,
                "lstride": 1,
                "rstride": 0,
                "output_affine_dim": 16,
                "output_dim": 248,
            },
            "frontend": "WavFrontendOnline",
            "frontend_conf": front_end(5, 1),
        },
    )
    return folder
