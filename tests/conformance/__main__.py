"""Our numbers beside the original's.

    python -m tests.conformance models DIR             every golden file of a folder
    python -m tests.conformance slicer FILE…           slicing, exact
    python -m tests.conformance text FILE…             phones, sentence by sentence
    python -m tests.conformance mixed FILE…            text in several languages
    python -m tests.conformance cut FILE…              cutting of long text

Prints a line a case (or sentence that differs) and a count last; the exit status tells.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    # Each kind imports what it needs: the text cases want no torch.
    if options.command == "models":
        return _models(options.folder, options.only, options.threads)
    if options.command == "slicer":
        from tests.conformance import slicer_cases

        return slicer_cases.main(options.files)
    from tests.conformance import text_cases

    return text_cases.main(options.command, options.files)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.conformance",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    models = commands.add_parser("models", help="run the .npz, .pth and .ckpt files of a folder")
    models.add_argument("folder", type=Path)
    models.add_argument("--only", default="", help="run files whose name contains this")
    models.add_argument("--threads", type=int, default=0, help="torch threads; 0: torch's choice")
    for name in ("slicer", "text", "mixed", "cut"):
        commands.add_parser(name).add_argument("files", nargs="+", type=Path)
    return parser


def _models(folder: Path, only: str, threads: int) -> int:
    import torch

    from tests.conformance.runner import run_folder

    if not folder.is_dir():
        print(f"{folder} is not a folder.", file=sys.stderr)
        return 1
    if threads:
        torch.set_num_threads(threads)
    passed = failed = 0
    for report in run_folder(folder, only=only):
        print(report, flush=True)
        passed, failed = passed + report.passed, failed + (not report.passed)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
