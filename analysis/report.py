"""Writes a report of one run or several: a page that a browser shows offline, and on request its figures.

    python analysis/report.py runs/fashion-mnist
    python analysis/report.py runs/seed-0 runs/seed-1 --output seeds.html
    python analysis/report.py runs/fashion-mnist --figures figures --format png

The page names what is missing or damaged in a run and reports the rest.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from command_line.any_locale import start, text_of
from command_line.output_file import OutputError, check_output
from command_line.progress_line import ProgressLine
from comparisons.methods import compare_methods
from report_page import charts, comparison, tables
from report_page.charts import Chart
from report_page.marks import label_of, mark_of
from report_page.numbers import UNKNOWN, format_difference, format_duration, format_figure, format_number
from report_page.page import (
    cards,
    escape,
    figure,
    figures,
    folded,
    legend,
    missing,
    page,
    paragraph,
    section,
    table,
)
from report_page.svg import FORMATS, ON_PAPER, save_figure, style, to_inline_svg
from run_directory.data import NotARunError, Run
from run_directory.log import Log, read_log
from run_directory.recovery import LoadedRun, load_what_is_there

# Characters for the marks of plot_run.py.
MARKS = {"s": "\u25a0", "^": "\u25b2", "o": "\u25cf", "D": "\u25c6", "P": "\u271a", "v": "\u25bc", "*": "\u2605"}
OTHER_MARK = "\u2716"


class Report(NamedTuple):
    """A page without its frame."""

    title: str
    body: str  # HTML


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Writes a report of runs as one HTML file that needs no network.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory, such as runs/fashion-mnist")
    parser.add_argument("--output", type=Path, metavar="FILE", help="page to write (default: report.html in the first)")
    parser.add_argument("--figures", type=Path, metavar="FOLDER", help="where to write each figure too")
    parser.add_argument("--format", choices=FORMATS, default="svg", help="of these figures (default: svg)")
    options = parser.parse_args(arguments)
    output: Path = options.output or options.runs[0] / "report.html"
    lines = []
    try:
        check_output(output, "HTML page")
        with ProgressLine("report") as progress:
            loaded = []
            for index, directory in enumerate(options.runs):
                progress.show(f"reading {directory} ({index + 1} of {len(options.runs)})")
                loaded.append(load_what_is_there(directory))
            report = make_report(loaded, progress.show)
            for index, what in enumerate(loaded):
                folder = options.figures
                if folder and len(loaded) > 1:
                    folder = folder / f"{index}-{what.run.directory.resolve().name}"
                num_figures = save_figures(what.run, folder, options.format, progress.show) if folder else 0
                lines += [tell_run(what, num_figures, folder), *(f"  {problem}" for problem in what.problems)]
        output.write_text(page(report.title, report.body), encoding="utf-8", errors="replace")
    except (NotARunError, OutputError) as error:
        print(f"report: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        reason = error.strerror or error
        print(f"report: {error.filename or output}: {reason}. Check the path and its permissions.", file=sys.stderr)
        return 2
    print("\n".join([*lines, f"{output} written"]))
    return 0


def name_of(run: Run) -> str:
    return text_of(run.directory.resolve().name)


def tell_run(loaded: LoadedRun, num_figures: int, folder: Path | None) -> str:
    num_done = sum(training.is_done for training in loaded.run.trainings)
    line = f"{loaded.run.directory}: {loaded.run.state}, {num_done} of {len(loaded.run.trainings)} trainings done"
    if loaded.problems:
        line += f", {len(loaded.problems)} files missing or damaged"
    return line + (f", {num_figures} figures in {folder}" if folder else "")


def save_figures(run: Run, folder: Path, suffix: str, tell: Callable[[str], None]) -> int:
    """Saves the figures, each with a legend, black on white. Returns their number. Raises OSError, OutputError."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    with style(ON_PAPER):
        for chart in charts.all_charts(run):
            path = folder / f"{chart.name}.{suffix}"
            tell(f"drawing {path}")
            check_output(path, f"{suffix.upper()} picture")
            drawn = chart.draw(run)
            if drawn is not None:
                charts.lay_out_with_legend(drawn)
                save_figure(drawn, path)
                count += 1
    return count


def make_report(loaded: list[LoadedRun], tell: Callable[[str], None] = lambda _: None) -> Report:
    """Returns the report of one run, or of several with a table of all. Calls `tell` with the progress."""
    parts = []
    for index, what in enumerate(loaded):

        def tell_of_it(text: str, place: str = f"{what.run.directory} ({index + 1} of {len(loaded)})") -> None:
            tell(f"{place}: {text}")

        parts.append(make_run_part(what, f"run{index}", tell_of_it))
    runs = [what.run for what in loaded]
    if len(runs) == 1:
        return Report(f"{name_of(runs[0])}: report", parts[0])
    links = "".join(f'<a href="#run{index}">{escape(name_of(run))}</a>' for index, run in enumerate(runs))
    head = f"<header><h1>{len(runs)} runs</h1><nav>{links}</nav></header>{make_overview(runs)}"
    return Report(f"{len(runs)} runs: report", head + "\n".join(parts))


