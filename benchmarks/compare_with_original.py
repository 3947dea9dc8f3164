"""Our models beside the original's: files it can read, and how fast each side is.

    python -m benchmarks.compare_with_original --checkout PATH [--only NAME] [--rounds 5]

PATH is a checkout of RVC-Boss/GPT-SoVITS (not part of this project; it also wants the packages
einops, torchmetrics and pytorch-lightning). First every version is exported by us with
deterministic weights, loaded by the original's classes and spoken by both, and training checkpoints
are gone on with by the other side. Then pairs are timed in turn, ours and theirs, round
by round, and the median of the rounds' ratios is printed with the lowest and the highest.
OMP_NUM_THREADS says how many threads both have. Exit status 1: an export or a checkpoint failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    options = _parse()
    # Read when tqdm is first imported: the original draws a progress bar for every token.
    os.environ["TQDM_DISABLE"] = "1"
    import torch

    from benchmarks.compare import checkpoints, interchange, original, sovits_checkpoints

    original.open_checkout(options.checkout)
    failed = 0
    checks = {
        "exports": interchange.check_exports,
        "checkpoints": checkpoints.check_checkpoints,
        "sovits checkpoints": sovits_checkpoints.check_sovits_checkpoints,
    }
    for name, check in checks.items():
        if options.only not in ("", name):
            continue
        with tempfile.TemporaryDirectory() as folder:
            for finding in check(Path(folder)):
                print(finding, flush=True)
                failed += not finding.passed
    load = os.getloadavg()[0]
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, load {load:.1f}")
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    for device in devices:
        for line in _compare_speed(device, options.rounds, options.only):
            print(line, flush=True)
    return 1 if failed else 0


def _compare_speed(device: str, rounds: int, only: str) -> Iterator[str]:
    """One line for each pair whose name contains `only`."""
    from benchmarks.compare import decoding_pairs, speed, training_pairs

    if device == "cpu" and only in "agreement":
        yield from decoding_pairs.agreements()
    for make in (*decoding_pairs.makers(device), *training_pairs.makers(device)):
        if only in make.name:
            yield speed.timed_line(f"{device} {make.name}", make.build(), rounds, device)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, required=True, help="a clone of GPT-SoVITS")
    parser.add_argument("--rounds", type=int, default=5, help="times that each pair is timed")
    parser.add_argument(
        "--only", default="", help="exports, checkpoints, or a part of the name of what is timed"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
