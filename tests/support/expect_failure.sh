#!/bin/bash
# Passes if the command fails and says so in the stated words. Usage: expect_failure.sh WORDS COMMAND [ARGUMENT...]
words=$1
shift
output=$("$@" 2>&1) && { echo "$output"; echo "FAILED: the command passed"; exit 1; }
echo "$output"
grep -qF "$words" <<<"$output" || { echo "FAILED: the output lacks '$words'"; exit 1; }
