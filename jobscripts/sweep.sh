#!/usr/bin/env bash
# Submits a run for each combination of settings, as one job array. A setting that is given several times is varied.
#
#   jobscripts/sweep.sh [--sbatch-option=value ...] input/NAME.ini [--section.key=value ...]
#   jobscripts/sweep.sh --nodes=1 input/NAME.ini --run.seed={0..2} --finetuning.learning_rate={1e-4,2e-4,4e-4}
#   jobscripts/sweep.sh input/NAME.ini --run.parent=runs/NAME --finetuning.learning_rate={1e-4,2e-4}
#
# The shell makes --run.seed=0 --run.seed=1 --run.seed=2 of the braces. Six runs are then in runs/NAME-sweep (or in
# --run.directory), named by what is varied: runs/NAME-sweep/run.seed=0,finetuning.learning_rate=1e-4. A second call goes on
# with what is not done. With --run.parent trainings that the parent has with the same settings are not run again.
# `python analysis/compare.py runs/NAME-sweep/*/` compares the runs. Without Slurm the commands are printed instead.
set -euo pipefail
# shellcheck source=usage.sh source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/usage.sh"

options=()
while [[ "${1:-}" == -* ]]; do
  options+=("$1")
  shift
done
[ $# -ge 1 ] || refuse "no input file. Use: jobscripts/sweep.sh [--sbatch-option=value ...] input/NAME.ini [--section.key=value ...]"
input=$1
shift
[[ "$*" != *--run.directory=*--run.directory=* ]] || refuse "--run.directory is given twice"

keys=()             # in their order
declare -A values=()  # of each, one a line
for argument in "$@"; do
  [[ $argument == --*.*=* && $argument != *$'\n'* ]] || refuse "not --section.key=value: $argument"
  key=${argument%%=*}
  [ -n "${values[$key]:-}" ] || keys+=("$key")
  values[$key]+=${argument#*=}$'\n'
done

name=$(basename "$input" .ini)
base=${values[--run.directory]:-runs/$name-sweep}
base=${base%$'\n'}

names=("")   # of the combinations
common=()    # settings that are the same in all
varied=("")  # the other settings of each combination, one a line
for key in "${keys[@]}"; do
  [ "$key" != --run.directory ] || continue
  mapfile -t list <<<"${values[$key]%$'\n'}"
  if [ ${#list[@]} -eq 1 ]; then
    common+=("$key=${list[0]}")
    continue
  fi
  longer_names=() longer=()
  for i in "${!names[@]}"; do
    for value in "${list[@]}"; do
      longer_names+=("${names[$i]:+${names[$i]},}${key#--}=${value//\//_}")
      longer+=("${varied[$i]}$key=$value"$'\n')
    done
  done
  names=("${longer_names[@]}") varied=("${longer[@]}")
done
[ ${#names[@]} -gt 1 ] || refuse "no setting is given more than once, as --run.seed={0..2} gives three"
twice=$(printf '%s\n' "${names[@]}" | sort | uniq -d)
[ -z "$twice" ] || refuse "twice the same: $twice"

# Each submission has its own files: tasks of an earlier one may still wait to read theirs.
mkdir -p "$base"
files=$(mktemp -d "$base/.sweep.XXXXXX")
for i in "${!names[@]}"; do
  mapfile -t settings <<<"${varied[$i]%$'\n'}"
  "$build/incubate" train --config "$input" "${common[@]}" "${settings[@]}" "--run.directory=$base/${names[$i]}" --print-config \
    >"$files/$i.ini" || {
    status=$?
    rm -r "$files"
    exit "$status"
  }
done

if command -v sbatch >/dev/null; then
  # shellcheck disable=SC2016 # train.sbatch replaces the variable by the task's number
  id=$(sbatch --parsable --job-name="${name//,/_}.sweep" "--array=0-$((${#names[@]} - 1))" "${options[@]}" "$root/jobscripts/train.sbatch" \
    "$files/"'$SLURM_ARRAY_TASK_ID.ini')
fi
for i in "${!names[@]}"; do
  if [ -n "${id:-}" ]; then echo "${id%%;*}_$i $base/${names[$i]}"; else echo "$build/incubate train $files/$i.ini"; fi
done
