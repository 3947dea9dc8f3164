"""What steps 1 to 4 make of real speech: how much of it is kept, in which clips, with which text.

    python -m benchmarks.clip_quality FOLDER[=THRESHOLD]… [--denoise on|off|both]

FOLDER holds utterances of one speaker and `metadata.jsonl` or `transcripts.list`; THRESHOLD is
the slicer's, "auto" for quiet recordings. They go through the steps twice: each with its
transcript, where they have to stay whole, and joined to long recordings, which are sliced and
recognised. Exit status 1 when less than 97 % of the speech is kept, a clip is over the limit,
or one with a transcript was cut.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.speech.corpus import Recording, Utterance, join, read_corpus, spread
from benchmarks.speech.prepared import Findings, examine, prepare
from ray_pipeline.core.options import SliceAudioOptions
from ray_pipeline.steps.slice_audio import MAX_SECONDS_WITH_TEXT
from ray_pipeline.transcripts.list_file import ListRow, write_list

PROMISED_SHARE = 0.97
DENOISE = {"on": [True], "off": [False], "both": [True, False]}
COLUMNS = (
    "speech",
    "uploaded as",
    "denoised",
    "speech, s",
    "kept",
    "kept (2nd detector)",
    "still heard",
    "clips",
    "longest, s",
    "whole",
    "WER or CER",
)

Params = dict[str, dict[str, Any]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="+", metavar="FOLDER[=THRESHOLD]")
    parser.add_argument("--minutes", type=float, default=5, help="of a long recording, at most")
    parser.add_argument("--clips", type=int, default=10_000, help="of each folder, at most")
    parser.add_argument("--denoise", choices=DENOISE, default="on")
    parser.add_argument("--only", choices=("given", "long"), help="one of the two ways")
    options = parser.parse_args()
    sources = [_source(argument) for argument in options.folders]
    print(_line(COLUMNS), _line(["---"] * len(COLUMNS)), sep="\n")
    broken = []
    with tempfile.TemporaryDirectory() as temporary, cluster():
        work = Path(temporary)
        for folder, threshold in sources:
            utterances = spread(read_corpus(folder), options.clips)
            for denoised in DENOISE[options.denoise]:
                params: Params = {
                    "slice_audio": {"threshold": threshold},
                    "denoise_audio": {"enabled": denoised},
                }
                row = (folder.name, denoised)
                if options.only != "long":
                    given = with_transcripts(utterances, params, work)
                    broken += _report(given, "files with transcripts", *row, MAX_SECONDS_WITH_TEXT)
                    if given.whole < len(utterances):
                        broken.append(f"{folder.name}: a file with a transcript was cut")
                if options.only != "given":
                    long = in_long_recordings(utterances, params, work, options.minutes * 60)
                    limit = SliceAudioOptions().max_seconds
                    broken += _report(long, "long recordings", *row, limit)
    if broken:
        sys.exit("\n".join(broken))


def _source(argument: str) -> tuple[Path, str | float]:
    name, _, threshold = argument.partition("=")
    return Path(name).resolve(), "auto" if threshold == "auto" else float(threshold or -34)


@contextmanager
def cluster() -> Iterator[None]:
    import ray

    # Never the cluster of a service that happens to run here.
    ray.init("local", include_dashboard=False, log_to_driver=False, logging_level="error")
    yield
    ray.shutdown()


def with_transcripts(utterances: Sequence[Utterance], params: Params, work: Path) -> Findings:
    """Every utterance as a file of its own, with a `.list` that says what is said in it."""
    rows = [ListRow(one.path.name, one.speaker, one.language, one.text) for one in utterances]
    transcripts = work / "given.list"
    write_list(transcripts, rows)
    uploads = [*(one.path for one in utterances), transcripts]
    recordings = [Recording(one.path, one.text) for one in utterances]
    return _prepared(recordings, uploads, utterances[0].language, params, work)


def in_long_recordings(
    utterances: Sequence[Utterance], params: Params, work: Path, max_seconds: float
) -> Findings:
    """The utterances one after the other with pauses, and nothing said about the text."""
    recordings = join(utterances, work, max_seconds=max_seconds)
    uploads = [one.path for one in recordings]
    return _prepared(recordings, uploads, utterances[0].language, params, work)


def _prepared(
    recordings: Sequence[Recording],
    uploads: Sequence[Path],
    language: str,
    params: Params,
    work: Path,
) -> Findings:
    with tempfile.TemporaryDirectory(dir=work) as task:
        clips = prepare(Path(task), uploads, language, params, models_dir=work / "models")
        return examine(recordings, language, clips)


def _report(
    found: Findings, uploaded_as: str, corpus: str, denoised: bool, limit: float
) -> list[str]:
    """Print a row; what of the promises it breaks."""
    longest = max(clip.seconds for clip in found.clips)
    text = "given" if found.errors is None else f"{found.errors.rate:.1%}"
    row = (
        corpus,
        uploaded_as,
        "yes" if denoised else "no",
        f"{found.speech_seconds:.0f}",
        f"{found.kept:.2%}",
        f"{found.kept_by_other:.2%}",
        f"{found.audible:.1%}",
        len(found.clips),
        f"{longest:.1f}",
        found.whole,
        text,
    )
    print(_line(row), flush=True)
    broken = []
    if min(found.kept, found.kept_by_other) < PROMISED_SHARE:
        broken.append(f"{corpus}, {uploaded_as}: less than {PROMISED_SHARE:.0%} is kept")
    if longest > limit:
        broken.append(f"{corpus}, {uploaded_as}: a clip lasts {longest:.1f} s, over {limit:g} s")
    return broken


def _line(cells: Sequence[object]) -> str:
    return f"| {' | '.join(str(cell) for cell in cells)} |"


if __name__ == "__main__":
    main()
