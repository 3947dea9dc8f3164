"""An answer of each route, as /docs shows it. A test holds them against the routes' types."""

from __future__ import annotations

from typing import Any

from ray_pipeline.core.options import TaskConfig
from serve_app.book_examples import BOOK_EXAMPLES
from serve_app.voice_examples import VOICE_EXAMPLES

_TASK_ID = "5f0c9f0e-2b6d-4a57-9f61-0a4d6a1f7c11"
_CLIP = "talk.wav_0000000000_0000185280.wav"
_HALVES = ["talk.wav_0000000000_0000076800.wav", "talk.wav_0000083200_0000185280.wav"]
_SAMPLE = (
    "/api/v1/task/41b8d8bd-1fb0-4e3b-8b4b-2d9be0a6a0a1/files/download/"
    ".trainings/train_gpt/5d41402abc4b2a76-1/samples/my_speaker-e9-1"
)
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"

_TASK: dict[str, Any] = {
    "task_id": _TASK_ID,
    "task_name": "语音克隆测试",
    "status": "running",
    "config": TaskConfig(exp_name="my_speaker", language="en", base_model="nano").model_dump(),
    "created_at": "2026-11-22T17:40:00Z",
    "updated_at": "2026-11-22T17:42:10Z",
    "current_step": "train_sovits",
    "progress": 61.5,
    "error_message": None,
    "last_event": 318,
    "delete_at": None,
    "warnings": [],
}
_NEW_TASK = _TASK | {
    "status": "created",
    "updated_at": _TASK["created_at"],
    "current_step": None,
    "progress": 0.0,
    "last_event": 1,
}
_FILE = {
    "name": "input_audio/talk.wav",
    "kind": "input",
    "size": 5_292_044,
    "sha256": _SHA256,
}
_TRANSCRIPT = {
    "clip": _CLIP,
    "text": "Good morning, everyone.",
    "language": "en",
    "include": True,
    "speaker": "",
    "source": "whisper",
    "confidence": 0.93,
    "timing": {"recording": "talk.wav", "start": 0.0, "end": 5.79, "speech": [[0.21, 5.4]]},
    "etag": '"5d41402abc4b2a76"',
}
_EVENT = {
    "seq": 7,
    "time": "2026-11-22T17:40:31Z",
    "kind": "progress",
    "step": "convert_audio",
    "attempt": 1,
    "data": {"done": 2, "total": 4, "fraction": 0.5, "message": "talk.wav"},
}
_BASE = {"name": "mini", "reason": "None of the large base models is in the models folder."}
_FIELD = {
    "name": "batch_size",
    "type": "integer",
    "words": "clips in a batch of both trainings; `auto`: up to 16, as many as are expected to fit "
    "into the memory there is",
    "default": 16,
    "optional": False,
    "choices": ["auto"],
    "minimum": 1,
    "maximum": 256,
}
_TRAINING = {
    "step": "train_sovits",
    "epochs": 13,
    "asked_epochs": 50,
    "batch_size": 8,
    "asked_batch_size": 16,
    "batch_reasons": ["base"],
    "steps_at_most": 320,
    "memory": {
        "peak_gb": 1.2,
        "usable_gb": 6.4,
        "longest_seconds": 9.8,
        "too_long": [],
        "warnings": [],
    },
}
_STEP = {
    "step": "convert_audio",
    "state": "completed",
    "stale": False,
    "run_id": "c1b6a8d0f3e2",
    "job_id": "77a1c9e0b4d5",
    "attempt": 1,
    "progress": 1.0,
    "message": "talk.wav",
    "params": {"time_limit_seconds": 600, "min_seconds": 0.6},
    "warnings": [],
    "queued_at": "2026-11-22T17:40:30Z",
    "started_at": "2026-11-22T17:40:30Z",
    "finished_at": "2026-11-22T17:40:33Z",
    "result": {"done": 4, "set_aside": []},
    "error": None,
}
_PHONES = {
    "norm_text": "Hello.",
    "phones": ["HH", "AH0", "L", "OW1", "."],
    "ids": [44, 13, 53, 64, 3],
    "word2ph": None,
}
_MEASURES = {
    "lufs": -21.4,
    "peak_db": -3.1,
    "clipped_share": 0.0,
    "snr_db": 41.0,
    "bandwidth_hz": 15_500,
    "speech_share": 0.92,
}
_REPORT = {
    "key": "0b7d6f",
    "grade": "B",
    "summary": "Grade B: 1 of 1 used clips are good.",
    "advice": [],
    "troubles": [],
    "enough": {"verdict": "too little", "seconds": 5.8, "message": "5.8 s is too little."},
    "num_clips": 1,
    "num_used": 1,
    "num_good": 1,
    "num_unread": 1,
    "seconds": 5.8,
    "lufs": -21.4,
    "snr_db": 41.0,
    "true_sample_rate_hz": 31_000,
    "clips": [
        {
            "clip": _CLIP,
            "sha256": _SHA256,
            "seconds": 5.79,
            "text": "Good morning, everyone.",
            "language": "en",
            "confidence": 0.93,
            "letters_a_second": 13.8,
            "measures": _MEASURES,
        }
    ],
    "recordings": [],
    "not_measured": [],
    "not_measured_codes": [],
}


