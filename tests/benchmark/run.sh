#!/usr/bin/env bash
# Compares incubate's training speed with PyTorch's on this machine: see training_speed.py. Uses the program in build/
# (or $INCUBATE_BUILD); sets up and builds nothing. The machine should do nothing else meanwhile.
#
#   tests/benchmark/run.sh             everything (an hour or more on 2 cores)
#   tests/benchmark/run.sh --quick     checks that it works, not how fast
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
