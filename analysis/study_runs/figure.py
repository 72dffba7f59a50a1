"""Draws validation top-1 against depth at equal cost for the study's arms, as the table of the controls has it."""

from __future__ import annotations

from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt

from report_page.marks import colour_of, mark_of
from report_page.picture import SOURCE
from run_directory.methods import OLDER_TABLE
from study_runs.results import Study
from study_runs.run import ARM_NAMES
from study_runs.tables import best_tries

STYLES = {  # of each arm: colour, mark, line
    "end-to-end": (colour_of(OLDER_TABLE, "end_to_end"), mark_of(OLDER_TABLE, "end_to_end"), "-"),
    "zero-branches": (colour_of(OLDER_TABLE, "end_to_end"), "d", ":"),
    "grown": (colour_of(OLDER_TABLE, "grown"), mark_of(OLDER_TABLE, "grown"), "-"),
    "shallow": (colour_of(OLDER_TABLE, "shallow"), mark_of(OLDER_TABLE, "shallow"), "--"),
    "incubated": (colour_of(OLDER_TABLE, "finetuning"), mark_of(OLDER_TABLE, "finetuning"), "-"),
}
INCHES, DPI = (6.4, 3.4), 120
INK = {"light": "#1f2328", "dark": "#f0f6fc"}
PAPER = {"light": "#ffffff", "dark": "#0d1117"}


def draw_depth(study: Study, scheme: str, output: Path, source: str) -> None:
    """Draws the figure. `source`, the digest of its data, is stored in the picture. Raises OSError."""
    ink = INK[scheme]
    figure, axes = plt.subplots(figsize=INCHES, dpi=DPI, facecolor=PAPER[scheme], layout="constrained")
    axes.set_facecolor(PAPER[scheme])
    best = best_tries(study)
    depths = list(best)
    for arm, (colour, mark, line) in STYLES.items():
        top1 = [100 * figures[arm] for figures in best.values()]
        axes.plot(depths, top1, color=colour, marker=mark, linestyle=line, label=ARM_NAMES[arm])
    axes.set_xscale("log", base=2)
    axes.set_xticks(depths, [str(depth) for depth in depths])
    axes.minorticks_off()
    axes.set_xlabel("blocks of the target network (shallow: always 4)", color=ink)
    axes.set_ylabel("validation top-1 (%)", color=ink)
    axes.set_title("Fashion-MNIST, 7.5e12 block FLOPs for every method", color=ink)
    axes.tick_params(colors=ink)
    for spine in axes.spines.values():
        spine.set_color(ink)
    axes.grid(alpha=0.3)
    axes.legend(labelcolor=ink, facecolor=PAPER[scheme])
    figure.savefig(output, metadata={SOURCE: source})
    plt.close(figure)
