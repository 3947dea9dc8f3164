"""Files by what is in them: `voices/files/<2 hex>/<sha256><suffix>` below the data folder.

Equal files are kept once. A file is there whole or not at all, and never changes.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from ray_pipeline.core.errors import Conflict, NotFound
from ray_pipeline.core.voices import KeptFile
from ray_pipeline.core.workspace import atomic_path, is_partial, sha256_of

_LONGEST_SUFFIX = 16


def files_folder(data_dir: Path) -> Path:
    return data_dir / "voices" / "files"


class FileStore:
    """`folder` need not exist. Raises StorageFull where the disk has no room."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, source: Path, name: str = "", *, move: bool = False) -> KeptFile:
        """A copy of `source`, durable when this returns; `name` is what it is called, by default
        as it was. Its suffix is kept: who loads the file looks at it. With `move` the source may
        be taken instead of copied; it must be nobody else's then.

        Raises FileNotFoundError for a source that is not there, Conflict for one that changes.
        """
        name = name or source.name
        file = KeptFile(name=name, sha256=sha256_of(source), size=source.stat().st_size)
        target = self._place(file)
        if _size(target) == file.size:
            return file
        with atomic_path(target, durable=True) as partial:
            if move:
                shutil.move(source, partial)
            else:
                shutil.copyfile(source, partial)
            if not move and sha256_of(partial) != file.sha256:
                raise Conflict(
                    f"{source.name} was written to while it was copied.",
                    hint="Wait until its step is done, then try again.",
                )
        return file

    def path_of(self, file: KeptFile) -> Path:
        """Where it lies. Raises NotFound if somebody has removed it."""
        path = self._place(file)
        if _size(path) != file.size:
            raise NotFound(
                f"{file.name} of a kept voice is not in the library any more, or was cut short.",
                hint="Import the voice again, or restore the data folder's voices/files.",
            )
        return path

    def sweep(self, needed: Collection[str]) -> int:
        """Remove every file whose hash is not among `needed`, and what a crash left half written;
        returns how many. Nobody may keep files meanwhile."""
        removed = 0
        for path in self._all():
            if is_partial(path) or path.name.split(".", 1)[0] not in needed:
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _place(self, file: KeptFile) -> Path:
        suffix = Path(file.name).suffix.lower()
        suffix = suffix if suffix[1:].isalnum() and suffix.isascii() else ""
        suffix = suffix if len(suffix) <= _LONGEST_SUFFIX else ""
        return self._folder / file.sha256[:2] / f"{file.sha256}{suffix}"

    def _all(self) -> Iterator[Path]:
        for folder in self._folder.glob("??"):
            yield from (path for path in folder.iterdir() if path.is_file())


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None
