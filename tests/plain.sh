#!/usr/bin/env bash
# The C++ tests that use LibTorch, in a build without CUDA and without our CPU kernels, from nothing: sets up, builds into build-plain/,
# runs. Exit status 0 only if all passed.
#
#   tests/plain.sh [JUNIT_FILE]     also writes the results there
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
[[ $# -le 1 && "$*" != -* ]] || refuse "not known: $*"
cd "$(dirname "$0")/.."

export INCUBATE_PRESET=plain INCUBATE_BUILD=$PWD/build-plain
jobscripts/setup.sh --tests
# Not the same build as the sanitizers' (tests/sanitize.sh short): that has the kernels, whose loops over pointers need it most. Nothing in
# core_tests depends on the two options, so they are not built once more.
jobscripts/build.sh incubate torch_tests mpi_tests
ctest --test-dir "$INCUBATE_BUILD" -R '^(torch_tests|mpi_tests_.*|plain_.*)$' -j "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" \
  --output-on-failure --no-tests=error --test-output-size-passed 1000000 ${1:+--output-junit "$1"}
