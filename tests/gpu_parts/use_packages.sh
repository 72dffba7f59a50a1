# shellcheck shell=bash
# Sourced by tests/gpu.sh: unpacks the packages of download_packages.sh into a folder of the build, and makes compiler,
# linker, CMake and Open MPI look there. The machine needs a compiler, CMake, ninja, nvcc (CUDA 13) and a python3 with
# PyTorch 2.11, its CUDA libraries and NCCL from pip.
#
# Programs prefer the machine's own libraries; packages only provide those that the machine lacks.

# unpack_packages FOLDER ROOT
unpack_packages() {
  local package link target
  [ -e "$2/unpacked" ] && return 0
  rm -rf "${2:?}"
  mkdir -p "$2/missing"
  for package in "$1"/*.deb; do dpkg -x "$package" "$2"; done
  if [ -d "$2/lib" ]; then  # some of Debian 12's packages have their libraries here: /lib is a link to /usr/lib
    cp -a "$2/lib/." "$2/usr/lib/"
    rm -r "${2:?}/lib"
  fi
  find "$2" -type l -lname '/*' | while read -r link; do  # absolute links, into the machine
    target=$(readlink "$link")
    ln -sfn "$2/usr/${target#/usr/}" "$link"
    [ -e "$link" ] || ln -sfn "$2/usr${target}" "$link"
  done
  rm -f "$2"/usr/bin/h5*  # they name /usr, and CMake would ask them
  ln -sfn mpirun.openmpi "$2/usr/bin/mpirun"
  local library name known
  known=$(ldconfig -p | awk '{print $1}')
  for library in "$2"/usr/lib/x86_64-linux-gnu/*.so.*; do
    name=$(basename "$library")
    grep -qxF "$name" <<<"$known" || ln -sfn "$library" "$2/missing/$name"
  done
  # Open MPI's plugins for networks whose libraries this machine lacks.
  for library in "$2"/usr/lib/x86_64-linux-gnu/openmpi/lib/openmpi3/*.so; do
    if [[ $(LD_LIBRARY_PATH="$2/missing" ldd "$library") == *"not found"* ]]; then rm "$library"; fi
  done
  touch "$2/unpacked"
}

# use_packages ROOT: sets the environment, for building and for running
use_packages() {
  export PATH="$1/usr/bin:$PATH"
  export CPATH="$1/usr/include:$1/usr/include/x86_64-linux-gnu${CPATH:+:$CPATH}"
  export LD_LIBRARY_PATH="$1/missing${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
  export OPAL_PREFIX="$1/usr" OPAL_SYSCONFDIR="$1/etc/openmpi" # Open MPI's, else /usr and /etc/openmpi
}

# configure_with_packages ROOT BUILD
configure_with_packages() {
  local site nvcc toolkit library
  site=$(python3 -c 'import pathlib, torch; print(pathlib.Path(torch.__file__).parents[1])')
  for nvcc in "$(command -v nvcc || true)" /usr/local/cuda/bin/nvcc "$site/nvidia/cu13/bin/nvcc"; do
    [ -x "$nvcc" ] && break
  done
  toolkit=$(dirname "$(dirname "$(readlink -f "$nvcc")")")
  # pip's CUDA libraries only have names with versions.
  mkdir -p "$1/cuda"
  for library in "$site"/nvidia/cu13/lib/lib*.so.*; do
    [ ! -e "$library" ] || ln -sfn "$library" "$1/cuda/$(basename "${library%%.so.*}").so"
  done
  [ -e "$toolkit/include/cublas_v2.h" ] || export CPATH="$CPATH:$site/nvidia/cu13/include"
  mkdir -p "$2"
  if ! CUDACXX="$nvcc" cmake -S . -B "$2" -G Ninja -DCMAKE_PREFIX_PATH="$1/usr" \
    -DCMAKE_INCLUDE_PATH="$1/usr/include;$1/usr/include/x86_64-linux-gnu" \
    -DCMAKE_LIBRARY_PATH="$1/usr/lib/x86_64-linux-gnu;$1/cuda" \
    -DHDF5_ROOT="$1/usr/lib/x86_64-linux-gnu/hdf5/serial" \
    -DMPI_CXX_COMPILER="$1/usr/bin/mpicxx.openmpi" -DMPIEXEC_EXECUTABLE="$1/usr/bin/mpirun" \
    -DINCUBATE_SITE_PACKAGES="$site" -DCUDAToolkit_ROOT="$toolkit" -DCUDA_TOOLKIT_ROOT_DIR="$toolkit" \
    >"$2/configure.log" 2>&1; then
    tail -n 40 "$2/configure.log" >&2
    return 1
  fi
}
