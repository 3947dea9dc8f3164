#!/usr/bin/env bash
# Start the service.
#
#   start_service.sh                        development: 127.0.0.1:8000, one replica, in the foreground
#   start_service.sh --daemon               the same in the background; logs/service.log
#   start_service.sh -m production -w 4     0.0.0.0:8000, four ingress replicas; needs GSV_API_KEY
#
# Further options: --host, --port (see `gsv start --help`).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
make --no-print-directory install
exec .venv/bin/gsv start "$@"
