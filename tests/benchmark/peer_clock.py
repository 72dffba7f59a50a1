"""Measures the time of each step of a training in PyTorch, and its largest memory, on the CPU and on a GPU."""

from __future__ import annotations

import time

import torch
from peak_memory import read_peak


class CpuClock:
    """Measures on the CPU. Memory is resident, of the whole process."""

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
    """Measures by events in the GPU's queue, so that only the next step's work waits for a step's end. Memory is the
    most that PyTorch's allocator handed out since the first step, with which compilation ends."""

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
