"""What is kept, made anew, set aside and removed; with an executor of the test's own process."""

import errno
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ray_pipeline.clips.engine import FinishedWork, set_aside_warnings, work_through
from ray_pipeline.clips.work import Clip, ClipFunction, ClipResult, Made, WorkItem, attempt
from ray_pipeline.core.errors import BackendMissing, BadModelFile, StepFailed, StorageFull
from ray_pipeline.core.manifest import Manifest
from ray_pipeline.core.resources import WorkerPlan
from ray_pipeline.core.step_names import StepName
from tests.steps.audio_task import AudioTask

STEP = StepName.DENOISE_AUDIO


@dataclass
class Here:
    """An executor without a cluster; `seen` are the clips that it was given."""

    function: ClipFunction
    plan: WorkerPlan = field(default_factory=lambda: WorkerPlan(2, 0.5))
    seen: list[str] = field(default_factory=list)

    def results(self, clips: Sequence[Clip], name: str) -> Generator[ClipResult]:
        for clip in clips:
            self.seen.append(clip.name)
            yield attempt(self.function, clip)


@dataclass
class Work:
    """A step whose function writes a file a clip, into a folder of its own."""

    task: AudioTask
    errors: dict[str, Exception] = field(default_factory=dict)

    def run(self, *names: str, key: str = "k", force: bool = False) -> tuple[FinishedWork, Here]:
        executor = Here(self._one)
        items = [WorkItem(Clip(name), f"{key} {name}") for name in names]
        work = work_through(
            self.task.context(STEP),
            items,
            executor,
            manifest=Manifest(STEP),
            folders=[self.task.workspace.denoised],
            force=force,
        )
        return work, executor

    def _one(self, clip: Clip) -> list[Made]:
        if clip.name in self.errors:
            raise self.errors[clip.name]
        folder = self.task.workspace.denoised
        folder.mkdir(exist_ok=True)
        # As the slicer does: a recording of this name gives two clips.
        names = [f"{clip.name}-1", f"{clip.name}-2"] if clip.name == "two" else [clip.name]
        for name in names:
            (folder / name).touch()
        return [Made(name, {"source": clip.name}, [folder / name]) for name in names]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(AudioTask.in_folder(tmp_path))


def test_only_what_changed_or_lost_its_file_is_made_again(work: Work) -> None:
    work.run("a", "b", "two")
    assert work.run("a", "b", "two")[1].seen == []
    (work.task.workspace.denoised / "two-2").unlink()
    again, executor = work.run("a", "b", "two")
    assert executor.seen == ["two"]
    assert (again.num_reused, again.num_workers) == (2, 1)
    assert sorted(again.manifest.clips) == ["a", "b", "two-1", "two-2"]
    assert work.run("a", key="other")[1].seen == ["a"]
    assert work.run("a", key="other", force=True)[1].seen == ["a"]


def test_files_of_clips_that_are_gone_are_removed(work: Work) -> None:
    work.run("a", "two")
    work.run("a")
    assert work.task.files("denoised") == ["a"]
    assert list(work.task.manifest(STEP).clips) == ["a"]


def test_a_clip_that_fails_is_set_aside_with_its_name_and_stays_so(work: Work) -> None:
    work.errors = {"b": StepFailed("It is silent.", hint="Exclude it.", reason="silent")}
    first, _ = work.run("a", "b", "c")
    entry = first.manifest.clips["b"]
    assert (entry.status, entry.key, entry.facts) == ("set_aside", "k b", {"reason": "silent"})
    assert set_aside_warnings(first.manifest) == ["b: It is silent. Exclude it."]
    assert work.task.progress.warnings == [("b", "b: It is silent. Exclude it.")]
    again, executor = work.run("a", "b", "c")
    assert executor.seen == []
    assert set_aside_warnings(again.manifest) == set_aside_warnings(first.manifest)


def test_what_nobody_expected_is_set_aside_and_tried_again(work: Work) -> None:
    work.errors = {"b": ZeroDivisionError("by zero")}
    first, _ = work.run("a", "b")
    assert "ZeroDivisionError" in first.manifest.clips["b"].reason
    work.errors.clear()
    again, executor = work.run("a", "b")
    assert executor.seen == ["b"]
    assert again.manifest.clips["b"].status == "ok"


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (BackendMissing("The dictionary is not installed."), BackendMissing),
        (BadModelFile("The file is cut off."), BadModelFile),
        (OSError(errno.ENOSPC, "No space left on device"), StorageFull),
    ],
)
def test_what_no_clip_is_to_blame_for_ends_the_step(
    work: Work, error: Exception, kind: type[Exception]
) -> None:
    work.errors = {"b": error}
    with pytest.raises(kind) as caught:
        work.run("a", "b", "c")
    assert caught.value.step == STEP.value  # type: ignore[attr-defined]


def test_progress_counts_what_was_kept(work: Work) -> None:
    work.run("a", "b")
    work.run("a", "b", "c")
    assert work.task.progress.advances[-2:] == [
        (2, 3, "2 unchanged since the last run"),
        (3, 3, "c"),
    ]
