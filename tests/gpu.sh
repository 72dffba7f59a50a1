#!/usr/bin/env bash
# Smoke test on a GPU: two steps of every training on run.device=cuda, the same with run.recompute=blocks, and on the CPU; the
# losses must agree to 1e-3.
# Uses every visible GPU, one rank each. Where there is no GPU it says so and does nothing.
#
#   tests/gpu.sh                       sets up and builds first; with INCUBATE_BUILD=DIR set, takes the program from there
set -euo pipefail
cd "$(dirname "$0")/.."

gpus=$(nvidia-smi --list-gpus 2>/dev/null | wc -l || true)
if [ "$gpus" -eq 0 ]; then
  echo "gpu: no GPU on this machine (nvidia-smi lists none): nothing was run"
  exit 0
fi
if [ -z "${INCUBATE_BUILD:-}" ]; then
  jobscripts/setup.sh
  jobscripts/build.sh incubate
fi
incubate=${INCUBATE_BUILD:-build}/incubate
python=.venv/bin/python
[ -x "$python" ] || python=python3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$python" tests/make_idx.py "$work" --train 256 --validation 64 --side 28 --classes 10
"$incubate" pack --format=idx --output="$work/data.h5" --class-names=0,1,2,3,4,5,6,7,8,9 \
  --train-images="$work/train-images.gz" --train-labels="$work/train-labels.gz" \
  --validation-images="$work/validation-images.gz" --validation-labels="$work/validation-labels.gz"

launch=()
if command -v mpirun >/dev/null; then
  [ "$(id -u)" -eq 0 ] && export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
  launch=(mpirun -n "$gpus" --bind-to none --timeout 300)
fi
train() {  # NAME SETTING...
  "${launch[@]}" "$incubate" train --config input/fashion-mnist.ini --data.file="$work/data.h5" --batch.global=128 \
    --meta.epochs=1 --incubation.epochs=1 --finetuning.epochs=1 --end_to_end.epochs=1 --incubation.drop_path=0.1 \
    --run.directory="$work/$1" --run.progress=none "${@:2}"
}
train cuda --run.device=cuda
train recomputed --run.device=cuda --run.recompute=blocks
train cpu --run.device=cpu
"$python" - "$work" <<'EOF'
import sys, h5py
worst = 0.0
for name in ["meta", "stage_0", "stage_1", "stage_2", "stage_3", "finetuned", "end_to_end"]:
    cuda, recomputed, cpu = (
        h5py.File(f"{sys.argv[1]}/{run}/metrics/{name}.h5")["steps/loss"][:] for run in ("cuda", "recomputed", "cpu")
    )
    worst = max(worst, float(abs(cuda - cpu).max()), float(abs(recomputed - cpu).max()))
print(f"gpu: largest difference of a step's loss between GPU and CPU: {worst:.2e}")
sys.exit(0 if worst < 1e-3 else 1)
EOF
