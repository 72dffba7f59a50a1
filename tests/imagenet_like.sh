#!/usr/bin/env bash
# Tests a set like ImageNet's from nothing. Makes 20,000 images of about 500x375 pixels in 100 classes and 2,000 for
# evaluation, packs them on 2 ranks, verifies the set, and trains a small vision transformer, one epoch per training:
# Deep Incubation and the baseline. Prints the time of each step and the results; fails if any step fails. Takes about
# 10 minutes on 2 cores and 4 GB of disk, which are freed.
#
#   tests/imagenet_like.sh                  sets up and builds first, or uses the program in $INCUBATE_BUILD if set
#   IMAGES=2000 CLASSES=10 tests/imagenet_like.sh
set -euo pipefail
# shellcheck source=../jobscripts/usage.sh source-path=SCRIPTDIR
. "$(dirname "$0")/../jobscripts/usage.sh"
[ $# -eq 0 ] || refuse "not known: $*"
cd "$(dirname "$0")/.."

if [ -z "${INCUBATE_BUILD:-}" ]; then
  jobscripts/setup.sh --tests
  jobscripts/build.sh incubate
fi
program=$(realpath "${INCUBATE_BUILD:-build}")/incubate
images=${IMAGES:-20000}
classes=${CLASSES:-100}
export OMP_NUM_THREADS=1 OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
launch=(mpirun -n 2 --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 "$program")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

step() {
  local began=$SECONDS
  echo "imagenet_like: $1"
  "${@:2}"
  echo "imagenet_like: that took $((SECONDS - began)) s"
}

step "making $images images in $classes classes" \
  .venv/bin/python tests/support/make_image_folder.py "$folder/tree" --images "$images" --validation-images $((images / 10)) --classes "$classes"
step "packing" "${launch[@]}" pack --format=folder --folder="$folder/tree" --output="$folder/set/photos.h5" --shard-mb=500
step "verifying" "${launch[@]}" pack --verify="$folder/set/photos.h5"
step "training" "${launch[@]}" train --config=tests/imagenet_like.ini --data.file="$folder/set/photos.h5" \
  --model.classes="$classes" --run.directory="$folder/run" --run.progress=lines
.venv/bin/python - "$folder/run" "$classes" <<'PY'
import json, math, sys
run, classes = sys.argv[1], int(sys.argv[2])
summary = json.load(open(f"{run}/summary.json"))
assert summary["state"] == "done", summary["state"]
for training in summary["trainings"]:
    if training["state"] != "done":
        continue
    if training["step"] >= 100:
        assert training["loss"] < 0.99 * math.log(classes), f"{training['name']} is no better than a guess: {training['loss']}"
    rate = training["step"] * 200 / training["elapsed_s"]
    print(f"imagenet_like: {training['name']}: top-1 {100 * training['top1']:.1f}%, loss {training['loss']:.3f}, {rate:.0f} images/s")
PY
echo "imagenet_like: passed"
