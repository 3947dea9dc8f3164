"""Going on with a training that was begun elsewhere: in GPT-SoVITS, or in another task.

Its checkpoints lie in the experiment folder, where the original keeps them. Ours are links there
into the run's own folder, so files that are none were copied in by the user. A new run takes them
over as `adopted_<epochs done>`, and counts from there.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from ray_pipeline.core.errors import InvalidInput
from ray_pipeline.core.trainings import link_or_copy
from ray_pipeline.training.checkpoints import ADOPTED
from ray_pipeline.training.settings import TrainingSettings


def copied_checkpoint(settings: TrainingSettings) -> tuple[Path, ...]:
    """The files of the newest whole checkpoint that was copied in, one for each pattern of the
    family; none of a family that cannot go on from such."""
    if not settings.adopts_checkpoints:
        return ()
    groups: dict[tuple[int, ...], list[Path]] = {}
    for pattern in settings.checkpoint_patterns:
        for path in settings.checkpoint_links.glob(pattern):
            if path.is_file() and not path.is_symlink():
                groups.setdefault(_numbers(path), []).append(path)
    whole = [
        group for group in groups.items() if len(group[1]) == len(settings.checkpoint_patterns)
    ]
    return tuple(max(whole)[1]) if whole else ()


def adopt(settings: TrainingSettings, files: Sequence[Path], run_folder: Path) -> int:
    """Put them where the workers of a new run find them; returns how many epochs were done.

    Raises BadModelFile for damaged files, InvalidInput when no epoch would be left."""
    epoch = settings.epoch_of(files)
    if epoch >= settings.epochs:
        raise InvalidInput(
            f"The checkpoint {files[0].name} in {settings.relative(files[0].parent)} has "
            f"{epoch} epochs behind it, and {settings.epochs} are asked for.",
            hint="Ask for more epochs, or run the step with force to train anew.",
            field="params.epochs",
        )
    folder = run_folder / f"{ADOPTED}{epoch:05d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in files:
        link_or_copy(path, folder / path.name)
    return epoch


def _numbers(path: Path) -> tuple[int, ...]:
    """`G_80.pth` and `D_80.pth` belong together, `epoch=9-step=20.ckpt` comes after all of 8."""
    return tuple(int(number) for number in re.findall(r"\d+", path.stem))
