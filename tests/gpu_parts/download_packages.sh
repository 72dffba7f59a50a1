#!/usr/bin/env bash
# Downloads packages for building on a machine without a network and without these libraries. Run it on a Debian 12 with
# a network; it installs nothing. On the other machine: INCUBATE_PACKAGES=FOLDER tests/gpu.sh (use_packages.sh).
#
#   tests/gpu_parts/download_packages.sh FOLDER     29 MiB
set -euo pipefail
# shellcheck source=../../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../../jobscripts/usage.sh"
[[ $# -eq 1 && $1 != -* ]] || refuse "give a folder"
folder=$1

packages=(
  libopenmpi-dev openmpi-bin openmpi-common libopenmpi3 libpmix2 libmunge2 libhwloc15 libudev1 libcap2
  libevent-core-2.1-7 libevent-pthreads-2.1-7
  libhdf5-dev libhdf5-103-1 libsz2 libaec0
  # libhdf5-103-1 needs these, because it also reads from the web.
  libcurl4 libnghttp2-14 libidn2-0 librtmp1 libssh2-1 libpsl5 libssl3 libgssapi-krb5-2 libkrb5-3 libk5crypto3
  libkrb5support0 libcom-err2 libkeyutils1 libldap-2.5-0 libsasl2-2 libzstd1 libbrotli1 libunistring2 libgnutls30
  libhogweed6 libnettle8 libgmp10 libp11-kit0 libtasn1-6 libffi8
  libboost1.74-dev libboost-program-options1.74-dev libboost-program-options1.74.0
  nlohmann-json3-dev libxxhash-dev libxxhash0
  libjpeg-dev libjpeg62-turbo-dev libjpeg62-turbo libpng-dev libpng16-16 zlib1g-dev zlib1g libgtest-dev
)
mkdir -p "$folder"
cd "$folder"
apt-get download -qq "${packages[@]}"
du -sh .
