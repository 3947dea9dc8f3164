"""`python -m tests.conformance models DIR`: run every golden file of a folder.

Prints a line a case and `N passed, M failed` last; the exit status is 1 when a case failed.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import torch

from tests.conformance.runner import run_folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    models = commands.add_parser("models", help="run the .npz, .pth and .ckpt files of a folder")
    models.add_argument("folder", type=Path)
    models.add_argument("--only", default="", help="run files whose name contains this")
    models.add_argument("--threads", type=int, default=0, help="torch threads; 0: torch's choice")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    reports = []
    for report in run_folder(options.folder, only=options.only):
        print(report, flush=True)
        reports.append(report)
    failed = sum(not report.passed for report in reports)
    print(f"{len(reports) - failed} passed, {failed} failed")
    return 1 if failed or not reports else 0


if __name__ == "__main__":
    sys.exit(main())
