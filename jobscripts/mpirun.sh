#!/usr/bin/env bash
# Starts mpirun so that a training can be stopped. On Ctrl-C, a lost terminal (SIGHUP) or SIGTERM its ranks save and
# exit with status 75; mpirun itself would kill them a second later. A second Ctrl-C ends them at once. Slurm jobs use
# train.sbatch instead.
#
#   jobscripts/mpirun.sh [mpirun options] PROGRAM [arguments]
#   jobscripts/mpirun.sh -n 4 build/incubate train --config input/NAME.ini
#
# The options are those of Open MPI's mpirun in PATH. Standard input is empty. Under nohup the run survives a lost
# terminal.
set -u

if [ $# -eq 0 ] || [ "$1" = -h ] || [ "$1" = --help ]; then
  sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
  exit 0
fi

mpirun_id=
num_interrupts=0
# mpirun forwards USR1 to all ranks on every host.
stop() {
  [ -z "$mpirun_id" ] || kill -USR1 "$mpirun_id" 2>/dev/null
  echo "mpirun.sh: $1: the ranks are told to save and end. A second Ctrl-C ends them at once" >&2
}
interrupt() {
  num_interrupts=$((num_interrupts + 1))
  if [ "$num_interrupts" -eq 1 ]; then stop Ctrl-C; else kill -TERM "$mpirun_id" 2>/dev/null; fi
}
trap interrupt INT
for signal in HUP TERM USR1 USR2; do
  # shellcheck disable=SC2064 # expand the signal's name now
  trap "stop SIG$signal" "$signal"
done
trap '' PIPE  # the terminal may be lost

set -m  # mpirun gets its own process group, so that the terminal's signals reach only this script
mpirun "$@" </dev/null &
mpirun_id=$!
set +m
while kill -0 "$mpirun_id" 2>/dev/null; do wait "$mpirun_id"; done  # a trapped signal ends `wait`, not mpirun
wait "$mpirun_id"  # bash remembers the exit status
