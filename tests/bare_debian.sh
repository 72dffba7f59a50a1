#!/usr/bin/env bash
# Sets up, builds and trains for seconds in a Debian from debootstrap, where nothing is installed yet. Needs root; installs
# what it needs with apt. Each takes about 20 minutes on 2 cores and 25 GB of disk, which are freed.
#
#   tests/bare_debian.sh user           as an ordinary user who has a compiler, CMake, Open MPI, HDF5, libpng and Python: the last commit
#   tests/bare_debian.sh container      in the container that buildah makes of Containerfile: the working tree
#   PRESET=cuda RELEASE=trixie tests/bare_debian.sh user     another preset than cpu, another Debian than bookworm
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
[[ "$*" =~ ^(user|container)$ ]] || refuse "not known: $*"
cd "$(dirname "$0")/.."
jobscripts/setup.sh --tests
if ! command -v buildah >/dev/null || ! command -v debootstrap >/dev/null; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends buildah crun debootstrap >/dev/null
fi

preset=${PRESET:-cpu}
folder=$(mktemp -d)
debian=$folder/debian
images=(--root "$folder/images" --runroot "$folder/images.run")
clean_up() {
  buildah "${images[@]}" rm --all >/dev/null 2>&1 || true
  buildah "${images[@]}" rmi --all --force >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap clean_up EXIT

debootstrap --variant=minbase --include=ca-certificates "${RELEASE:-bookworm}" "$debian" >"$folder/log" 2>&1 || { tail "$folder/log" >&2; exit 1; }
# Names and pip as on this machine.
cp --dereference /etc/resolv.conf "$debian/etc/"
cp --dereference /etc/ssl/certs/ca-certificates.crt "$debian/etc/ssl/certs/"
{ echo "[global]"; .venv/bin/python -m pip config list | sed -n "s/^\(global\|:env:\)\.\([a-z-]*\)='\(.*\)'/\2 = \3/p" | sort -u -t = -k 1,1; } >"$debian/etc/pip.conf"

mkdir "$folder/work"
PYTHONPATH=tests/support .venv/bin/python -c 'import sys, pathlib, tiny_data; tiny_data.write_tiny_idx(pathlib.Path(sys.argv[1]))' "$folder/work"
cp tests/support/tiny.ini "$folder/work"
pack="pack --format=idx --train-images=train-images.gz --train-labels=train-labels.gz --validation-images=validation-images.gz \
  --validation-labels=validation-labels.gz --class-names=night,lit_below,lit_above,day --output=tiny.h5"
train="train --config=tiny.ini --data.file=tiny.h5 --run.directory=run --run.progress=lines"
mpirun="mpirun -n 2 --oversubscribe --bind-to none"

# in_debian USER COMMAND
in_debian() {
  # shellcheck disable=SC2016 # the arguments are the inner shell's
  unshare --mount sh -c 'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev" && exec chroot "$0" su - "$1" -s /bin/bash -c "set -e; $2"' \
    "$debian" "$1" "$2"
}

if [ "$1" = user ]; then
  in_debian root "export DEBIAN_FRONTEND=noninteractive; apt-get update -qq
    apt-get install -y -qq --no-install-recommends g++ cmake libopenmpi-dev openmpi-bin libhdf5-dev libpng-dev python3-venv git >/dev/null
    useradd --create-home user"
  git clone --quiet . "$debian/home/user/incubate"
  mv "$folder/work" "$debian/home/user/"
  chown -R "$(stat -c %u:%g "$debian/home/user")" "$debian/home/user"
  in_debian user "cd ~/incubate; jobscripts/setup.sh; INCUBATE_PRESET=$preset jobscripts/build.sh incubate
    cd ~/work; ~/incubate/build/incubate $pack; $mpirun ~/incubate/build/incubate $train"
  run=$debian/home/user/work/run
else
  base=$(buildah "${images[@]}" from scratch)
  buildah "${images[@]}" add --quiet "$base" "$debian" / >/dev/null
  buildah "${images[@]}" commit --quiet --rm "$base" debian-12 >/dev/null
  rm -r "$debian"
  buildah "${images[@]}" build --isolation chroot --build-arg BASE=localhost/debian-12 --build-arg "PRESET=$preset" --tag incubate .
  container=$(buildah "${images[@]}" from localhost/incubate)
  for command in "incubate $pack" "$mpirun incubate $train"; do
    # shellcheck disable=SC2086 # the command is words
    buildah "${images[@]}" run --isolation chroot --volume "$folder/work:/work" "$container" -- $command
  done
  run=$folder/work/run
fi
[ -s "$run/checkpoints/finetuned.h5" ]
echo "bare_debian: $1: passed"
