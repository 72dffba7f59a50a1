"""What this machine's matrix products reach, by measurement: the peak that training speeds are compared with."""

from __future__ import annotations

import time

import torch

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def measure_peak(precision: str, sides: list[int], seconds: float) -> float:
    """FLOP/s of one thread's fastest torch.mm of two square matrices of any of these sides, each tried so long."""
    torch.set_num_threads(1)
    fastest = 0.0
    for side in sides:
        left, right = (torch.rand(side, side).to(PRECISIONS[precision]) for _ in range(2))
        product = torch.mm(left, right)
        end = time.perf_counter() + seconds
        while (begin := time.perf_counter()) < end:
            torch.mm(left, right, out=product)
            fastest = max(fastest, 2 * side**3 / (time.perf_counter() - begin))
    return fastest


def measure_peaks(is_quick: bool) -> dict[str, float]:
    sides, seconds = ([512], 0.2) if is_quick else ([256, 512, 1024, 2048, 4096], 3.0)
    return {precision: measure_peak(precision, sides, seconds) for precision in PRECISIONS}
