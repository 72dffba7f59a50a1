"""Measures how fast incubate trains beside PyTorch: images per second, memory, and share of the machine's peak.

    tests/benchmark/run.sh [--quick] [--works small,deit_s,...] [--peers fp32,...] [--repeats 3]

Works, each on 2 MPI ranks and on 2 processes of DistributedDataParallel over gloo, all with one thread:

    small, deit_s, vit_b   end to end: a network of width 64 and depth 12 on 28 x 28 images, DeiT-S and ViT-B at 224
    incubation             small's four incubations: the reference's way and well done (peer_model.py)
    shared                 the same on one rank in one job, beside four successive processes of PyTorch
    whole                  meta, four incubations and finetuning of small: one job beside six runs, wall-clock time

Whole steps: forward, loss, backward, sum of gradients, fused AdamW; no augmentation. Images are in memory: incubate
draws and normalises them within a step's time, while PyTorch's are ready. incubate runs as a user runs it, with exact
sums. Its speeds are from its metrics files: the median of all steps except the first ones. Both sides begin with the
same weights and see the same batches. Their losses in fp32 must agree, or the script fails. PyTorch's processes have a
heap that keeps freed memory (peers.py). Repeats alternate; medians are compared, each side in its fastest setting.

Incubations are measured in the settings that were fastest end to end; the whole method in the fastest one without
compilation, which would take longer than the trainings. The share of peak is model FLOPs (networks.py) per second over
what torch.mm reaches in that precision. Prints tables and appends to runs/benchmark.json.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))
import peers
import program
import whole_method
from comparison import LOSS_TOLERANCE, Comparison, fastest
from matrix_peak import measure_peaks
from measurement import Measure, interleave
from networks import DEIT_S, SMALL, VIT_B, Network
from peer_model import ALL_BUT_TARGET, PREFIX_AFTER_WRAPPING, SETTINGS, PeerSetting
from workload import Size, Workload

from results import RESULTS, append_results

END_TO_END = {
    "small": (SMALL, Size(128, 13, 3)),
    "deit_s": (DEIT_S, Size(16, 7, 2)),
    "vit_b": (VIT_B, Size(8, 4, 1)),
}
WORKS = [*END_TO_END, "incubation", "shared", "whole"]
STAGES = tuple(whole_method.STAGES)
WHOLE_SIZE = Size(128, 64, 0)


class Benchmark:
    """Measures works, prints each when it is done, and keeps rows of results."""

    def __init__(self, folder: Path, repeats: int, is_quick: bool, settings: list[PeerSetting]):
        self.folder, self.repeats, self.is_quick, self.settings = folder, repeats, is_quick, settings
        self.precisions = program.list_precisions()
        self.peaks = measure_peaks(is_quick)
        self.rows: list[dict[str, object]] = []
        self.is_same = True
        self.fastest_precision = self.precisions[0]
        self.fastest_settings = settings

    def size_of(self, size: Size) -> Size:
        return Size(min(size.batch_per_process, 16), 4, 1) if self.is_quick else size

    def make_work(self, network: Network, size: Size, processes: int, name: str, *trainings: str) -> Workload:
        work = Workload(network, self.size_of(size), processes, self.folder / name, trainings)
        work.prepare()
        return work

    def compare(
        self, title: str, work: Workload, flops: float, precisions: list[str], peer_measures: dict[str, Measure]
    ) -> Comparison:
        our_measures: dict[str, Measure] = {p: partial(program.measure, work, p) for p in precisions}
        outcomes = interleave(
            self.repeats,
            {("ours", name): measure for name, measure in our_measures.items()}
            | {("peer", name): measure for name, measure in peer_measures.items()},
        )
        ours, theirs = ({n: o for (s, n), o in outcomes.items() if s == side} for side in ("ours", "peer"))
        comparison = Comparison(title, ours, theirs, flops, work.num_processes, self.peaks)
        comparison.print_table()
        error = comparison.largest_loss_error()
        self.is_same = self.is_same and (error is None or error <= LOSS_TOLERANCE)
        if (row := comparison.row()) is not None:
            self.rows.append(row)
        return comparison

    def measure_end_to_end(self, name: str) -> Comparison:
        network, size = END_TO_END[name]
        work = self.make_work(network, size, 2, name, "end_to_end")
        measures: dict[str, Measure] = {s.name: partial(peers.measure, work, "end_to_end", s) for s in self.settings}
        title = f"end to end, {name}, batch {work.global_batch}, 2 processes"
        return self.compare(title, work, network.training_flops("end_to_end"), self.precisions, measures)

    def choose_fastest(self, comparison: Comparison) -> None:
        """Finds the fastest setting, and the fastest without compilation, for works that are not measured in all
        settings."""
        speeds = {s: comparison.peers[s.name] for s in self.settings}
        eager = {s.name: outcome for s, outcome in speeds.items() if not s.is_compiled}
        names = [fastest(eager), fastest(comparison.peers)]
        self.fastest_settings = [s for s in self.settings if s.name in names]
        self.fastest_precision = fastest(comparison.ours)

    def measure_incubations(self) -> None:
        for stage in STAGES:
            work = self.make_work(SMALL, END_TO_END["small"][1], 2, f"incubation_{stage}", stage)
            measures: dict[str, Measure] = {
                f"{s.name}, frozen: {frozen}": partial(peers.measure, work, stage, s, frozen)
                for s in self.fastest_settings
                for frozen in (ALL_BUT_TARGET, PREFIX_AFTER_WRAPPING)
            }
            title = f"incubation of {stage} of small, batch {work.global_batch}, 2 processes"
            self.compare(title, work, SMALL.training_flops(stage), self.compared_precisions(), measures)

    def measure_shared(self) -> None:
        work = self.make_work(SMALL, END_TO_END["small"][1], 1, "shared", *STAGES)
        measures: dict[str, Measure] = {s.name: partial(peers.measure_in_turn, work, s) for s in self.fastest_settings}
        flops = sum(SMALL.training_flops(stage) for stage in STAGES)
        title = f"all incubations of small, batch {work.global_batch}, 1 process"
        self.compare(title, work, flops, self.compared_precisions(), measures)

    def compared_precisions(self) -> list[str]:
        """Returns fp32, whose losses are compared, and the fastest precision."""
        return list(dict.fromkeys(["fp32", self.fastest_precision]))

    def measure_whole(self) -> None:
        size = self.size_of(WHOLE_SIZE)
        work = Workload(SMALL, size, 2, self.folder / "whole", ("finetuned",), num_validation=1024)
        setting = next(s for s in self.fastest_settings if not s.is_compiled)
        self.rows.append(whole_method.compare(work, self.fastest_precision, setting, self.repeats))


def main() -> None:
    """Runs the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    names = [s.name for s in SETTINGS]
    parser.add_argument("--quick", action="store_true", help="few small steps, once: whether it works, not how fast")
    parser.add_argument("--works", default=",".join(WORKS), help="which (default: %(default)s)")
    parser.add_argument("--peers", help=f"of {','.join(names)} (default: all)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=RESULTS)
    given = parser.parse_args()
    works = given.works.split(",")
    chosen = given.peers.split(",") if given.peers else names
    if unknown := [w for w in works if w not in WORKS] + [name for name in chosen if name not in names]:
        parser.error(f"unknown: {', '.join(unknown)}. Works: {', '.join(WORKS)}. Peers: {', '.join(names)}.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("training_speed: stopped"))  # ends started programs too
    with tempfile.TemporaryDirectory() as folder:
        settings = [s for s in SETTINGS if s.name in chosen]
        benchmark = Benchmark(Path(folder), 1 if given.quick else given.repeats, given.quick, settings)
        for precision, peak in benchmark.peaks.items():
            print(f"torch.mm, {precision}, 1 thread: {peak / 1e9:.1f} GFLOP/s", flush=True)
        if {"small", "incubation", "shared", "whole"} & {*works}:
            benchmark.choose_fastest(benchmark.measure_end_to_end("small"))
        for name in [w for w in ("deit_s", "vit_b") if w in works]:
            benchmark.measure_end_to_end(name)
        if "incubation" in works:
            benchmark.measure_incubations()
        if "shared" in works:
            benchmark.measure_shared()
        if "whole" in works:
            benchmark.measure_whole()
    append_results(given.output, benchmark.rows)
    if not benchmark.is_same:
        sys.exit(f"training_speed: losses differ by more than {LOSS_TOLERANCE}: the two sides do not compute the same.")


if __name__ == "__main__":
    main()
