#!/usr/bin/env bash
# Checks the format of all C++, Python and shell files with the versions pinned in tests/requirements.txt.
#
#   tests/style.sh           exit status 1 and a list of differences if a file is not formatted as the tools do it
#   tests/style.sh --fix     formats C++ and Python files
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
cd "$(dirname "$0")/.."

mode=${1:-check}
case $mode in
  check) format=(--dry-run -Werror) ruff=(--check) ;;
  --fix) format=(-i) ruff=() ;;
  *) refuse "not known: $*" ;;
esac

status=0
git ls-files -z '*.h' '*.cpp' '*.cu' '*.inl' | xargs -0 .venv/bin/clang-format "${format[@]}" || status=1
.venv/bin/ruff format --quiet "${ruff[@]}" analysis tests || status=1
.venv/bin/ruff check --quiet analysis tests || status=1
git ls-files -z '*.sh' '*.sbatch' '*.bash' .ci/run | xargs -0 .venv/bin/shellcheck || status=1
[ "$status" -eq 0 ] && echo "style: every file is as the tools have it"
exit "$status"
