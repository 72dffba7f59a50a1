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
# Options after the first are those of mpirun or of the program.
# shellcheck source=usage.sh source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/usage.sh" "${1:---help}"

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

# If a node vanishes, mpirun waits for TCP to give up, a quarter of an hour, although the ranks have ended. So mpirun is
# ended when this node has no ranks left and ranks elsewhere have had time to save.
end_without_ranks() {
  command -v ps >/dev/null || return
  local patience_s=$((${OMPI_MCA_odls_base_sigkill_timeout:-1} + 10)) have_been=no alone_s=0
  while sleep 1; do
    # shellcheck disable=SC2009 # pgrep cannot leave out names
    if ps --ppid "$mpirun_id" -o comm= | grep -qvxE 'srun|ssh|rsh|orted'; then  # others are ranks
      have_been=yes alone_s=0
    elif [ "$have_been" = yes ] && [ $((alone_s += 1)) -ge "$patience_s" ]; then
      echo "mpirun.sh: the ranks of this node ended $patience_s s ago, and mpirun has not: a node does not answer" >&2
      kill -KILL "$mpirun_id"
      return
    fi
  done
}
end_without_ranks &
watch_id=$!
while kill -0 "$mpirun_id" 2>/dev/null; do wait "$mpirun_id"; done  # a trapped signal ends `wait`, not mpirun
kill "$watch_id" 2>/dev/null
wait "$mpirun_id"  # bash remembers the exit status
