#!/usr/bin/env bash
# Installs everything that the build, the runs, analysis/ and the tests need. Ends within a second if nothing is
# missing. As root on Debian or Ubuntu it uses apt; without root it lists what is missing and how to load it.
# The virtual environment .venv takes 5 GB: LibTorch, its CUDA 13 libraries and the CUDA compiler.
#
#   jobscripts/setup.sh
#   jobscripts/setup.sh --tests               as root with apt: also Slurm, networks and Chromium, or tests are skipped
#   PYTHON=python3.12 jobscripts/setup.sh     another Python (3.10 or newer) for the virtual environment
set -euo pipefail
# shellcheck source=usage.sh source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/usage.sh"
[[ $# -eq 0 || "$*" == --tests ]] || refuse "not known: $*"
cd "$root"

# Need | how to find it | Debian package | usual name of an environment module
needs=(
  "C++20 compiler|command:g++|g++|gcc"
  "CMake 3.25|command:cmake|cmake|cmake"
  "Ninja|command:ninja|ninja-build|ninja"
  "git|command:git|git|git"
  "Open MPI|command:mpirun|openmpi-bin|openmpi"
  "Open MPI headers|command:mpicxx|libopenmpi-dev|openmpi"
  "HDF5|header:hdf5.h|libhdf5-dev|hdf5"
  "Boost.Program_options|header:boost/program_options.hpp|libboost-program-options-dev|boost"
  "zlib|header:zlib.h|zlib1g-dev|zlib"
  "libjpeg-turbo|header:jpeglib.h|libjpeg-dev|libjpeg-turbo"
  "libpng|header:png.h|libpng-dev|libpng"
  "fmt|header:fmt/core.h|libfmt-dev|fmt"
  "spdlog|header:spdlog/spdlog.h|libspdlog-dev|spdlog"
  "nlohmann-json|header:nlohmann/json.hpp|nlohmann-json3-dev|nlohmann-json"
  "xxHash|header:xxhash.h|libxxhash-dev|xxhash"
  "GoogleTest|header:gtest/gtest.h|libgtest-dev|googletest"
  "Python with venv|python:ensurepip|python3-venv|python"
)

# Without these, tests are skipped.
if [ "${1:-}" = --tests ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
  needs+=("Slurm|command:slurmctld|slurm-wlm|slurm" "MUNGE|command:munged|munge|munge" "ip|command:ip|iproute2|iproute2"
          "nsenter|command:nsenter|util-linux|util-linux" "mount|command:mount|mount|util-linux" "pgrep|command:pgrep|procps|procps")
  # Ubuntu has only a snap of Chromium.
  grep -qx ID=debian /etc/os-release && needs+=("Chromium|command:chromium-headless-shell|chromium-headless-shell|chromium")
fi

PYTHON=${PYTHON:-python3}

# is_met NEED: succeeds if a need of the form command:NAME, header:NAME or python:MODULE is met.
is_met() {
  local kind=${1%%:*} name=${1#*:}
  case $kind in
    command) command -v "$name" >/dev/null ;;
    python) command -v "$PYTHON" >/dev/null && "$PYTHON" -c "import $name" 2>/dev/null ;;
    header)
      local dir
      for dir in /usr/include /usr/include/hdf5/serial /usr/local/include ${CPATH:+${CPATH//:/ }} \
                 ${CPLUS_INCLUDE_PATH:+${CPLUS_INCLUDE_PATH//:/ }} ${CMAKE_PREFIX_PATH:+${CMAKE_PREFIX_PATH//[:;]/\/include }/include}; do
        [ -e "$dir/$name" ] && return 0
      done
      return 1 ;;
  esac
}

install_system_packages() {
  local missing=() packages=() modules=() need what probe package module
  for need in "${needs[@]}"; do
    IFS='|' read -r what probe package module <<<"$need"
    is_met "$probe" && continue
    missing+=("$what")
    packages+=("$package")
    modules+=("$module")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  local list
  list=$(printf '%s, ' "${missing[@]}")
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "setup: missing: ${list%, }" >&2
    echo "setup: on a cluster: module load $(printf '%s\n' "${modules[@]}" | sort -u | tr '\n' ' ')(names differ; see 'module avail')" >&2
    echo "setup: on Debian or Ubuntu, as root: apt-get install ${packages[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${list%, } (apt)"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

make_virtual_environment() {
  local stamp=.venv/requirements.stamp
  cmp -s jobscripts/requirements.txt "$stamp" && return 0
  echo "setup: making the virtual environment .venv (LibTorch, CUDA 13 compiler and libraries: 3 GB to download)"
  [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-cache-dir -r jobscripts/requirements.txt
  # The packages have lib/libcudart.so.13 and so on. CMake looks for libcudart.so, nvcc for a folder lib64.
  local toolkit library
  for toolkit in .venv/lib/python3*/site-packages/nvidia/cu13; do
    [ -e "$toolkit/lib64" ] || ln -s lib "$toolkit/lib64"
  done
  for library in .venv/lib/python3*/site-packages/nvidia/cu13/lib/lib*.so.*; do
    [ -e "${library%%.so.*}.so" ] || ln -s "$(basename "$library")" "${library%%.so.*}.so"
  done
  cp jobscripts/requirements.txt "$stamp"
}

install_system_packages
make_virtual_environment
echo "setup: everything is there"
