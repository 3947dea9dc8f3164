import io
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from typer.testing import CliRunner, Result

from ray_pipeline.quality.diagnosis import diagnose
from ray_pipeline.quality.report import LeftOut
from ray_pipeline.quality.verdicts import advise, judge_clips, troubles_of
from serve_app import cli
from serve_app.report_page import print_report
from tests.serve_app.speech_task import CLIPS, write_clips


def gsv(url: str, *arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["--url", url, *arguments], env={"COLUMNS": "160"})


def test_the_report_is_a_page_with_grade_and_reasons(url: str, task: str) -> None:
    gsv(url, "transcripts", "edit", task, CLIPS[2], "--exclude")
    gsv(url, "transcripts", "edit", task, CLIPS[1], "--text", "yes")
    page = gsv(url, "report", task)
    assert page.exit_code == 0, page.output
    said = " ".join(page.output.split())
    assert said.startswith("a voice Grade D: 1 of 2 used clips are good")
    assert "What to do • 1 clip whose text does not fit the length" in said
    assert f"bad {CLIPS[1]}" in said
    assert f"{CLIPS[2]} user It is not included." in said


def test_a_clip_is_downloaded_with_its_picture(url: str, task: str, tmp_path: Path) -> None:
    done = gsv(url, "clip", task, CLIPS[2], "--to", str(tmp_path / "to"), "--picture")
    assert done.exit_code == 0, done.output
    assert {path.suffix for path in (tmp_path / "to").iterdir()} == {".wav", ".png"}


def test_texts_are_listed_shown_and_edited(url: str, task: str) -> None:
    assert all(name in gsv(url, "transcripts", "list", task).output for name in CLIPS)
    shown = gsv(url, "transcripts", "show", task, CLIPS[2]).output
    assert "talk.wav, 0.00–" in shown
    etag = shown.split("etag")[1].strip()
    edit = ("transcripts", "edit", task, CLIPS[2], "--etag", etag)
    edited = gsv(url, *edit, "--text", "[red]你好", "-l", "zh")
    assert edited.exit_code == 0, edited.output
    assert "[red]你好" in edited.output
    conflict = gsv(url, *edit, "--include")
    assert conflict.exit_code == 1
    assert "have changed since they were read" in str(conflict.exception)
    assert "nothing to change" in str(gsv(url, *edit).exception)


def test_a_list_is_saved_corrected_and_loaded(url: str, task: str, tmp_path: Path) -> None:
    path = tmp_path / "me.list"
    assert gsv(url, "transcripts", "save", task, str(path)).exit_code == 0
    path.write_text(path.read_text("utf-8").replace("aaa", "b", 1) + "x.wav|me|EN|y\n", "utf-8")
    loaded = gsv(url, "transcripts", "load", task, str(path))
    assert "1 of 3 clips were changed." in loaded.output
    assert "x.wav is no clip of this task." in loaded.output


def test_the_worst_clips_come_first_and_good_ones_only_when_asked_for(
    tmp_path: Path, task_id: str
) -> None:
    report = diagnose(write_clips(tmp_path, task_id), [])
    good, noisy, doubtful = report.clips
    noisy = replace(noisy, measures=replace(noisy.measures, snr_db=3.0))
    clips = judge_clips([good, replace(doubtful, confidence=0.4), noisy])
    recordings = [LeftOut("a [1].mp3", "convert_audio", "a [1].mp3 is silent.")]
    report = replace(report, clips=clips, advice=advise(troubles_of(clips)), recordings=recordings)

    def page(**options: bool) -> str:
        console = Console(file=io.StringIO(), width=100)
        print_report(console, "[x]", report, **options)
        return " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]

    short = page()
    assert short.index("• 1 clip noisy") < short.index(noisy.clip) < short.index(doubtful.clip)
    assert "a [1].mp3 is silent." in short
    assert good.clip not in short
    assert good.clip in page(everything=True)
