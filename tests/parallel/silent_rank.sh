#!/bin/bash
# A rank that stops is named, once, and the job ends soon with a failure. Usage: silent_rank.sh MPIRUN [OPTION...] PROGRAM
output=$(timeout 40 "$@" 2>&1)
status=$?
echo "$output"
echo "status $status after $SECONDS s"
fail() { echo "FAILED: $1"; exit 1; }
[ "$status" -ne 0 ] || fail "the job ended as if nothing had happened"
[ "$SECONDS" -le 20 ] || fail "the job took longer than 20 s to end"
expected='the second barrier did not complete within [0-9]+ s \(run.timeout_s=2\). Silent in a roll call: rank 1 on '
[ "$(echo "$output" | grep -cE "$expected")" -eq 1 ] || fail "not exactly one message that names rank 1"
! echo "$output" | grep -q "roll call ended" || fail "a rank that knows nothing more reported, too"
