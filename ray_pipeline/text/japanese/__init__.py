"""Japanese: OpenJTalk's phones with the rise and fall of each accent phrase."""

from __future__ import annotations

from ray_pipeline.text.japanese.front_end import JapaneseFrontEnd

__all__ = ["JapaneseFrontEnd"]
