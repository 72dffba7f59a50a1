#!/usr/bin/env bash
# Injects many faults of each kind into runs (run/test_faults.py; the other tests make a few): kills, full and read-only
# disks, lost permissions, stopped ranks, damaged files, diverging trainings, failing nodes and jobs (jobscripts/slurm/).
# Prints their numbers. Takes about 18 minutes on 2 cores. Disks and nodes need root.
#
#   tests/faults.sh [PYTEST OPTION ...]      sets up and builds first, or uses the program in $INCUBATE_BUILD if set
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
cd "$(dirname "$0")/.."

if [ -z "${INCUBATE_BUILD:-}" ]; then
  jobscripts/setup.sh --tests
  jobscripts/build.sh incubate
fi
status=0
INCUBATE_FAULTS=long .venv/bin/python -m pytest tests/run/test_faults.py tests/jobscripts/slurm -q "$@" || status=$?
[ "$status" -ne 4 ] || refuse "pytest does not know the options"
exit "$status"
