"""The two places that models are published at: what they hold, and where to read it from.

Each hub answers one question, `describe`: the address, size and checksum of files in a
repository. Fetching them is the same for both (`fetching.py`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import httpx

from ray_pipeline.core.errors import BackendMissing, PipelineError, Unavailable
from ray_pipeline.hub.catalogue import Repository, Source

_TIMEOUT_SECONDS = 30.0
_SHA256_LENGTH = 64


@dataclass(frozen=True, kw_only=True)
class RemoteFile:
    """`git_sha1` is the id that git gives to a small file, which hubs publish instead of a
    SHA-256 when it is not kept as a large file. `size` and checksums are None if unpublished."""

    path: str
    url: str
    size: int | None
    sha256: str | None = None
    git_sha1: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Hub(Protocol):
    """`title` is its name in messages."""

    title: str

    def describe(self, repository: Repository, files: Iterable[str]) -> list[RemoteFile]:
        """The named files, whose paths are relative to the repository's prefix."""

    def names(self, repository: Repository) -> list[str]:
        """Every file under the repository's prefix, relative to it."""


class HuggingFace:
    """The Hugging Face hub, or a mirror of it: `HF_ENDPOINT` and `HF_TOKEN` are the library's."""

    title = "the Hugging Face hub"

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def describe(self, repository: Repository, files: Iterable[str]) -> list[RemoteFile]:
        return [self._file(repository, file) for file in files]

    def _file(self, repository: Repository, file: str) -> RemoteFile:
        from huggingface_hub import get_hf_file_metadata, hf_hub_url
        from huggingface_hub.utils import build_hf_headers

        path = repository.prefix + file
        url = hf_hub_url(repository.id, path, revision=repository.revision, endpoint=self._endpoint)
        about = self._ask(
            lambda: get_hf_file_metadata(url, timeout=_TIMEOUT_SECONDS),
            f"{repository.id}/{path}",
        )
        checksum = about.etag or ""
        is_large = len(checksum) == _SHA256_LENGTH
        return RemoteFile(
            path=file,
            url=url,
            size=about.size,
            sha256=checksum if is_large else None,
            git_sha1=checksum if len(checksum) == 40 else None,
            headers=build_hf_headers(),
        )

    def names(self, repository: Repository) -> list[str]:
        from huggingface_hub import HfApi

        names = self._ask(
            lambda: HfApi(endpoint=self._endpoint).list_repo_files(
                repository.id, revision=repository.revision
            ),
            repository.id,
        )
        return _below(repository.prefix, names)

    def _ask(self, question: Callable[[], Any], what: str) -> Any:
        from huggingface_hub.errors import HfHubHTTPError

        try:
            return question()
        except HfHubHTTPError as error:
            raise refused(error.response.status_code, what, self.title) from error
        except Exception as error:  # whatever the HTTP library of its version raises
            raise unreachable(self.title, error) from error


class ModelScope:
    """ModelScope's own file interface; `MODELSCOPE_ENDPOINT` names another address."""

    title = "ModelScope"

    def __init__(self, endpoint: str | None = None) -> None:
        wanted = endpoint or os.environ.get("MODELSCOPE_ENDPOINT") or "https://modelscope.cn"
        self._endpoint = wanted.rstrip("/")
        self._listings: dict[Repository, dict[str, dict[str, Any]]] = {}

    def describe(self, repository: Repository, files: Iterable[str]) -> list[RemoteFile]:
        listing = self._listing(repository)
        return [self._file(repository, file, listing) for file in files]

    def _file(
        self, repository: Repository, file: str, listing: Mapping[str, Mapping[str, Any]]
    ) -> RemoteFile:
        path = repository.prefix + file
        about = listing.get(path)
        if about is None:
            raise refused(404, f"{repository.id}/{path}", self.title)
        query = httpx.QueryParams({"Revision": repository.revision, "FilePath": path})
        return RemoteFile(
            path=file,
            url=f"{self._address(repository)}?{query}",
            size=about.get("Size"),
            sha256=(about.get("Sha256") or "").lower() or None,
        )

    def names(self, repository: Repository) -> list[str]:
        return _below(repository.prefix, self._listing(repository))

    def _listing(self, repository: Repository) -> dict[str, dict[str, Any]]:
        if repository not in self._listings:
            self._listings[repository] = self._ask_for_listing(repository)
        return self._listings[repository]

    def _ask_for_listing(self, repository: Repository) -> dict[str, dict[str, Any]]:
        query = {"Revision": repository.revision, "Recursive": "True"}
        if repository.prefix:
            query["Root"] = repository.prefix.rstrip("/")
        try:
            answer = httpx.get(
                f"{self._address(repository)}/files",
                params=query,
                timeout=_TIMEOUT_SECONDS,
                follow_redirects=True,
            )
        except httpx.HTTPError as error:
            raise unreachable(self.title, error) from error
        if answer.status_code != httpx.codes.OK:
            raise refused(answer.status_code, repository.id, self.title)
        try:
            files = answer.json()["Data"]["Files"]
            return {row["Path"]: row for row in files if row.get("Type") != "tree"}
        except (ValueError, KeyError, TypeError) as error:
            raise unreachable(self.title, error) from error

    def _address(self, repository: Repository) -> str:
        return f"{self._endpoint}/api/v1/models/{repository.id}/repo"


def hub_for(source: Source) -> Hub:
    return HuggingFace() if source is Source.huggingface else ModelScope()


def _below(prefix: str, paths: Iterable[str]) -> list[str]:
    return sorted(path.removeprefix(prefix) for path in paths if path.startswith(prefix))


def _first_up(title: str) -> str:
    return title[0].upper() + title[1:]


def refused(status: int, what: str, title: str) -> PipelineError:
    """The error for an answer of a hub that is not the file."""
    if status in (401, 403):
        return BackendMissing(
            f"{_first_up(title)} does not give {what} to everybody ({status}).",
            hint="Accept its terms there and set HF_TOKEN, or use another --source.",
        )
    if status in (404, 410):
        return BackendMissing(
            f"{what} is not on {title}.", hint="Use another --source, or copy the file by hand."
        )
    return Unavailable(
        f"{_first_up(title)} answered {status} for {what}.",
        hint="Try again later: what has arrived is kept.",
    )


def unreachable(title: str, error: Exception) -> Unavailable:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Unavailable(
        f"{_first_up(title)} could not be reached: {reason}.",
        hint="Check the network and try again (what has arrived is kept), use another --source or "
        "a mirror (HF_ENDPOINT), or copy the files into the models folder by hand.",
    )