def _message(sentence: str) -> dict[str, Any]:
    return {"message": sentence, "task_id": _TASK_ID}


_MODEL: dict[str, Any] = {
    "name": "bert",
    "kind": "text encoder (Chinese)",
    "about_bytes": 651_495_070,
    "licence": "Apache-2.0 (HFL chinese-roberta-wwm-ext-large)",
    "sources": ["huggingface", "modelscope"],
    "companions": [],
    "missing": ["chinese-roberta-wwm-ext-large/pytorch_model.bin"],
    "download": {
        "state": "running",
        "file": "chinese-roberta-wwm-ext-large/pytorch_model.bin",
        "number": 3,
        "num_files": 3,
        "done_bytes": 130_023_424,
        "file_bytes": 651_225_145,
        "problem": "",
    },
}

_OPENAI_MODEL = {"id": "tts-1", "object": "model", "created": 0, "owned_by": "gpt-sovits-ray"}

ANSWER_EXAMPLES: dict[str, Any] = {
    **VOICE_EXAMPLES,
    **BOOK_EXAMPLES,
    "list_openai_models": {"object": "list", "data": [_OPENAI_MODEL]},
    "get_openai_model": _OPENAI_MODEL,
    "list_openai_voices": {"voices": [{"id": "my_speaker", "name": "my_speaker"}]},
    "get_speech_stats": {"active_requests": 2, "loaded_voices": 1, "sound_seconds": 81.4},
    "list_models": {"models": [_MODEL]},
    "pull_model": _MODEL,
    "cancel_pull": _MODEL | {"download": _MODEL["download"] | {"state": "cancelled"}},
    "create_task": _NEW_TASK | {"base_model": {"name": "nano", "reason": "nano was asked for."}},
    "list_tasks": [_TASK],
    "get_task": _TASK,
    "rename_task": _TASK | {"task_name": "Anna, calm"},
    "get_options": {"task": [_FIELD], "steps": {"train_sovits": [_FIELD | {"name": "epochs"}]}},
    "get_plan": {
        "base_model": _BASE,
        "trainings": [_TRAINING, _TRAINING | {"step": "train_gpt", "steps_at_most": 100}],
        "clips": 22,
        "seconds": 189.2,
        "left_steps": ["train_sovits", "train_gpt", "test_inference"],
        "free_bytes": 80_000_000_000,
    },
    "get_summary": {
        "base_model": _BASE,
        "grade": "A",
        "sample": {"file": "output/my_speaker_001.wav", "text": "Good morning.", "seed": 1234},
    },
    "get_checkpoints": {
        "gpt_model": "GPT_weights_v2ProPlus/my_speaker-e9.ckpt",
        "sovits_model": "SoVITS_weights_v2ProPlus/my_speaker_e8_s96.pth",
        "trainings": [
            {
                "step": "train_gpt",
                "run": "5d41402abc4b2a76-1",
                "finished": True,
                "is_voice": True,
                "held_out": [_CLIP],
                "reason": "Epoch 9 has the least score of the 6 listened to, 2.964 (cer 0.024, "
                "gpt/held_out_loss 2.91, likeness 0.94).",
                "warning": None,
                "checkpoints": [
                    {
                        "epoch": 9,
                        "step": 216,
                        "rank": 1,
                        "score": 2.964,
                        "validation": {"gpt/held_out_loss": 2.91, "gpt/held_out_top3": 0.52},
                        "judged": {
                            "cer": 0.024,
                            "likeness": 0.94,
                            "failed_pieces": 0.0,
                            "phones_per_second": 11.8,
                        },
                        "problem": None,
                        "samples": [
                            {
                                "url": f"{_SAMPLE}.wav",
                                "picture_url": f"{_SAMPLE}.png",
                                "text": "Nobody said a word.",
                                "language": "en",
                                "heard": "Nobody said a word.",
                            }
                        ],
                        "size": 155_300_000,
                        "kept": True,
                        "chosen": True,
                        "file": "GPT_weights_v2ProPlus/my_speaker-e9.ckpt",
                    }
                ],
            }
        ],
    },
    "cancel_task": _message("The task's run was cancelled."),
    "pause_task": _message("The task was paused."),
    "resume_task": _message("The task goes on."),
    "restore_task": _message("The task is back."),
    "delete_task": _message("The task and its files were deleted."),
    "start_step": _message("convert_audio was started.")
    | {"step": "convert_audio", "run_id": "c1b6a8d0f3e2", "warnings": []},
    "run_steps": _message("2 steps were started.")
    | {"job_id": "77a1c9e0b4d5", "steps": ["train_gpt", "test_inference"], "warnings": []},
    "list_steps": {"steps": [_STEP]},
    "upload_files": _message("Stored talk.wav.")
    | {"filename": "talk.wav", "size": 5_292_044, "sha256": _SHA256, "files": [_FILE]},
    "list_files": {"files": [_FILE, _FILE | {"name": "output/my_speaker.wav", "kind": "output"}]},
    "delete_file": _message("input_audio/talk.wav was removed."),
    "list_events": {"events": [_EVENT], "next": 7},
    "get_logs": {"logs": "2026-11-22 17:40:33 convert_audio: Completed.\n"},
    "list_transcripts": {"transcripts": [_TRANSCRIPT]},
    "edit_transcripts": {
        "transcripts": [_TRANSCRIPT | {"source": "user", "confidence": None}],
    },
    "get_transcript": _TRANSCRIPT,
    "edit_transcript": _TRANSCRIPT | {"include": False},
    "upload_list": {
        "rows": 12,
        "changed": 2,
        "problems": ["Line 3 was not used: its text is empty."],
    },
    "list_cuts": {"cuts": [{"recording": "talk.wav", "clips": _HALVES}]},
    "cut_clips": {"clips": _HALVES},
    "forget_cuts": _message("talk.wav is cut at its pauses when slice_audio runs."),
    "get_clip_waveform": {"clip": _CLIP, "seconds": 5.79, "peaks": [[-0.21, 0.2], [-0.4, 0.43]]},
    "get_report": {"state": "ready", "report": _REPORT},
    "detect_speech": {
        "is_synthetic": True,
        "metadata": {
            "generator": "gpt-sovits-ray",
            "voices": ["anna@3"],
            "models": ["v2ProPlus"],
            "seed": 5,
        },
        "watermark": True,
        "marked_seconds": 11.2,
        "judged_seconds": 11.2,
        "remarks": [],
    },
    "phonemize": _PHONES | {"unknown": [], "parts": [_PHONES | {"language": "en"}]},
    "get_liveness": {"status": "ok", "details": {}},
    "get_readiness": {"status": "ok", "details": {"ok": True, "steps_running": 0}},
}
