#!/usr/bin/env bash
# Submits an experiment as jobs that depend on each other. Each is a jobscripts/train.sbatch with one training: the meta
# model, an array with a task per stage, finetuning, and the controls beside them. A second call submits what is not
# done.
#
#   jobscripts/pipeline.sh [--sbatch-option=value ...] input/NAME.ini [--section.key=value ...]
#   STAGE_OPTIONS="--nodes=1" jobscripts/pipeline.sh --nodes=4 --time=12:00:00 input/imagenet-vit-l.ini --recipe.micro=64
#
# Arithmetic: K stages at the same time on nodes / K nodes each (STAGE_OPTIONS: sbatch options of the array) use as many
# nodes as the other jobs. Prints a line per job: its id and its training. If a job fails, jobs that depend on it are
# cancelled.
set -euo pipefail
# shellcheck source=usage.sh source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/usage.sh"

fail() {
  echo "pipeline.sh: $*" >&2
  exit 1
}

options=()
while [[ "${1:-}" == -* ]]; do
  options+=("$1")
  shift
done
[ $# -ge 1 ] || refuse "no input file. Use: jobscripts/pipeline.sh [--sbatch-option=value ...] input/NAME.ini [--section.key=value ...]"
arguments=("$@")
program=$build/incubate

status=$("$program" status --config "${arguments[@]}")
directory=$(sed -n 's/^directory //p' <<<"$status")
name=$(basename "$(realpath -m "$directory")")
name=${name//,/_}  # squeue takes a list of names
list=$(sed -n 's/^training //p' <<<"$status")  # a training, whether it is done, and its parents a line, parents first
mapfile -t trainings < <(cut -d ' ' -f 1 <<<"$list")

names=$(printf '%s,' "${trainings[@]/#/$name.}" "$name.stages")
queued=$(squeue --noheader --me --name="${names%,}" --format=%i | xargs)
[ -z "$queued" ] || fail "jobs of $directory are in the queue: $queued. Wait for their end or scancel them, then submit again"

declare -A job_of=()  # what is submitted, to its id; of each stage that of their array
# submit NAME "PARENT ..." [sbatch option ...]: after those parents that are submitted, too.
submit() {
  local training=$1 extra=("${@:3}") parent jobs id
  jobs=$(for parent in $2; do echo "${job_of[$parent]:-}"; done | sort -u | xargs | tr ' ' :)
  [ -z "$jobs" ] || extra+=("--dependency=afterok:$jobs" --kill-on-invalid-dep=yes)
  local setting=("--run.only=$training")
  # shellcheck disable=SC2016 # train.sbatch replaces the variable by the task's number
  [ "$training" = stages ] && setting=('--run.only=stage_$SLURM_ARRAY_TASK_ID')
  id=$(sbatch --parsable --job-name="$name.$training" "${options[@]}" "${extra[@]}" "$root/jobscripts/train.sbatch" \
    "${arguments[@]}" "${setting[@]}")
  job_of[$training]=${id%%;*}  # --parsable may append the cluster's name
}

undone_stages=$(sed -n 's/^stage_\([0-9]*\) undone.*/\1/p' <<<"$list" | paste -sd ,)

while read -r -u 3 training state parents; do
  if [ "$state" = "done" ]; then
    echo "$training is done"
  elif [[ $training == stage_* ]]; then
    # shellcheck disable=SC2086 # options are words
    [ -n "${job_of[stages]:-}" ] || submit stages "$parents" "--array=$undone_stages" ${STAGE_OPTIONS:-}
    job_of[$training]=${job_of[stages]}
    echo "${job_of[stages]}_${training#stage_} $training"
  else
    submit "$training" "$parents"
    echo "${job_of[$training]} $training"
  fi
done 3<<<"$list"
