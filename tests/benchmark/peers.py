"""Starts trainings in PyTorch."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from measurement import Measurement
from peer_model import ALL_BUT_TARGET, PeerSetting, write_job
from peer_training import PeerJob
from workload import WEIGHT_DECAY, Workload

import launch

FOLDER = Path(__file__).resolve().parent
TIMEOUT_S = 1200.0

# The heap keeps freed memory, as incubate's does. PyTorch's tuning guide recommends other allocators for the same
# purpose. Without it PyTorch is a few percent slower.
KEEP_FREED_MEMORY = {
    "GLIBC_TUNABLES": ":".join(
        f"glibc.malloc.{name}={value}"
        for name, value in (("mmap_max", 0), ("trim_threshold", 2**48), ("top_pad", 2**26))
    )
}


def run_script(
    script: str, job: Path, output: Path, num_processes: int, timeout_s: float = TIMEOUT_S
) -> dict[str, Any]:
    """Runs a script with `torchrun`, or directly for one process. Returns what it wrote to `output`. Keeps compiled
    code beside the job, so that repeats do not compile again."""
    command = [sys.executable]
    if num_processes > 1:
        command += ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={num_processes}"]
    environment = (
        launch.make_environment()
        | KEEP_FREED_MEMORY
        | {
            "PYTHONPATH": f"{FOLDER}{os.pathsep}{FOLDER.parent}/support",
            "TORCHINDUCTOR_CACHE_DIR": str(job.parent / "compiled"),
        }
    )
    command += [str(FOLDER / script), str(job)]
    output.unlink(missing_ok=True)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            _, errors = process.communicate(timeout=timeout_s)
        except BaseException:
            process.terminate()  # torchrun ends its processes
            raise
    if process.returncode != 0:
        raise subprocess.CalledProcessError(process.returncode, command, stderr=errors)
    result: dict[str, Any] = json.loads(output.read_text())
    return result


def measure(
    work: Workload,
    training: str,
    setting: PeerSetting,
    frozen: str = ALL_BUT_TARGET,
    timeout_s: float = TIMEOUT_S,
) -> Measurement:
    path, output = work.folder / "peer.json", work.folder / "peer_result.json"
    job = PeerJob(
        work.network,
        training,
        setting,
        frozen,
        str(work.weights(training)),
        str(work.batches),
        str(output),
        work.learning_rate,
        WEIGHT_DECAY,
        work.device,
        work.size.num_steps,
    )
    write_job(job, path)
    result = run_script("peer_training.py", path, output, work.num_processes, timeout_s)
    assert len(result["step_s"]) == work.size.num_steps
    step_s = statistics.median(result["step_s"][work.size.num_first :])
    return Measurement(work.global_batch / step_s, tuple(result["losses"]), result["peak_bytes"])


def measure_in_turn(work: Workload, setting: PeerSetting) -> Measurement:
    """Measures the work's trainings one after the other. Returns images per second that pass through all of them."""
    each = [measure(work, training, setting) for training in work.trainings]
    speed = 1 / sum(1 / m.images_per_s for m in each)
    return Measurement(speed, each[0].losses, max(m.peak_bytes for m in each))
