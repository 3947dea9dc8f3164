"""What routes about pretrained models take and answer."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field

from ray_pipeline.hub.catalogue import Entry, Source
from ray_pipeline.hub.downloads import Download, DownloadState
from serve_app.schemas import Answer, Request


class PullRequest(Request):
    source: Source | None = Field(None, description="default: the first that has all of it")
    alone: bool = Field(False, description="leave out what most people want with it (BERT)")


class DownloadAnswer(Answer):
    state: DownloadState = Field(description="queued, running, done, failed or cancelled")
    file: str = Field(description="the file that is fetched now")
    number: int = Field(description="which file it is, from 1")
    num_files: int = Field(description="of how many")
    done_bytes: int = Field(description="how much of the file has arrived")
    file_bytes: int | None = Field(description="how much it is; null while that is unknown")
    problem: str = Field(description="why it failed and what to do, in sentences")

    @classmethod
    def of(cls, download: Download) -> Self:
        return cls.model_validate(download)


class ModelAnswer(Answer):
    """A base model, recogniser or denoiser that can be fetched."""

    name: str = Field(description="what it is pulled by")
    kind: str = Field(description="what it is, in words")
    about_bytes: int = Field(description="how much it is, about; 0: it needs no files")
    licence: str = Field(description="of its files")
    sources: list[str] = Field(description="the hubs that have all of it, the preferred first")
    companions: list[str] = Field(description="what comes with it unless asked alone")
    missing: list[str] = Field(description="its files that are not in the models folder")
    download: DownloadAnswer | None = Field(description="the last one asked for, if any")

    @classmethod
    def of(cls, row: Entry, models_dir: Path, download: Download | None) -> Self:
        return cls(
            name=row.name,
            kind=row.kind,
            about_bytes=row.about_bytes if row.parts else 0,
            licence=row.licences,
            sources=[str(source) for source in row.sources] if row.parts else [],
            companions=list(row.companions),
            missing=row.missing(models_dir),
            download=None if download is None else DownloadAnswer.of(download),
        )


class ModelsAnswer(Answer):
    models: list[ModelAnswer] = Field(description="base models first, the best of them first")
