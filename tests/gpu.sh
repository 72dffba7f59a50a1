#!/usr/bin/env bash
# Runs everything that needs a GPU, from a bare checkout, on every visible GPU, one rank each. Without a GPU it says so
# and does nothing. Parts (default: all):
#
#   build       sets up and builds the program and its tests
#   unit        groups of ranks, reductions over NCCL, the choice of a device (mpi_tests)
#   parity      losses and gradient norms of the first steps of every training equal the CPU's
#   resume      the weights stay the same, bit for bit: run again, stopped and resumed in each phase, on several GPUs
#   benchmark   ViT-B, L and H in bf16 beside timm with and without torch.compile: speed, part of peak, memory
#   memory      the peak memory of a step of each training, beside the forecast of `incubate plan`
#   trace       the time of operators in a step: run.profile, and nsys if installed
#
# Each part prints its figures and ends with `gpu: PART: passed|failed|skipped (findings)`. Figures go to $OUT, by
# default runs/gpu/. Exit status nonzero if a part failed.
#
#   tests/gpu.sh [PART ...] [--limit-s SECONDS]                   limit for each part except build
#   tests/gpu.sh benchmark --networks vit_b --micro 256,512 --peers bf16-fused,compile-bf16-fused
#   INCUBATE_BUILD=DIR tests/gpu.sh ...                           uses the program in DIR: sets up and builds nothing
#   INCUBATE_PACKAGES=DIR tests/gpu.sh ...                        without network: Debian packages (gpu_parts/use_packages.sh)
#   tests/gpu.sh --device cpu --quick [PART ...]                  without a GPU: checks that these scripts work
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
cd "$(dirname "$0")/.."

all_parts=(build unit parity resume benchmark memory trace)
parts=()
options=()
device=cuda
while [ $# -gt 0 ]; do
  case $1 in
    --quick) options+=("$1") ;;
    --limit-s | --networks | --micro | --peers | --device)
      [ $# -ge 2 ] || refuse "$1 needs a value"
      options+=("$1" "$2")
      [ "$1" != --device ] || device=$2
      shift ;;
    *)
      [[ " ${all_parts[*]} " == *" $1 "* ]] || refuse "$1 is neither a part nor an option"
      parts+=("$1") ;;
  esac
  shift
done
[ ${#parts[@]} -gt 0 ] || parts=("${all_parts[@]}")

gpus=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU' || true)
if [ "$device" != cpu ] && [ "$gpus" -eq 0 ]; then
  for part in "${parts[@]}"; do echo "gpu: $part: skipped (nvidia-smi lists no GPU)"; done
  echo "gpu: no GPU on this machine: nothing was run"
  exit 0
fi

is_built_elsewhere=${INCUBATE_BUILD:+yes}
INCUBATE_BUILD=$(realpath -m "${INCUBATE_BUILD:-build}")
export INCUBATE_BUILD
python=.venv/bin/python
if [ -n "${INCUBATE_PACKAGES:-}" ]; then
  # shellcheck source=gpu_parts/use_packages.sh source-path=SCRIPTDIR
  . tests/gpu_parts/use_packages.sh
  root=$INCUBATE_BUILD-packages
  unpack_packages "$INCUBATE_PACKAGES" "$root"
  use_packages "$root"
  python=python3
fi

build() {
  [ -z "$is_built_elsewhere" ] || { echo "gpu: build: skipped (INCUBATE_BUILD is set)"; return 0; }
  local began=$SECONDS
  if [ -z "${INCUBATE_PACKAGES:-}" ]; then
    jobscripts/setup.sh --tests
  elif [ ! -e "$INCUBATE_BUILD/build.ninja" ]; then
    configure_with_packages "$root" "$INCUBATE_BUILD"
  fi
  jobscripts/build.sh incubate mpi_tests network_probe
  echo "gpu: build: passed ($((SECONDS - began)) s)"
}

others=()
for part in "${parts[@]}"; do
  if [ "$part" = build ]; then
    trap 'echo "gpu: build: failed (see above)"' EXIT
    build
    trap - EXIT
  else
    others+=("$part")
  fi
done
[ ${#others[@]} -gt 0 ] || exit 0
[ -x "$python" ] || python=python3
exec "$python" tests/gpu_parts/run_parts.py "${others[@]}" "${options[@]}"
