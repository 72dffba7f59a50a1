"""The tables of a report about the course of the run: trainings, speed, rounds, jobs, log, settings."""

from __future__ import annotations

import math

from report_page.numbers import UNKNOWN, format_duration, format_number, format_share
from report_page.page import bullets, paragraph, preformatted, table
from run_directory.data import Run, measure_speed
from run_directory.log import Log


def make_trainings(run: Run) -> str:
    headers = ["training", "state", "step", "of", "skipped", "ranks", "own time", "rank-hours", "block FLOPs"]
    rows = [
        [
            training.name,
            training.state,
            f"{training.step:,}",
            f"{training.total_steps:,}" if training.total_steps else UNKNOWN,
            f"{training.skipped_steps:,}",
            str(training.num_ranks),
            format_duration(training.elapsed_s),
            format_number(training.rank_s / 3600, ".4g"),
            format_number(training.block_flops, ".3e"),
        ]
        for training in run.trainings
    ]
    note = "Skipped steps had a loss or gradient that was not finite (train.on_nonfinite=skip) and changed nothing."
    return table(headers, rows, texts=2) + paragraph(note, "note")


def make_speeds(run: Run) -> str:
    rows = []
    for training in run.trainings:
        if training.metrics is None or not len(training.metrics.steps["step"]):
            continue
        speed = measure_speed(training.metrics, run.global_batch)
        parts = [format_share(part, 1) for part in (speed.utilisation, speed.data_wait, speed.communication_wait)]
        memory = format_number(speed.memory_peak_bytes / 1e9, ".2f")
        rows.append([training.name, format_number(speed.images_per_s, ",.0f"), *parts, memory])
    if not rows:
        return paragraph("No training has measured a step yet.")
    headers = ["training", "images/s", "utilisation", "data wait", "communication wait", "GB a rank"]
    note = (
        "Means over the time of the steps. Utilisation is model FLOPs utilisation: block FLOPs over what the ranks "
        "could have computed at the peak of their matrix products. Waits are parts of the steps' time, means over the "
        "ranks. Memory is the most that a rank has held."
    )
    return table(headers, rows) + paragraph(note, "note")


def make_rounds(run: Run) -> str:
    if not run.rounds:
        return paragraph("No round is known.")
    began_s = run.rounds[0].began_s
    rows = [
        [
            entry.phase,
            ", ".join(entry.trainings),
            entry.job,
            format_duration(entry.began_s - began_s),
            format_duration(entry.elapsed_s),
            str(entry.num_ranks),
            format_share(entry.idle, 1),
        ]
        for entry in run.rounds
    ]
    return table(["phase", "trainings", "job", "began after", "took", "ranks", "idle"], rows, texts=3, long=1)


def tell_idle(run: Run) -> str:
    """Returns the idle fraction of all rounds together; empty if unknown."""
    known = [entry for entry in run.rounds if math.isfinite(entry.idle)]
    rank_s = sum(entry.num_ranks * entry.elapsed_s for entry in known)
    if not rank_s:
        return ""
    idle_s = sum(entry.idle * entry.num_ranks * entry.elapsed_s for entry in known)
    return (
        f"Ranks idled for {format_share(idle_s / rank_s, 1)} of the {rank_s / 3600:.4g} rank-hours of all rounds. "
        "That does not count waiting within a group, which is below."
    )


def make_jobs(run: Run) -> str:
    rows = [[job.name, job.state, job.reason, str(job.num_ranks), job.updated] for job in run.jobs]
    return table(["job", "state", "why it ended", "ranks", "last wrote (UTC)"], rows, texts=3, long=2) if rows else ""


def make_environment(log: Log) -> str:
    if not log.environment:
        return paragraph("Unknown: the log does not tell.")
    lines = [*log.environment]
    if log.data is not None:
        data = log.data
        lines.append(
            f"{data.num_train:,} training and {data.num_validation:,} validation images of "
            f"{data.height}x{data.width}x{data.channels} in {data.num_classes} classes: {data.path}"
        )
    starts = "once" if log.num_starts == 1 else f"{log.num_starts} times"
    return paragraph(f"Started {starts}, the last time at {log.started}. As of then:") + bullets(lines)


def make_warnings(log: Log) -> str:
    if not log.remarks:
        return paragraph("None." if log.num_starts else "Unknown: there is no log that could be read.")
    most = 200
    rows = [[remark.time, remark.level, remark.text] for remark in log.remarks[-most:]]
    hidden = len(log.remarks) - len(rows)
    note = paragraph(f"The last {most}; {hidden:,} earlier ones are in log.txt.") if hidden else ""
    return note + table(["time", "level", "text"], rows, texts=2, long=2)


def make_configuration(run: Run) -> str:
    if not run.config:
        return paragraph("Unknown: config.ini is not readable.")
    sections = [
        "\n".join([f"[{name}]", *(f"{key} = {value}" for key, value in settings.items())])
        for name, settings in run.config.items()
    ]
    return preformatted("\n\n".join(sections))
