# shellcheck shell=bash
# Scripts source this file first: with --help or -h among its arguments, the script prints its head and ends. $root is
# the repository, $build the folder of the program: scripts stay in the folder where the user is, whose paths they get.
# Ninja may come from the virtual environment.
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
for argument in "$@"; do
  if [[ $argument =~ ^(-h|--help)$ ]]; then
    sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$0"
    exit 0
  fi
done

# What this site needs (see README.md): modules, account, launcher, container.
if [ -e "$root/jobscripts/site.sh" ]; then
  set +u  # functions of environment modules have unset variables
  # shellcheck source=/dev/null
  . "$root/jobscripts/site.sh"
  set -u
fi
# shellcheck disable=SC2034 # for the scripts
build=$(cd "$root" && realpath -m "${INCUBATE_BUILD:-build}")
PATH=$PATH:$root/.venv/bin

# refuse WORDS: reports arguments that the script does not know, and ends it with status 2.
refuse() {
  echo "${0##*/}: $*. See ${0##*/} --help" >&2
  exit 2
}
