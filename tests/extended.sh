#!/usr/bin/env bash
# Runs the checks that take too long for every change: the types of all Python files (mypy), clang-tidy on src/ if it is installed, the C++
# tests without CUDA and CPU kernels, set-up and build by an ordinary user and in a container, a set like ImageNet's, the long forms of
# fault, sanitizer and fuzz tests. Needs a build by tests/run.sh; takes hours. Exit status 0 only if all passed.
#
#   tests/extended.sh                  all of them
#   tests/extended.sh types tidy ...   some: types, tidy, plain, user, container, imagenet, faults, sanitize, fuzz
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
cd "$(dirname "$0")/.."

check() {
  case $1 in
    types) .venv/bin/python -m mypy --config-file tests/pyproject.toml tests analysis ;;
    tidy)
      if ! command -v clang-tidy >/dev/null; then
        echo "extended.sh: tidy left out, clang-tidy is not installed"
        return
      fi
      git ls-files 'src/*.cpp' | xargs -n 1 -P "$(nproc)" clang-tidy -p "${INCUBATE_BUILD:-build}" --quiet
      ;;
    plain) tests/plain.sh ;;
    user | container) tests/bare_debian.sh "$1" ;;
    imagenet) INCUBATE_BUILD=${INCUBATE_BUILD:-build} tests/imagenet_like.sh ;;
    faults) tests/faults.sh ;;
    sanitize) tests/sanitize.sh ;;
    fuzz) tests/fuzz.sh ;;
    *) refuse "not known: $1" ;;
  esac
}

[ $# -gt 0 ] || set -- types tidy plain user container imagenet faults sanitize fuzz
status=0
for name in "$@"; do
  check "$name" || { echo "extended.sh: $name failed"; status=1; }
done
exit "$status"
