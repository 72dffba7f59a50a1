#!/usr/bin/env bash
# All tests, from nothing: sets up, checks the format, builds, then core_tests with sanitizers, the C++ tests without CUDA and CPU kernels,
# ctest (C++) and pytest (the program as its user sees it, analysis). Ends with the closing lines of the last two, after what was skipped,
# and why, and what took longest: from the JUnit files build/test-results/*.xml. Exit status 0 only if all passed.
#
#   tests/run.sh
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
[ $# -eq 0 ] || refuse "not known: $*"
cd "$(dirname "$0")/.."

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
jobscripts/setup.sh --tests
style_status=0
tests/style.sh || style_status=$?
export INCUBATE_BUILD=${INCUBATE_BUILD:-$PWD/build}
jobscripts/build.sh
INCUBATE_BUILD=$(realpath "$INCUBATE_BUILD")

sanitize_status=0
plain_status=0
ctest_status=0
pytest_status=0
results=$INCUBATE_BUILD/test-results
rm -rf "$results"
tests/sanitize.sh short || sanitize_status=$?
tests/plain.sh "$results/plain.xml" || plain_status=$?
ctest --test-dir "$INCUBATE_BUILD" -j "$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)" --output-on-failure --no-tests=error \
  --output-junit "$results/ctest.xml" --test-output-size-passed 1000000 2>&1 | tee "$logs/ctest" || ctest_status=$?
.venv/bin/python -m pytest tests -q -n 2 --dist loadfile --junitxml="$results/pytest.xml" 2>&1 | tee "$logs/pytest" || pytest_status=$?

echo
.venv/bin/python tests/summarise.py "$results"/*.xml || echo "run.sh: see why these were skipped; a machine without the rights cannot run them"
echo
[ "$style_status" -eq 0 ] || echo "tests/style.sh failed: see above"
[ "$plain_status" -eq 0 ] || echo "tests/plain.sh failed: see above"
[ "$sanitize_status" -eq 0 ] || echo "tests/sanitize.sh short failed: see above"
echo "ctest and pytest in short:"
grep -E "tests (passed|failed)|Total Test time" "$logs/ctest" || true
tail -n 1 "$logs/pytest"
[ "$style_status" -eq 0 ] && [ "$sanitize_status" -eq 0 ] && [ "$plain_status" -eq 0 ] && [ "$ctest_status" -eq 0 ] && [ "$pytest_status" -eq 0 ]
