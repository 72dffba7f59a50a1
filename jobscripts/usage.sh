# shellcheck shell=bash
# Sourced by scripts before they do anything: with --help or -h among its arguments a script prints its head, and ends.
for argument in "$@"; do
  if [[ $argument =~ ^(-h|--help)$ ]]; then
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
  fi
done

# refuse WORDS: ends the script, for arguments that it does not know.
refuse() {
  echo "${0##*/}: $*. See ${0##*/} --help" >&2
  exit 2
}
