"""How fast both trainings are: our steps beside the original's, and our epochs with their data.

    python -m benchmarks.train_throughput [--checkout PATH] [--only NAME] [--rounds 5]

PATH is a checkout of RVC-Boss/GPT-SoVITS, as for `benchmarks.compare_with_original`. With it the
losses of the GPT's first twenty steps are compared (`parity`), then steps on the same batch are
timed in turn (`sovits training`, `gpt training`). With or without it two epochs of a SoVITS
training of version v2 run on made-up clips, with everything that a task's training does (`epochs`):
their metrics say what waits for data. OMP_NUM_THREADS says how many threads both sides have. Exit
status 1: losses differ by more than a thousandth.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    options = _parse()
    import torch

    load = os.getloadavg()[0]
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, load {load:.1f}")
    failed = 0
    if options.checkout is not None:
        from benchmarks.compare import original, parity

        original.open_checkout(options.checkout)
        if options.only in ("", "parity"):
            found = parity.check_parity()
            print(found, flush=True)
            failed += not found.passed
            if options.keep is not None:
                kept = {"gpt": list(found.theirs)}
                options.keep.write_text(json.dumps(kept) + "\n", "utf-8")
        for line in _steps(options.rounds, options.only):
            print(line, flush=True)
    if options.only in ("", "epochs"):
        for line in _epochs():
            print(line, flush=True)
    return 1 if failed else 0


def _steps(rounds: int, only: str) -> Iterator[str]:
    import torch

    from benchmarks.compare import speed, training_pairs

    for device in ["cpu", "cuda"] if torch.cuda.is_available() else ["cpu"]:
        for make in training_pairs.makers(device):
            if only in make.name:
                yield speed.timed_line(f"{device} {make.name}", make.build(), rounds, device)


def _epochs() -> Iterator[str]:
    from benchmarks.compare import epochs

    with tempfile.TemporaryDirectory() as folder:
        yield from epochs.timed_epochs(Path(folder))


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkout", type=Path, help="a clone of GPT-SoVITS")
    parser.add_argument("--rounds", type=int, default=5, help="times that each pair is timed")
    parser.add_argument("--keep", type=Path, help="where to write the original's losses")
    parser.add_argument(
        "--only", default="", help="parity, epochs, or a part of the name of what is timed"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
