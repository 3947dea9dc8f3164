"""FunASR's models with random weights, in the folders and files that the real ones come in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from ray_pipeline.asr.funasr import PARAFORMER, PUNCTUATION, SENSE_VOICE, VAD

_ENCODER = {
    "output_size": 32,
    "attention_heads": 2,
    "linear_units": 32,
    "num_blocks": 2,
    "input_layer": "pe",
    "normalize_before": True,
    "kernel_size": 11,
    "selfattention_layer_type": "sanm",
}
_CHARACTERS = "今天气很好我们去公园吧"


def make_sense_voice(folder: Path) -> Path:
    """SenseVoice with its FSMN detector, in two folders of `folder`."""
    import sentencepiece

    (folder / SENSE_VOICE).mkdir(parents=True)
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["the quick brown fox jumps over the lazy dog"] * 20),
        model_prefix=str(folder / SENSE_VOICE / "bpe"),
        model_type="char",
        vocab_size=31,
        user_defined_symbols=["<|en|>", "<|zh|>"],
        minloglevel=2,
    )
    settings = {
        "model": "SenseVoiceSmall",
        "model_conf": {"sos": 1, "eos": 2, "ignore_id": -1},
        "encoder": "SenseVoiceEncoderSmall",
        "encoder_conf": {**_ENCODER, "tp_blocks": 1},
        "tokenizer": "SentencepiecesTokenizer",
        "tokenizer_conf": {"bpemodel": None, "unk_symbol": "<unk>", "split_with_space": True},
        "frontend": "WavFrontend",
        "frontend_conf": _front_end(7, 6),
    }
    _save(folder / SENSE_VOICE, settings, input_size=560, vocab_size=31)
    _make_detector(folder)
    return folder


def make_paraformer(folder: Path) -> Path:
    """Paraformer with its detector and its punctuation, in three folders of `folder`. It writes
    Han characters and an English word in two halves."""
    words = ["<blank>", "<s>", "</s>", *_CHARACTERS, "hel@@", "lo", "<unk>"]
    settings = {
        "model": "Paraformer",
        "model_conf": {"ctc_weight": 0.0, "predictor_weight": 1.0, "predictor_bias": 1},
        "encoder": "SANMEncoder",
        "encoder_conf": _ENCODER,
        "decoder": "ParaformerSANMDecoder",
        "decoder_conf": {
            "attention_heads": 2,
            "linear_units": 32,
            "num_blocks": 1,
            "att_layer_num": 1,
            "kernel_size": 11,
        },
        "predictor": "CifPredictorV2",
        "predictor_conf": {"idim": 32, "l_order": 1, "r_order": 1, "tail_threshold": 0.45},
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>", "split_with_space": True},
        "frontend": "WavFrontend",
        "frontend_conf": _front_end(7, 6),
    }
    place = folder / PARAFORMER
    _save(place, settings, input_size=560, vocab_size=len(words))
    (place / "tokens.json").write_text(json.dumps(words), "utf-8")
    (place / "am.mvn").write_text(_mean_and_variance(560), "utf-8")
    # The published folder names its files there; it is read instead of looking for them.
    files = {
        "init_param": "model.pt",
        "config": "config.yaml",
        "tokenizer_conf": {"token_list": "tokens.json"},
        "frontend_conf": {"cmvn_file": "am.mvn"},
    }
    (place / "configuration.json").write_text(json.dumps({"file_path_metas": files}), "utf-8")
    _make_punctuation(folder)
    _make_detector(folder)
    return folder


def _make_punctuation(folder: Path) -> None:
    characters = ["<unk>", *_CHARACTERS]
    settings = {
        "model": "CTTransformer",
        "model_conf": {
            "ignore_id": 0,
            "embed_unit": 32,
            "att_unit": 32,
            "punc_list": ["<unk>", "_", "，", "。", "？", "、"],
            "sentence_end_id": 3,
        },
        "encoder": "SANMEncoder",
        "encoder_conf": {**_ENCODER, "input_size": 32, "padding_idx": 0},
        "tokenizer": "CharTokenizer",
        "tokenizer_conf": {"unk_symbol": "<unk>"},
    }
    _save(folder / PUNCTUATION, settings, vocab_size=len(characters))
    (folder / PUNCTUATION / "tokens.json").write_text(json.dumps(characters), "utf-8")


def _make_detector(folder: Path) -> None:
    settings = {
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
        "frontend_conf": _front_end(5, 1),
    }
    _save(folder / VAD, settings)


def _save(place: Path, settings: dict[str, Any], **sizes: int) -> None:
    import funasr  # noqa: F401  (fills the tables)
    import torch
    from funasr.register import tables

    place.mkdir(parents=True, exist_ok=True)
    (place / "config.yaml").write_text(yaml.safe_dump(settings), "utf-8")
    torch.manual_seed(3)
    names = ("encoder", "decoder", "predictor")
    parts = {key: value for key, value in settings.items() if key.removesuffix("_conf") in names}
    model = tables.model_classes[settings["model"]](**settings["model_conf"], **parts, **sizes)
    torch.save(model.state_dict(), place / "model.pt")


def _front_end(stacked: int, step: int) -> dict[str, Any]:
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


def _mean_and_variance(width: int) -> str:
    """As Kaldi writes a network that shifts and scales."""
    shift, scale = " ".join(["-8.0"] * width), " ".join(["0.2"] * width)
    size = f"{width} {width}"
    return (
        f"<Nnet>\n<AddShift> {size}\n<LearnRateCoef> 0 [ {shift} ]\n"
        f"<Rescale> {size}\n<LearnRateCoef> 0 [ {scale} ]\n</Nnet>\n"
    )
