#!/usr/bin/env bash
# Installs what the build, the runs and analysis/ need. Ends within a second if nothing is missing. As root on Debian or
# Ubuntu it uses apt. Elsewhere it takes from PyPI what PyPI has, and lists the rest with the modules to load.
# The virtual environment .venv takes 5 GB: LibTorch, its CUDA 13 libraries and the CUDA compiler.
#
#   jobscripts/setup.sh
#   jobscripts/setup.sh --tests               also what the tests need; as root with apt Slurm, networks and Chromium, too
#   PYTHON=python3.12 jobscripts/setup.sh     another Python (3.10 or newer) for the virtual environment
#   HDF5_ROOT=DIR BOOST_ROOT=DIR CMAKE_PREFIX_PATH=DIR:DIR jobscripts/setup.sh     libraries elsewhere; also for build.sh
set -euo pipefail
# shellcheck source=usage.sh source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/usage.sh"
[[ $# -eq 0 || "$*" == --tests ]] || refuse "not known: $*"
cd "$root"

PYTHON=${PYTHON:-python3}
can_use_apt() { [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; }

# Need | oldest version | how to find it | Debian package | usual name of an environment module | PyPI package
needs=(
  "C++ compiler|12|command:${CXX:-c++}|g++|gcc|"
  "CMake|3.25|command:cmake|cmake|cmake|"
  "Open MPI|4.1|openmpi:mpirun|openmpi-bin|openmpi|"
  "Open MPI headers||command:mpicxx|libopenmpi-dev|openmpi|"
  "HDF5|1.10|header:H5public.h:H5_VERS_MAJOR.H5_VERS_MINOR.H5_VERS_RELEASE|libhdf5-dev|hdf5|"
  "Python with venv|3.10|python:ensurepip|python3-venv|python|"
  "git||command:git|git|git|"
  "zlib||header:zlib.h|zlib1g-dev|zlib|"
  "libjpeg-turbo||header:jpeglib.h|libjpeg-dev|libjpeg-turbo|"
  "libpng||header:png.h|libpng-dev|libpng|"
  "Ninja||command:ninja|ninja-build|ninja|ninja"
  "Boost.Program_options||header:boost/program_options.hpp|libboost-program-options-dev|boost|cmeel-boost"
  "nlohmann-json||header:nlohmann/json.hpp|nlohmann-json3-dev|nlohmann-json|nlohmann-json"
  "xxHash||header:xxhash.h|libxxhash-dev|xxhash|xxhash"
)
parts=(jobscripts analysis)  # folders whose requirements.txt is installed
if [ "${1:-}" = --tests ]; then
  parts+=(tests)
  needs+=("GoogleTest||header:gtest/gtest.h|libgtest-dev|googletest|")
  # Without these, tests are skipped.
  if can_use_apt; then
    needs+=("Slurm||command:slurmctld|slurm-wlm|slurm|" "MUNGE||command:munged|munge|munge|" "ip||command:ip|iproute2|iproute2|"
            "nsenter||command:nsenter|util-linux|util-linux|" "mount||command:mount|mount|util-linux|" "pgrep||command:pgrep|procps|procps|")
    # Ubuntu has only a snap of Chromium.
    grep -qx ID=debian /etc/os-release && needs+=("Chromium||command:chromium-headless-shell|chromium-headless-shell|chromium|")
  fi
fi

# Sets `includes`: options by which the compiler finds the headers that CMake will find.
look_for_headers() {
  local prefixes=(.venv .venv/lib/python3*/site-packages/{cmeel.prefix,nlohmann_json}) prefix variable wrapper
  for variable in HDF5_ROOT BOOST_ROOT Boost_ROOT ZLIB_ROOT JPEG_ROOT PNG_ROOT CMAKE_PREFIX_PATH; do
    IFS=':;' read -r -a found <<<"${!variable:-}"
    prefixes=("${found[@]}" "${prefixes[@]}")
  done
  for wrapper in h5cc h5pcc; do
    wrapper=$(command -v "$wrapper") && prefixes+=("${wrapper%/bin/*}")
  done
  includes=()
  for prefix in "${prefixes[@]}"; do includes+=("-I$prefix/include"); done
  for prefix in $(mpicxx --showme:incdirs 2>/dev/null); do includes+=("-I$prefix"); done  # for a parallel HDF5
  includes+=(-I/usr/include/hdf5/serial)
}

# find_version PROBE OLDEST: fails if what command:NAME, openmpi:NAME, python:MODULE or header:NAME[:VERSION] means is not
# there, else prints its version (a header's: VERSION, preprocessed) if there is an oldest one.
find_version() {
  local kind name expression
  IFS=: read -r kind name expression <<<"$1"
  case $kind in
    command)
      command -v "$name" >/dev/null || return 1
      [ -z "$2" ] || "$name" --version 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+' | sed -n 1p ;;
    openmpi) command -v "$name" >/dev/null && "$name" --version 2>/dev/null | sed -n 's/.*(Open MPI) //p' | grep . ;;
    python) "$PYTHON" -c "import $name, platform; print(platform.python_version())" 2>/dev/null ;;
    header) printf '#include <%s>\n%s\n' "$name" "$expression" | "${CXX:-c++}" -E -P -x c++ "${includes[@]}" - 2>/dev/null | tail -n 1 | tr -d ' ' ;;
  esac
}

