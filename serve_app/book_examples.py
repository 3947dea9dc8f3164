"""An answer of each route about books, as /docs shows it."""

from __future__ import annotations

from typing import Any

_BOOK: dict[str, Any] = {
    "book_id": "5b1c7d9e-2d34-4a0e-9c1f-6e0e4c0a7b11",
    "title": "A tale",
    "voice": "anna@3",
    "format": "mp3",
    "seed": 5,
    "state": "running",
    "done_blocks": 31,
    "num_blocks": 64,
    "sound_seconds": 912.4,
    "problem": "",
    "left_out": [],
    "badly_said": [],
    "chapters": [
        {"title": "One", "num_blocks": 40, "is_done": True},
        {"title": "Two", "num_blocks": 24, "is_done": False},
    ],
    "created_at": "2026-11-29T17:40:00Z",
}

BOOK_EXAMPLES: dict[str, Any] = {
    "start_book": _BOOK | {"state": "queued", "done_blocks": 0, "sound_seconds": 0.0},
    "list_books": {"books": [_BOOK]},
    "get_book": _BOOK,
    "cancel_book": _BOOK | {"state": "cancelled"},
    "resume_book": _BOOK | {"state": "queued"},
    "delete_book": {"message": "The book was deleted."},
}
