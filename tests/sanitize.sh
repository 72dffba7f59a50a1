#!/usr/bin/env bash
# Runs the tests with AddressSanitizer, LeakSanitizer and UndefinedBehaviorSanitizer from nothing: sets up, builds into
# build-sanitize/, runs. Ends with counts. Exit status 0 only if all tests passed and the sanitizers found nothing.
#
#   tests/sanitize.sh          all C++ tests, and the black-box tests that handle files
#   tests/sanitize.sh short    only core_tests, as tests/run.sh does
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
mode=${1:-long}
[[ $# -le 1 && $mode =~ ^(long|short)$ ]] || refuse "not known: $*"
cd "$(dirname "$0")/.."

export INCUBATE_PRESET=sanitize INCUBATE_BUILD=$PWD/build-sanitize
findings=$INCUBATE_BUILD/findings
logs=$INCUBATE_BUILD/logs
rm -rf "$findings" "$logs"
mkdir -p "$findings" "$logs"

jobscripts/setup.sh --tests
targets=(core_tests finding)
[ "$mode" = short ] || targets=()
jobscripts/build.sh "${targets[@]}"

# Each finding becomes a file, whatever a test does with the program's status and output.
to_file="log_path='$findings/finding'"
more_checks=detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1
# protect_shadow_gap=0: with a GPU, CUDA maps memory there.
export ASAN_OPTIONS="$to_file:$more_checks:protect_shadow_gap=0"
export UBSAN_OPTIONS="$to_file:print_stacktrace=1"
export LSAN_OPTIONS="suppressions='$PWD/tests/sanitizer/leaks.txt':print_suppressions=0"
count_findings() { find "$findings" -type f | wc -l; }

# Checks the sanitizers themselves: they must find each of these mistakes.
mistakes=(beyond-the-end overflow no-integer leak)
for mistake in "${mistakes[@]}"; do
  "$INCUBATE_BUILD/tests/finding" "$mistake" && { echo "sanitize: '$mistake' was not found" >&2; exit 1; }
done
if [ "$(count_findings)" -ne ${#mistakes[@]} ]; then
  echo "sanitize: $(count_findings) findings of ${mistakes[*]}" >&2
  exit 1
fi
rm -f "$findings"/*

# Tests that kill, resume, stop, export, import, inspect, damage files, or give bad input.
black_box=(tests/{commands/test_{export_import,inspect},config/test_refusals,run/test_{faults,resume,stop}}.py)
status=0
"$INCUBATE_BUILD/tests/core_tests" --gtest_brief=1 2>&1 | tee "$logs/core_tests" || status=1
if [ "$mode" = long ]; then
  ctest --test-dir "$INCUBATE_BUILD" -LE core --output-on-failure --no-tests=error 2>&1 | tee "$logs/ctest" || status=1
  .venv/bin/python -m pytest "${black_box[@]}" -q 2>&1 | tee "$logs/pytest" || status=1
fi

find "$findings" -type f -exec cat {} +
echo
echo "with sanitizers, in short:"
grep -hE "PASSED|FAILED|tests (passed|failed)|Total Test time" "$logs/core_tests" "$logs/ctest" 2>/dev/null || true
[ "$mode" = short ] || tail -n 1 "$logs/pytest"
echo "findings of the sanitizers: $(count_findings)"
[ "$status" -eq 0 ] && [ "$(count_findings)" -eq 0 ]
