#!/usr/bin/env bash
# Faults in the middle of a run, many of each kind (test_faults.py; every run of the tests has a few): kills, full and read-only
# disks, lost permissions, stopped ranks, damaged files, diverging trainings; and nodes and jobs that fail (slurm/).
# Prints how many there were. About 18 minutes on 2 cores. The disks and nodes need root.
#
#   tests/faults.sh [PYTEST OPTION ...]      sets up and builds first; with INCUBATE_BUILD=DIR set, takes the program from there
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
cd "$(dirname "$0")/.."

if [ -z "${INCUBATE_BUILD:-}" ]; then
  jobscripts/setup.sh --tests
  jobscripts/build.sh incubate damage
fi
status=0
INCUBATE_FAULTS=long .venv/bin/python -m pytest tests/test_faults.py tests/slurm -q "$@" || status=$?
[ "$status" -ne 4 ] || refuse "pytest does not know the options"
exit "$status"
