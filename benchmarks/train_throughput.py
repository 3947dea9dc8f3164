"""How fast both trainings are: our steps beside the original's, and our epochs with their data.

    python -m benchmarks.train_throughput [--checkout PATH] [--only NAME] [--rounds 5]

PATH is a checkout of RVC-Boss/GPT-SoVITS, as for `benchmarks.compare_with_original`. With it the
losses of the first twenty steps of both trainings are compared (`parity`), steps on the same batch
are timed in turn (`sovits training`, `gpt training`), so are whole epochs beside those with the
original's loader (`epochs`), and a table says where a SoVITS step's time goes (`roofline`, with one
thread). With or without it two epochs of a SoVITS training of version v2 run on made-up clips, with
everything that a task's training does (`epochs`): their metrics say what waits for data.
OMP_NUM_THREADS says how many threads both sides have. Exit status 1: losses differ by more than a
thousandth.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.compare.parity import Parity


def main() -> int:
    options = _parse()
    import torch

    load = os.getloadavg()[0]
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, load {load:.1f}")
    failed = 0
    if options.checkout is not None:
        from benchmarks.compare import original

        original.open_checkout(options.checkout)
        if options.only in ("", "parity"):
            kept = {}
            for found in _parities():
                print(found, flush=True)
                failed += not found.passed
                kept[found.name] = list(found.theirs)
            if options.keep is not None:
                options.keep.write_text(json.dumps(kept) + "\n", "utf-8")
        for line in _steps(options.rounds, options.only):
            print(line, flush=True)
    for line in _wholes(options):
        print(line, flush=True)
    return 1 if failed else 0


def _parities() -> Iterator[Parity]:
    from benchmarks.compare import parity, sovits_parity

    yield parity.check_gpt_parity()
    for version in ("v2", "v2Pro"):
        yield sovits_parity.check_sovits_parity(sovits_parity.small(version))


def _steps(rounds: int, only: str) -> Iterator[str]:
    import torch

    from benchmarks.compare import speed, training_pairs

    for device in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
        for make in training_pairs.makers(device):
            if only in make.name:
                yield speed.timed_line(f"{device} {make.name}", make.build(), rounds, device)


def _wholes(options: argparse.Namespace) -> Iterator[str]:
    """What is more than a step."""
    from benchmarks.compare import epochs, epochs_beside, roofline

    if options.only in ("", "epochs"):
        if options.checkout is not None:
            yield from epochs_beside.epochs_beside(options.checkout, options.rounds)
        with tempfile.TemporaryDirectory() as folder:
            yield from epochs.timed_epochs(Path(folder))
    if options.only in ("", "roofline") and options.checkout is not None:
        yield from roofline.roofline(rounds=options.rounds)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, help="a clone of GPT-SoVITS")
    parser.add_argument("--rounds", type=int, default=5, help="times that each pair is timed")
    parser.add_argument("--keep", type=Path, help="where to write the original's losses")
    parser.add_argument(
        "--only",
        default="",
        help="parity, epochs, roofline, or a part of the name of a step",
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