is_at_least() { [ -z "$2" ] || printf '%s\n' "$2" "$1" | sort -V -C; }

# Sets missing, packages, modules, from_pypi (one entry a need that is not met) and versions.
check_needs() {
  missing=() packages=() modules=() from_pypi=() versions=()
  look_for_headers
  local need what oldest probe package module pypi version
  for need in "${needs[@]}"; do
    IFS='|' read -r what oldest probe package module pypi <<<"$need"
    if version=$(find_version "$probe" "$oldest"); then
      [ -z "$oldest" ] || versions+=("$what $version (needed: $oldest)")
      is_at_least "$version" "$oldest" && continue
      what="$what $oldest (found: $version)"
    fi
    if [ -n "$pypi" ] && ! can_use_apt; then
      from_pypi+=("$pypi")
      continue
    fi
    missing+=("$what")
    packages+=("$package")
    modules+=("$module")
  done
}

# list WORDS ...: with commas
list() { printf '%s, ' "$@" | sed 's/, $//'; }

install_system_packages() {
  [ ${#missing[@]} -eq 0 ] && return 0
  if ! can_use_apt; then
    echo "setup: missing: $(list "${missing[@]}")" >&2
    echo "setup: on a cluster: module load $(printf '%s\n' "${modules[@]}" | sort -u | tr '\n' ' ')(names differ; see 'module avail')" >&2
    echo "setup: on Debian or Ubuntu, as root: apt-get install ${packages[*]}" >&2
    echo "setup: in other folders: set CMAKE_PREFIX_PATH, HDF5_ROOT or BOOST_ROOT" >&2
    exit 1
  fi
  echo "setup: installing $(list "${missing[@]}") (apt)"
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
}

pip() { .venv/bin/python -m pip "$1" --quiet --disable-pip-version-check --no-cache-dir "${@:2}"; }

# PyPI's xxhash has its header in the source only.
add_xxhash_header() {
  local folder
  folder=$(mktemp -d)
  pip download --no-deps --no-binary xxhash --dest "$folder" xxhash==3.5.0
  tar -xzf "$folder"/xxhash-*.tar.gz -C "$folder"
  cp "$folder"/xxhash-*/deps/xxhash/xxhash.h .venv/include/
  rm -r "$folder"
}

make_virtual_environment() {
  local part changed=() install=("${from_pypi[@]}")
  for part in "${parts[@]}"; do
    install+=(-r "$part/requirements.txt")
    cmp -s "$part/requirements.txt" ".venv/$part.stamp" || changed+=("$part")
  done
  [ $((${#changed[@]} + ${#from_pypi[@]})) -eq 0 ] && return 0
  echo "setup: making the virtual environment .venv (LibTorch, CUDA 13 compiler and libraries: 3 GB to download)"
  [ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
  pip install "${install[@]}"
  [[ " ${from_pypi[*]} " != *" xxhash "* ]] || add_xxhash_header
  # The packages have lib/libcudart.so.13 and so on. CMake looks for libcudart.so, nvcc for a folder lib64.
  local toolkit library
  for toolkit in .venv/lib/python3*/site-packages/nvidia/cu13; do
    [ -e "$toolkit/lib64" ] || ln -s lib "$toolkit/lib64"
  done
  for library in .venv/lib/python3*/site-packages/nvidia/cu13/lib/lib*.so.*; do
    [ -e "${library%%.so.*}.so" ] || ln -s "$(basename "$library")" "${library%%.so.*}.so"
  done
  for part in "${changed[@]}"; do cp "$part/requirements.txt" ".venv/$part.stamp"; done
  touch .venv  # build.sh configures anew
}

check_needs
install_system_packages
[ ${#missing[@]} -eq 0 ] || check_needs
[ ${#missing[@]} -eq 0 ] || { echo "setup: apt has no $(list "${missing[@]}")" >&2; exit 1; }
echo "setup: found $(list "${versions[@]}")"
make_virtual_environment
echo "setup: everything is there. Go on with jobscripts/build.sh${1:+ and tests/run.sh}, then jobscripts/README.md"