def make_overview(runs: list[Run]) -> str:
    """Returns a table of all runs' results. A method's runs follow each other, so that seeds are easy to compare."""
    methods = list(dict.fromkeys(row.method for run in runs for row in run.results))
    metrics = list(dict.fromkeys(metric for run in runs for metric in run.metrics))
    rows = [
        [
            row.method,
            name_of(run),
            run.config.get("run", {}).get("seed", UNKNOWN),
            *(format_figure(metric, row.figures.get(metric.name, math.nan)) for metric in metrics),
            format_number(row.block_flops, ".3e"),
            format_number(row.rank_s / 3600, ".4g"),
            format_duration(row.wall_s),
        ]
        for method in methods
        for run in runs
        for row in run.results
        if row.method == method
    ]
    if not rows:
        return section("overview", "All runs", paragraph("No method is done in any of them yet."))
    headers = ["method", "run", "seed", *(metric.title for metric in metrics)]
    headers += ["block FLOPs", "rank-hours", "wall-clock"]
    return section("overview", "All runs", table(headers, rows, texts=2))


def make_run_part(loaded: LoadedRun, prefix: str, tell: Callable[[str], None]) -> str:
    """Returns the article of a run. Every identifier in it begins with `prefix`."""
    run, log = loaded.run, read_log(loaded.run.directory / "log.txt")

    def draw(shown: list[Chart], is_wide: bool = False) -> str:
        return draw_inline(run, shown, prefix, is_wide, tell)

    unmeasured = "No evaluation or step has been measured yet."
    curves = "".join(draw(charts.charts_of(metric)) for metric in run.metrics)
    phases = make_legend(run)
    steps = draw(charts.charts_of_steps())
    timeline_note = (
        "Grey: idle. Dashed: nothing ran for long, as between jobs. Groups with several trainings are divided."
    )
    sections: list[tuple[str, str, str]] = [
        ("results", "Results", comparison.make_results(run)),
        ("curves", "Accuracy and loss", phases + curves if curves else paragraph(unmeasured)),
        ("comparison", "Did Deep Incubation pay?", comparison.make_comparison(run, log)),
        ("paper", "Beside the paper", comparison.make_paper_table(run, log)),
        (
            "timeline",
            "Who trained what when",
            draw(charts.charts_of_timeline(), is_wide=True)
            + paragraph(tables.tell_idle(run))
            + paragraph(timeline_note, "note")
            + folded(f"{len(run.rounds)} rounds", tables.make_rounds(run)),
        ),
        (
            "speed",
            "Speed and waiting",
            tables.make_speeds(run) + phases + draw(charts.charts_of_speed()),
        ),
        ("steps", "Optimisation", tables.make_trainings(run) + (phases + steps if steps else "")),
        ("warnings", "Warnings", tables.make_warnings(log)),
        ("environment", "Environment", tables.make_environment(log) + tables.make_jobs(run)),
        ("configuration", "Configuration", folded("Effective settings", tables.make_configuration(run))),
    ]
    sections = [(name, title, content) for name, title, content in sections if content]
    links = "".join(f'<a href="#{prefix}-{name}">{escape(title)}</a>' for name, title, _ in sections)
    place = text_of(run.directory) + ("" if loaded.has_weights else ": figures alone, without checkpoints/")
    head = (
        f'<header><h1>{escape(name_of(run))} <span class="badge">{escape(run.state)}</span></h1>'
        f'<p class="note">{escape(place)}</p><nav>{links}</nav></header>'
    )
    body = "\n".join(section(f"{prefix}-{name}", title, content) for name, title, content in sections)
    problems = missing(loaded.problems) + missing(list_unfinished(run), "What is not done yet")
    return f'<article class="run" id="{prefix}">{head}\n{problems}{make_cards(run, log)}\n{body}</article>'


def list_unfinished(run: Run) -> list[str]:
    lines = []
    for training in run.trainings:
        if not training.is_done:
            of_all = f" of {training.total_steps:,}" if training.total_steps else ""
            lines.append(f"{training.name}: {training.state}, {training.step:,}{of_all} steps")
    reasons = [f"job {job.name} {job.state}: {job.reason}" for job in run.jobs if job.state not in ("done", "running")]
    return lines + reasons


def make_cards(run: Run, log: Log) -> str:
    metric = run.metrics[0]
    items = [
        (format_figure(metric, row.figures.get(metric.name, math.nan)), f"{metric.title}, {row.method}")
        for row in run.results[:3]
    ]
    comparisons = compare_methods(run)
    if comparisons:
        first = comparisons[0]
        difference = format_difference(metric, first.value - first.other_value)
        items.append((difference, f"{metric.unit_of_difference}, {first.method} over {first.other}"))
    skipped = sum(training.skipped_steps for training in run.trainings)
    items += [(f"{skipped:,}", "skipped steps"), (f"{len(log.remarks):,}", "warnings in the log")]
    return cards(items)


def make_legend(run: Run) -> str:
    items = []
    for phase in dict.fromkeys(training.phase for training in run.trainings):
        mark = MARKS.get(mark_of(run.table, phase), OTHER_MARK)
        text = label_of(run.table, phase, len(run.of_phase(phase)))
        items.append((charts.page_colour_of(run, phase), mark, text))
    if any(training.metrics is not None and not training.is_done for training in run.trainings):
        items.append(("var(--faint)", "\u22ef", "dotted: unfinished"))
    return legend(items)


def draw_inline(run: Run, shown: list[Chart], prefix: str, is_wide: bool, tell: Callable[[str], None]) -> str:
    """Returns the figure; empty if no chart has data."""
    drawn = []
    with style():
        for chart in shown:
            tell(f"drawing {chart.title}")
            made = chart.draw(run)
            if made is not None:
                charts.lay_out(made)
                svg = to_inline_svg(made, chart.title, f"{prefix}-{chart.name}")
                drawn.append(figure(chart.title, svg))
    return figures(drawn, is_wide) if drawn else ""


if __name__ == "__main__":
    start(main)
