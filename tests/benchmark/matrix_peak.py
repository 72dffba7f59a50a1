"""Measures what this machine's matrix products reach: the peak to compare training speeds with."""

from __future__ import annotations

import time

import torch

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


def measure_peak(precision: str, sides: list[int], seconds: float, device: str = "cpu") -> float:
    """Returns the FLOP/s of the fastest torch.mm, by one thread or a GPU, among two square matrices of each of these
    sides. Tries each side for `seconds`."""
    torch.set_num_threads(1)
    fastest = 0.0
    for side in sides:
        left, right = (torch.rand(side, side, device=device).to(PRECISIONS[precision]) for _ in range(2))
        product = torch.mm(left, right)
        wait_for(device)
        end = time.perf_counter() + seconds
        while (begin := time.perf_counter()) < end:
            torch.mm(left, right, out=product)
            wait_for(device)
            fastest = max(fastest, 2 * side**3 / (time.perf_counter() - begin))
    return fastest


def wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def measure_peaks(is_quick: bool, device: str = "cpu") -> dict[str, float]:
    sides, seconds = ([512], 0.2) if is_quick else ([256, 512, 1024, 2048, 4096], 3.0)
    if device == "cuda" and not is_quick:  # smaller ones do not fill a GPU
        sides, seconds = [4096, 8192, 16384], 1.0
    peaks = {precision: measure_peak(precision, sides, seconds, device) for precision in PRECISIONS}
    if device == "cuda":
        torch.cuda.empty_cache()  # frees the GPU for other processes
    return peaks
