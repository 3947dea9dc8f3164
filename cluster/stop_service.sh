#!/usr/bin/env bash
# Stop the service that was started with --daemon from this folder.
#
#   stop_service.sh              let requests in flight finish, at most 60 s
#   stop_service.sh -f           at once; running steps are taken up again at the next start
#   stop_service.sh --cleanup    afterwards remove logs/ and run/ (never tasks or models)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
make --no-print-directory install
exec .venv/bin/gsv stop "$@"
