"""Writes the figures of kept runs into README.md and analysis/results/README.md, which quote them.

    python analysis/quote_results.py               # both, from analysis/results/; in the repository's root
    python analysis/quote_results.py --pictures    # the pictures of the report too; that takes a Chromium
    python analysis/quote_results.py --check       # changes nothing, lists what differs from the runs

It also draws the study's figure if it can.

A document has a block for each quotation, between <!-- NAME, by analysis/quote_results.py --> and <!-- end of NAME -->.
keep_results.py puts the runs into analysis/results/. People write the conclusions from the figures.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import xxhash

from command_line.any_locale import start
from comparisons.groups import Interval, confidence_interval, estimate
from report import make_report
from report_page.page import page
from report_page.picture import NoBrowserError, read_source, take_pictures
from run_directory.data import NotARunError, Run, format_results, load_run
from run_directory.recovery import load_what_is_there
from study_runs.figure import draw_depth
from study_runs.results import load_study
from study_runs.tables import quote_study, tabulate_controls

SEEDS = (0, 1, 2)
RUNS = {  # by network and precision
    "quickstart": ("quickstart", "quickstart-seed-1", "quickstart-seed-2"),
    "fp32": ("fp32-seed-0", "fp32-seed-1", "fp32-seed-2"),
    "bf16": ("bf16-seed-0", "bf16-seed-1", "bf16-seed-2"),
}
METHODS = ("Deep Incubation", "end to end")
COMPARED = (1, 2)  # places of end to end and of grown
CONTROLS = ("grown from the meta model", "shallow for the whole budget", "meta model alone")
PICTURED = "quickstart"
SCHEMES = ("light", "dark")
PICTURE_WIDTH = 1120  # pixels
LAST_PICTURED = ".figures"  # the curves of accuracy


class QuotationError(Exception):
    """A quotation cannot be made; the message says what is missing and what to do."""


def quote_quickstart(results: Path) -> str:
    """Returns how the quickstart was run, and the table as the program printed it."""
    run = load(results / RUNS["quickstart"][0], seed=0, precision="fp32")
    minutes = sum(row.wall_s for row in run.results if row.method in METHODS) / 60
    head = f"{tell_job(run)}, fp32, seed 0; {minutes:.1f} minutes of training:"
    return f"{head}\n\n```\n{format_results(run)}\n```"


def quote_seeds(results: Path) -> str:
    """Returns top-1 of the quickstart's trainings with each seed, and what Deep Incubation has more or less."""
    names = (*METHODS, *CONTROLS)
    values = top1_by_method(load_seeds(results, "quickstart"), names)
    differences = [(f"{names[0]} less {names[i]}", values[0], values[i]) for i in COMPARED]
    return make_table(list(zip(names, values, strict=True)), differences)


def quote_precision(results: Path) -> str:
    """Returns top-1 in bf16, and its difference from fp32 with the same seed."""
    single, half = (top1_by_method(load_seeds(results, precision), METHODS) for precision in ("fp32", "bf16"))
    rows = [(f"{method}, bf16", top1) for method, top1 in zip(METHODS, half, strict=True)]
    both = zip(METHODS, half, single, strict=True)
    changes = [(f"{method}, bf16 less fp32", ours, theirs) for method, ours, theirs in both]
    return make_table(rows, changes)


def quote_controls(results: Path) -> str:
    """Returns the study's validation top-1 by depth and method."""
    return tabulate_controls(load_study(results / "study"))


def tell_seeds(results: Path) -> str:
    """Returns what quote_seeds() has in two sentences."""
    values = top1_by_method(load_seeds(results, "quickstart"), (*METHODS, *CONTROLS))
    names = (*METHODS, "grown", "shallow", "meta model alone")
    spreads = [
        f"{name} {estimate(of_name).mean:.1f} ({min(of_name):.1f} to {max(of_name):.1f})"
        for name, of_name in zip(names, values, strict=True)
    ]
    differences = []
    for i in COMPARED:
        by_seed, interval = compare_seeds(values[0], values[i])
        differences.append(f"{names[i]} by {estimate(by_seed).mean:+.1f} ({interval.low:+.1f} to {interval.high:+.1f})")
    return (
        f"Mean of {len(SEEDS)} seeds, lowest to highest: {', '.join(spreads)}.\n"
        f"Deep Incubation differs from {' and from '.join(differences)} points (95 % intervals)."
    )


