"""Our models beside the original's: files it can read, and how fast each side is.

    python -m benchmarks.compare_with_original --checkout PATH [--only NAME] [--rounds 5]

PATH is a checkout of RVC-Boss/GPT-SoVITS (not part of this project; it also wants the packages
einops and torchmetrics). First every version is exported by us with deterministic
weights, loaded by the original's classes and spoken by both. Then pairs are timed in turn, ours and
theirs, round by round, and the median of the rounds' ratios is printed with the lowest
and the highest. OMP_NUM_THREADS says how many threads both have. Exit status 1: an export failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path


def main() -> int:
    options = _parse()
    # Read when tqdm is first imported: the original draws a progress bar for every token.
    os.environ["TQDM_DISABLE"] = "1"
    import torch

    from benchmarks.compare import interchange, original, speed

    original.open_checkout(options.checkout)
    failed = 0
    if not options.only or options.only == "exports":
        with tempfile.TemporaryDirectory() as folder:
            for finding in interchange.check_exports(Path(folder)):
                print(finding, flush=True)
                failed += not finding.passed
    load = os.getloadavg()[0]
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, load {load:.1f}")
    devices = ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]
    for device in devices:
        for line in speed.compare(device, options.rounds, options.only):
            print(line, flush=True)
    return 1 if failed else 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, required=True, help="a clone of GPT-SoVITS")
    parser.add_argument("--rounds", type=int, default=5, help="times that each pair is timed")
    parser.add_argument(
        "--only", default="", help="exports, or a part of the name of what is timed"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
