"""Compares all settings of both sides in one work: the table, the ratio of the fastest, and equal losses."""

from __future__ import annotations

from dataclasses import dataclass

from measurement import Failure, Measurement, Outcome

# Relative tolerance of a step's loss in fp32, as in test_parity_training.py.
LOSS_TOLERANCE = 1e-4
NUM_LOSSES = 3  # steps to compare; rounding errors grow with each step


@dataclass(frozen=True)
class Comparison:
    """Maps names of settings to measurements; a name ends in its precision."""

    work: str
    ours: dict[str, Outcome]
    peers: dict[str, Outcome]
    flops_per_image: float
    num_processes: int
    peaks: dict[str, float]  # FLOP/s per process

    def peak_fraction(self, setting: str, measurement: Measurement) -> float:
        precision = "bf16" if "bf16" in setting else "fp32"
        return measurement.images_per_s * self.flops_per_image / (self.num_processes * self.peaks[precision])

    def largest_loss_error(self) -> float | None:
        """Returns the largest relative error between the peers in fp32 and the program's first steps; None if not
        comparable."""
        ours = next(m.losses for name, m in self.ours.items() if isinstance(m, Measurement) and "fp32" in name)
        errors = [
            abs(theirs / loss - 1)
            for name, m in self.peers.items()
            if isinstance(m, Measurement) and "fp32" in name
            for loss, theirs in zip(ours[:NUM_LOSSES], m.losses[:NUM_LOSSES], strict=True)
        ]
        return max(errors) if errors else None

    def print_table(self) -> None:
        print(self.work)
        for side, outcomes in (("incubate", self.ours), ("PyTorch", self.peers)):
            for name, outcome in outcomes.items():
                print(f"  {side + ' ' + name:58}" + self._describe(name, outcome))
        if (error := self.largest_loss_error()) is not None:
            print(f"  losses of {NUM_LOSSES} steps in fp32 agree to {error:.1e}")
        if (row := self.row()) is not None:
            print(f"  {row['ours_setting']} over {row['peer_setting']}: ratio {row['ratio']:.2f}", flush=True)

    def _describe(self, setting: str, outcome: Outcome) -> str:
        if isinstance(outcome, Failure):
            return f"failed: {outcome.reason}"
        fraction = self.peak_fraction(setting, outcome)
        return f"{outcome.images_per_s:10.2f} images/s{fraction:8.1%} of peak{outcome.peak_bytes / 2**20:8.0f} MiB"

    def row(self) -> dict[str, object] | None:
        """Returns the row for the file of results; None if one side has no measurement."""
        if not measured(self.ours) or not measured(self.peers):
            return None
        our_setting, peer_setting = fastest(self.ours), fastest(self.peers)
        ours, peer = measured(self.ours)[our_setting], measured(self.peers)[peer_setting]
        return {
            "work": f"{self.work}, images/s",
            "ours": ours.images_per_s,
            "ours_setting": our_setting,
            "peer": peer.images_per_s,
            "peer_setting": f"PyTorch {peer_setting}",
            "ratio": ours.images_per_s / peer.images_per_s,
            "peak_fraction": self.peak_fraction(our_setting, ours),
            "peer_peak_fraction": self.peak_fraction(peer_setting, peer),
            "peak_memory_mib": ours.peak_bytes / 2**20,
            "peer_peak_memory_mib": peer.peak_bytes / 2**20,
            "loss_error": self.largest_loss_error(),
            "all": {
                f"{side} {name}": outcome.images_per_s
                if isinstance(outcome, Measurement)
                else f"failed: {outcome.reason}"
                for side, outcomes in (("incubate", self.ours), ("PyTorch", self.peers))
                for name, outcome in outcomes.items()
            },
        }


def measured(outcomes: dict[str, Outcome]) -> dict[str, Measurement]:
    return {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, Measurement)}


def fastest(outcomes: dict[str, Outcome]) -> str:
    speeds = measured(outcomes)
    return max(speeds, key=lambda name: speeds[name].images_per_s)
