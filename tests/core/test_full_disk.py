"""Whatever library writes: a disk without room is said to be full, and nothing else is touched.

As root the disk is a real one of 1 MB, mounted where only a process of the test sees it. For
everybody the unfinished file is the kernel's device without room, `/dev/full`.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import save_file

from ray_pipeline.core.errors import StepFailed, StorageFull
from ray_pipeline.core.workspace import atomic_path, atomic_write

_SIZE = 2_000_000


def by_soundfile(path: Path) -> None:
    soundfile.write(path, np.zeros(_SIZE, np.int16), 32_000, format="WAV")


def by_torch(path: Path) -> None:
    torch.save({"x": torch.zeros(_SIZE)}, path)


def by_torch_into_an_open_file(path: Path) -> None:
    with path.open("wb") as file:
        torch.save({"x": torch.zeros(_SIZE)}, file)


def by_safetensors(path: Path) -> None:
    save_file({"x": torch.zeros(_SIZE)}, path)


def by_python(path: Path) -> None:
    path.write_bytes(bytes(_SIZE))


WRITERS: list[Callable[[Path], None]] = [
    by_soundfile,
    by_torch,
    by_torch_into_an_open_file,
    by_safetensors,
    by_python,
]


@pytest.mark.parametrize("write", WRITERS[:3] + WRITERS[4:])
def test_a_device_without_room_is_a_full_disk(
    write: Callable[[Path], None], tmp_path: Path
) -> None:
    target = tmp_path / "voice.wav"
    target.write_text("as it was")
    with pytest.raises(StorageFull), atomic_path(target) as partial:
        partial.symlink_to("/dev/full")
        write(partial)
    assert [path.name for path in tmp_path.iterdir()] == ["voice.wav"]
    assert target.read_text() == "as it was"


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs the right to mount a small disk")
def test_a_disk_of_one_megabyte_is_full_for_every_library(tmp_path: Path) -> None:
    program = "import sys; from tests.core.test_full_disk import fill; fill(sys.argv[1])"
    mounted = (
        f"mount -t tmpfs -o size=1m tmpfs {tmp_path} && exec '{sys.executable}' -c '{program}'"
    )
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", f"{mounted} {tmp_path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [write.__name__ for write in WRITERS]


def fill(folder: str) -> None:
    """Runs where `folder` is the small disk: each library fails, and the one file stays."""
    kept = Path(folder) / "kept.txt"
    atomic_write(kept, "as it was")
    for write in WRITERS:
        with pytest.raises(StorageFull), atomic_path(kept) as partial:
            write(partial)
        assert [path.name for path in kept.parent.iterdir()] == ["kept.txt"]
        assert kept.read_text() == "as it was"
        print(write.__name__)


def test_another_error_stays_what_it_was(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), atomic_path(tmp_path / "a"):
        raise ZeroDivisionError
    with pytest.raises(StepFailed), atomic_path(tmp_path / "a"):
        raise StepFailed("It is silent.")
    assert list(tmp_path.iterdir()) == []
