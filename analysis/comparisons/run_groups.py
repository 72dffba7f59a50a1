"""Finds runs that differ only in their seed and may be averaged."""

from __future__ import annotations

from dataclasses import dataclass

from run_directory.data import Run

SEED = "run.seed"
NOT_SET = "(not set)"  # by an older program without this setting

# Settings that change no result, only how the work is done (Kind::operation of src/config). model.preset only names
# other settings. data.file is not among them: it may be another data set.
OPERATION = {
    *("model.preset", "data.workers", "data.prefetch", "data.on_error", "data.cache", "data.cache_directory"),
    *("train.on_nonfinite", "method.trainings", "run.directory", "run.recompute", "run.device", "run.timeout_s"),
    *("run.grace_seconds", "run.round_cost_s", "run.progress", "run.only", "run.peak_tflops", "run.profile"),
    *("run.shard_optimizer", "run.cuda_graph", "run.nvtx"),
    *("checkpoint.every_steps", "checkpoint.every_minutes", "checkpoint.keep"),
}


class ComparisonError(Exception):
    """The runs cannot be compared as requested; the message says why."""


@dataclass(frozen=True)
class RunGroup:
    """Runs that are repeats of each other."""

    settings: dict[str, str]  # that distinguish the group from others
    pooled: list[str]  # settings besides the seed in which its runs may differ
    runs: list[Run]

    def repeat_of(self, run: Run) -> tuple[str, ...]:
        """Returns what identifies a run in the group: the seed and the pooled settings."""
        return tuple(run.settings.get(name, NOT_SET) for name in (SEED, *self.pooled))


def find_differences(runs: list[Run]) -> list[str]:
    """Returns settings besides the seed that affect results and have several values, in config.ini's order."""
    names = dict.fromkeys(name for run in runs for name in run.settings if name not in OPERATION and name != SEED)
    return [name for name in names if len({run.settings[name] for run in runs if name in run.settings}) > 1]


def group_runs(runs: list[Run], by: list[str]) -> list[RunGroup]:
    """Groups by the settings `by`, or by all that differ if empty. Raises ComparisonError for an unknown setting."""
    for name in by:
        if not any(name in run.settings for run in runs):
            raise ComparisonError(
                f"--by {name}: no run has this setting. Give a SECTION.KEY of config.ini, such as meta.epochs."
            )
    names = by or find_differences(runs)
    groups: dict[tuple[str, ...], list[Run]] = {}
    for run in runs:
        groups.setdefault(tuple(run.settings.get(name, NOT_SET) for name in names), []).append(run)
    return [
        RunGroup(
            settings=dict(zip(names, values, strict=True)),
            pooled=[name for name in find_differences(members) if name not in names],
            runs=members,
        )
        for values, members in groups.items()
    ]
