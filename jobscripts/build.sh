#!/usr/bin/env bash
# Configures and builds into build/ (or $INCUBATE_BUILD). Rebuilds only what changed. REQUIRES: jobscripts/setup.sh ran.
#
#   jobscripts/build.sh [TARGET ...]          default: everything, with the tests if there is GoogleTest
#   BUILD_JOBS=8 jobscripts/build.sh          a compile job takes about 2 GB of memory; default: as fit memory and cores
set -euo pipefail
# shellcheck source=usage.sh source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/usage.sh"
[[ " $*" != *" -"* ]] || refuse "options are not known: $*"
cd "$root"

jobs=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)  # without these variables, which nproc would report
by_memory=$(awk '/MemAvailable/ {print int($2 / 2500000)}' /proc/meminfo)
[ "$by_memory" -lt "$jobs" ] && jobs=$by_memory
[ "$jobs" -lt 1 ] && jobs=1

if [ ! -e "$build/build.ninja" ] || [ .venv -nt "$build/build.ninja" ]; then  # setup.sh installed something
  mkdir -p "$build"
  if ! cmake -S . -B "$build" -G Ninja >"$build/configure.log" 2>&1; then
    tail -n 30 "$build/configure.log" >&2
    exit 1
  fi
fi
ninja -C "$build" -j "${BUILD_JOBS:-$jobs}" "$@"
