#!/usr/bin/env bash
# How fast incubate trains beside PyTorch on this machine: see training_speed.py. Takes the program from build/ (or
# $INCUBATE_BUILD); sets up and builds nothing. The machine should do nothing else meanwhile.
#
#   tests/benchmark/run.sh             all of it (an hour or more on 2 cores)
#   tests/benchmark/run.sh --quick     whether it works, not how fast
#   tests/benchmark/run.sh --works small,shared --peers fp32,bf16-fused --repeats 5
set -euo pipefail
# shellcheck source=../../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../../jobscripts/usage.sh"
cd "$(dirname "$0")/../.."

INCUBATE_BUILD=$(realpath -m "${INCUBATE_BUILD:-build}")
export INCUBATE_BUILD
if [ ! -x .venv/bin/python ]; then
  echo "benchmark: .venv is missing, which has PyTorch and timm. Run jobscripts/setup.sh --tests." >&2
  exit 1
fi
for program in incubate tests/network_probe; do
  if [ ! -x "$INCUBATE_BUILD/$program" ]; then
    echo "benchmark: $INCUBATE_BUILD/$program is missing. Run jobscripts/build.sh, or set INCUBATE_BUILD." >&2
    exit 1
  fi
done
exec .venv/bin/python tests/benchmark/training_speed.py "$@"
