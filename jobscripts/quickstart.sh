#!/usr/bin/env bash
# Runs the whole method on real images from nothing: sets up, builds, packs Fashion-MNIST, trains a vision transformer
# of 24 blocks by Deep Incubation and end to end with the same block FLOPs, and prints both results. A second call
# continues, or says that everything is done.
#
# Arithmetic (input/fashion-mnist-24.ini): 24 blocks in 4 stages; global batch 256 in 4 micro-batches of 64; 234 steps an
# epoch. 4 ranks: incubation gives each stage one rank; every other phase uses all 4.
#
#   jobscripts/quickstart.sh                  as root on Debian or Ubuntu, or anywhere with the modules loaded
#   jobscripts/quickstart.sh --method.trainings=deep_incubation,end_to_end,grown,shallow     the controls, too
#   RANKS=8 jobscripts/quickstart.sh          other rank counts give the same weights
#   jobscripts/quickstart.sh --run.seed=1 --run.directory=runs/seed-1
set -euo pipefail
# shellcheck source=usage.sh source-path=SCRIPTDIR
. "$(dirname "$(readlink -f "$0")")/usage.sh"
for argument in "$@"; do
  [[ $argument != -* || $argument == --*.* ]] || refuse "$argument is not known: only settings are, such as --run.seed=1"
done

echo "quickstart: on 2 cores about 3 minutes of set-up, 6 of building and 5 of training; a later call skips what is done."

# The images come from Debian's package (70,000 images, 30 MB) or from any folder with its four files.
images=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
if [ ! -e "$images/train-images-idx3-ubyte.gz" ]; then
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    echo "quickstart: installing the images (apt: dataset-fashion-mnist)"
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends dataset-fashion-mnist >/dev/null
  else
    echo "quickstart: no Fashion-MNIST in $images. Install Debian's dataset-fashion-mnist, or set FASHION_MNIST to a folder" >&2
    echo "quickstart: with train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-..., t10k-labels-..." >&2
    exit 1
  fi
fi

"$root/jobscripts/setup.sh"
"$root/jobscripts/build.sh" incubate

"$build/incubate" pack --format=idx --output=data/fashion-mnist.h5 \
  --train-images="$images/train-images-idx3-ubyte.gz" --train-labels="$images/train-labels-idx1-ubyte.gz" \
  --validation-images="$images/t10k-images-idx3-ubyte.gz" --validation-labels="$images/t10k-labels-idx1-ubyte.gz" \
  --class-names="T-shirt,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot"

progress=lines
[ -t 1 ] && progress=bar
[ "$(id -u)" -eq 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
export OMP_NUM_THREADS=1
"$root/jobscripts/mpirun.sh" -n "${RANKS:-4}" --oversubscribe --bind-to none --mca mpi_yield_when_idle 1 \
  "$build/incubate" train --config "$root/input/fashion-mnist-24.ini" --run.progress=$progress "$@"

cat <<'END'

quickstart: what to look at, and what to do next:
  .venv/bin/python analysis/report.py runs/fashion-mnist-24    # a page: curves, costs, which ranks trained what and when
  less runs/fashion-mnist-24/log.txt                           # what happened; metrics.h5 and checkpoints/ lie beside it
  jobscripts/quickstart.sh --method.trainings=deep_incubation,end_to_end,grown,shallow    # add the controls (5 minutes)
  README.md, "Your data" and "Your cluster"                    # the same with your images, on your machine
END