FIRST_PAGE: dict[str, Callable[[Path], str]] = {"seeds in words": tell_seeds}
BESIDE_RUNS: dict[str, Callable[[Path], str]] = {
    "quickstart": quote_quickstart,
    "seeds": quote_seeds,
    "precision": quote_precision,
    "controls": quote_controls,
}


def load(directory: Path, seed: int, precision: str) -> Run:
    """Returns a run. Raises QuotationError if the READMEs describe another one."""
    run = load_run(directory)
    found = (run.settings.get("run.seed"), run.settings.get("run.precision"), run.state)
    if found != (str(seed), precision, "done"):
        raise QuotationError(
            f"{directory} has seed {found[0]} and precision {found[1]} and is {found[2]}; the READMEs quote a "
            f"finished run with seed {seed} in {precision}. Keep that one under this name."
        )
    return run


def load_seeds(results: Path, group: str) -> list[Run]:
    """Returns the runs of a group of RUNS by seed (SEEDS)."""
    precision = "bf16" if group == "bf16" else "fp32"
    return [load(results / name, seed, precision) for seed, name in zip(SEEDS, RUNS[group], strict=True)]


def tell_job(run: Run) -> str:
    """Returns when the job ended, and its ranks. REQUIRES: the run was one job."""
    (job,) = run.jobs
    return f"{job.updated[:10]}, {job.num_ranks} ranks"


def top1_of(run: Run, method: str) -> float:
    """Returns top-1 in percent."""
    for row in run.results:
        if row.method == method:
            return 100 * row.figures["top1"]
    raise QuotationError(f"{run.directory} has no {method}, which the READMEs quote. Keep a run that has trained it.")


def top1_by_method(runs: list[Run], methods: Sequence[str]) -> list[list[float]]:
    return [[top1_of(run, method) for run in runs] for method in methods]


def compare_seeds(values: list[float], others: list[float]) -> tuple[list[float], Interval]:
    """Returns the difference for each seed, and the 95 % interval of the mean."""
    by_seed = [value - other for value, other in zip(values, others, strict=True)]
    interval = confidence_interval(estimate(by_seed))
    assert interval is not None  # there are several seeds
    return by_seed, interval


def make_table(rows: list[tuple[str, list[float]]], differences: list[tuple[str, list[float], list[float]]]) -> str:
    """Returns a table of top-1 in percent with a column for each seed: values, then differences of two lists."""
    lines = [
        f"| top-1 (%) | {' | '.join(f'seed {seed}' for seed in SEEDS)} | mean | 95 % interval of the mean |",
        "|---" * (len(SEEDS) + 3) + "|",
    ]
    lines += [make_row(name, values, ".2f") for name, values in rows]
    for name, values, others in differences:
        by_seed, interval = compare_seeds(values, others)
        lines.append(make_row(name, by_seed, "+.2f", f"{interval.low:+.2f} to {interval.high:+.2f}"))
    return "\n".join(lines)


def make_row(name: str, values: list[float], form: str, interval: str = "") -> str:
    mean = f"{estimate(values).mean:{form}}"
    return f"| {' | '.join([name, *(f'{value:{form}}' for value in values), mean, interval])} |"


def list_quotations(readme: Path, results: Path) -> list[tuple[Path, str, str]]:
    """Returns document, name and content of each block. Raises QuotationError or NotARunError."""
    beside = results / "README.md"
    return [
        *((readme, name, quote(results)) for name, quote in FIRST_PAGE.items()),
        *((beside, name, quote(results)) for name, quote in BESIDE_RUNS.items()),
        *((beside, name, content) for name, content in quote_study(results).items()),
    ]


