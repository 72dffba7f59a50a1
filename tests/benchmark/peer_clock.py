"""How long each step of a training in PyTorch takes, and the most memory that it holds, on the CPU and on a GPU."""

from __future__ import annotations

import time

import torch
from peak_memory import read_peak


class CpuClock:
    """Memory: resident, the whole process's."""

    def __init__(self) -> None:
        self._began = 0.0
        self._step_s: list[float] = []

    def begin_step(self) -> None:
        self._began = time.perf_counter()

    def end_step(self) -> None:
        self._step_s.append(time.perf_counter() - self._began)

    def step_s(self) -> list[float]:
        return self._step_s

    def peak_bytes(self) -> int:
        return read_peak("self")


class GpuClock:
    """By events in the GPU's queue, so that nothing waits for a step's end but the next step's work. Memory: what
    PyTorch's allocator had handed out at most since the first step, with which compilation ends."""

    def __init__(self) -> None:
        self._events: list[torch.cuda.Event] = []

    def begin_step(self) -> None:
        if not self._events:
            self._note()

    def end_step(self) -> None:
        self._note()
        if len(self._events) == 2:
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()

    def step_s(self) -> list[float]:
        torch.cuda.synchronize()
        return [a.elapsed_time(b) / 1000 for a, b in zip(self._events, self._events[1:], strict=False)]

    def peak_bytes(self) -> int:
        return torch.cuda.max_memory_allocated()

    def _note(self) -> None:
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        self._events.append(event)
