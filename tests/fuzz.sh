#!/usr/bin/env bash
# Feeds hostile input to everything that reads files or arguments. Sets up, builds the targets of tests/fuzz with
# clang's libFuzzer, AddressSanitizer and UBSan into build-fuzz/ (10 minutes), and runs two at a time. Ends with a
# table. Crashing inputs are in build-fuzz/findings/. Exit status 0 only if there are none.
#
#   tests/fuzz.sh                              10 minutes a target
#   tests/fuzz.sh SECONDS [TARGET ...]         such as: tests/fuzz.sh 60 config lock
#   build-fuzz/tests/fuzz/config_fuzz FILE     runs one input again
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
cd "$(dirname "$0")/.."
seconds=${1:-600}
[[ $seconds =~ ^[0-9]+$ ]] || refuse "$seconds is no number of seconds"
targets=("${@:2}")
for target in "${targets[@]}"; do
  [ -e "tests/fuzz/${target}_fuzz.cpp" ] || refuse "$target is no target: there is no tests/fuzz/${target}_fuzz.cpp"
done
[ ${#targets[@]} -gt 0 ] || for source in tests/fuzz/*_fuzz.cpp; do targets+=("$(basename "$source" _fuzz.cpp)"); done

can_fuzz() {
  echo 'extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) { return 0; }' |
    clang++ -fsanitize=fuzzer,address,undefined -x c++ - -o /dev/null 2>/dev/null
}

jobscripts/setup.sh --tests
if ! can_fuzz; then
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "fuzz: clang++ with libFuzzer is missing. On Debian or Ubuntu, as root: apt-get install clang" >&2
    exit 1
  fi
  echo "fuzz: installing clang (apt)"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  packages=(clang)
  apt-cache show libclang-rt-dev >/dev/null 2>&1 && packages+=(libclang-rt-dev) # if clang does not include it
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  can_fuzz || { echo "fuzz: clang++ cannot build for libFuzzer" >&2; exit 1; }
fi

build='build-fuzz'
[ -e $build/build.ninja ] || cmake -S . -B $build -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DINCUBATE_FUZZ=ON -DINCUBATE_UNITY=OFF >/dev/null
INCUBATE_BUILD=$build jobscripts/build.sh "${targets[@]/%/_fuzz}"

# Inputs that a run finds stay in build-fuzz/corpus, where the next run begins.
run_target() {
  local target=$1 seconds=$2 build=$3 begin=$SECONDS status=0
  local log=$build/$target.log
  mkdir -p "$build/corpus/$target"
  nice "$build/tests/fuzz/${target}_fuzz" -max_total_time="$seconds" -timeout=20 -max_len=2048 -len_control=0 -malloc_limit_mb=512 \
    -rss_limit_mb=3072 -print_final_stats=1 -artifact_prefix="$build/findings/$target-" \
    "$build/corpus/$target" "tests/fuzz/corpus/$target" >"$log" 2>&1 || status=$?
  local executions coverage
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  coverage=$(grep -oE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n 1 | tr -dc '0-9 ')
  # shellcheck disable=SC2086  # splits into two numbers
  printf '%-14s %10s %9s %9s %8d  %s\n' "$target" "${executions:-?}" ${coverage:-? ?} $((SECONDS - begin)) \
    "$([ "$status" -eq 0 ] && echo none || echo "see $log")" >>"$build/table"
  [ "$status" -eq 0 ]
}
export -f run_target

rm -rf $build/findings $build/table
mkdir -p $build/findings
# Temporary files of the targets are in memory.
[ -w /dev/shm ] && export TMPDIR=/dev/shm
export OMP_NUM_THREADS=1
status=0
printf '%s\0' "${targets[@]}" | xargs -0 -P 2 -I{} bash -c 'run_target "$@"' _ {} "$seconds" $build || status=1

echo
printf '%-14s %10s %9s %9s %8s  %s\n' target executions coverage features seconds findings
sort $build/table
[ "$status" -eq 0 ]