def replace_block(text: str, name: str, content: str, document: str) -> str:
    """Returns the new text of `document`. Raises QuotationError unless `text` has exactly one block `name`."""
    begin, end = f"<!-- {name}, by analysis/quote_results.py -->", f"<!-- end of {name} -->"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise QuotationError(
            f"{document} has {text.count(begin)} lines '{begin}' and {text.count(end)} lines '{end}', between which "
            "the figures stand. Write each once, in this order."
        )
    before, _, rest = text.partition(begin)
    return f"{before}{begin}\n{content}\n{end}{rest.partition(end)[2]}"


def digest_of(directory: Path) -> str:
    """Returns a digest of a run's figures."""
    digest = xxhash.xxh3_64()
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        digest.update(f"{path.relative_to(directory)}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def paths_of_pictures(results: Path) -> dict[str, Path]:
    """Returns the paths by colour scheme."""
    return {scheme: results / f"{PICTURED}-{scheme}.png" for scheme in SCHEMES}


def draw_pictures(results: Path) -> None:
    """Draws the pictures of the report of a run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        report = make_report([load_what_is_there(results / PICTURED)])
        path.write_text(page(report.title, report.body), encoding="utf-8")
        take_pictures(
            path, paths_of_pictures(results), PICTURE_WIDTH, LAST_PICTURED, source=digest_of(results / PICTURED)
        )


def find_stale_pictures(results: Path) -> list[Path]:
    digest = digest_of(results / PICTURED)
    pictures = paths_of_pictures(results).values()
    return [path for path in pictures if not path.is_file() or read_source(path) != digest]


def draw_study(results: Path) -> None:
    study = load_study(results / "study")
    for scheme in SCHEMES:
        draw_depth(study, scheme, results / "study" / f"depth-{scheme}.png", tabulate_controls(study))


def find_stale_figures(results: Path) -> list[Path]:
    """Returns the study's figures that were drawn from another table than the one of the controls."""
    table = tabulate_controls(load_study(results / "study"))
    return [path for path in sorted((results / "study").glob("depth-*.png")) if read_source(path) != table]


def check(readme: Path, results: Path) -> list[str]:
    """Returns a sentence for each quotation that differs from the runs. Raises QuotationError or NotARunError."""
    sentences = []
    for document, name, content in list_quotations(readme, results):
        text = document.read_text(encoding="utf-8")
        if replace_block(text, name, content, document.name) != text:
            sentences.append(f"{document}: {name} is not what the runs in {results} say, which is\n\n{content}\n")
    sentences += [f"{path}: not of the run in {results / PICTURED}" for path in find_stale_pictures(results)]
    sentences += [f"{path}: not of the runs in {results / 'study'}" for path in find_stale_figures(results)]
    return sentences


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Writes figures of kept runs into the READMEs that quote them.")
    parser.add_argument("--readme", type=Path, default=Path("README.md"), metavar="FILE")
    parser.add_argument("--results", type=Path, default=Path("analysis/results"), metavar="FOLDER")
    parser.add_argument("--pictures", action="store_true", help="make those of the report too, with a Chromium")
    parser.add_argument("--check", action="store_true", help="change nothing; status 1 if something is out of date")
    options = parser.parse_args(arguments)
    readme, results = options.readme, options.results
    try:
        if options.check:
            sentences = check(readme, results)
            print("\n".join(sentences) if sentences else f"{readme} and {results}/README.md have what the runs say")
            return 1 if sentences else 0
        texts: dict[Path, str] = {}
        for document, name, content in list_quotations(readme, results):
            text = texts.get(document) or document.read_text(encoding="utf-8")
            texts[document] = replace_block(text, name, content, document.name)
        for document, text in texts.items():
            document.write_text(text, encoding="utf-8")
        draw_study(results)
        if options.pictures:
            draw_pictures(results)
    except UnicodeDecodeError as error:
        print(f"quote_results: {readme} is no text in UTF-8 ({error}). Copy it again.", file=sys.stderr)
        return 2
    except (NoBrowserError, NotARunError, QuotationError) as error:
        print(f"quote_results: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"quote_results: {error.filename}: {error.strerror}. Start it in the repository's root.", file=sys.stderr)
        return 2
    print(" and ".join(map(str, texts)), "written")
    return 0


if __name__ == "__main__":
    start(main)
