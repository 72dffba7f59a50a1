"""Tests that what the READMEs quote equals the runs in analysis/results/; `analysis/quote_results.py` writes it."""

from __future__ import annotations

import re
import shutil
from math import sqrt
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from keep_results import read_figures
from launch import REPOSITORY
from made_up_run import T_2, MadeUp, deep_incubation, end_to_end, write_run
from quote_results import BESIDE_RUNS, FIRST_PAGE, check, digest_of, main, paths_of_pictures
from quote_results import RUNS as QUOTED
from report_page.marks import COLOURS
from report_page.picture import read_source, save_small
from run_directory.data import format_results, load_run
from run_files import flip_byte, verify_files

RESULTS = REPOSITORY / "analysis" / "results"
RUNS = [name for names in QUOTED.values() for name in names]
MOST_PICTURE_BYTES = 250_000


def test_readmes_have_what_the_kept_runs_say() -> None:
    assert check(REPOSITORY / "README.md", RESULTS) == []


@pytest.mark.parametrize("name", RUNS)
def test_kept_runs_are_whole(name: str) -> None:
    """Checksums are right, and summaries agree with metrics."""
    run = RESULTS / name
    assert verify_files(run) == (10 if name.startswith("quickstart") else 8)
    contents = read_figures(run)
    assert {path: (run / path).read_bytes() for path in contents} == contents  # nothing is left to be anonymised
    table = format_results(load_run(run))
    # Older programs called it "test loss", in a narrower column.
    log = (run / "log.txt").read_text().replace("test loss", "validation loss")
    assert re.sub(" +", " ", table) in re.sub(" +", " ", log)


def test_nothing_else_is_kept() -> None:
    folders = {path.name for path in RESULTS.iterdir() if path.is_dir()}
    assert folders - {"study"} == set(RUNS)
    assert {path.name for path in RESULTS.iterdir() if path.is_file()} == {
        *("README.md", "quickstart-light.png", "quickstart-dark.png")
    }
    for picture in paths_of_pictures(RESULTS).values():
        assert picture.stat().st_size <= MOST_PICTURE_BYTES
        assert picture.name in (RESULTS / "README.md").read_text()


def test_changed_results_are_found(tmp_path: Path) -> None:
    """A changed figure in a run, or in a README, is reported with the runs' figure."""
    results = shutil.copytree(RESULTS, tmp_path / "results")
    readme = Path(shutil.copy(REPOSITORY / "README.md", tmp_path / "README.md"))
    assert check(readme, results) == []
    rows = load_run(results / "quickstart-seed-1").results
    top1 = next(row.figures["top1"] for row in rows if row.method == "end to end")
    summary = results / "quickstart-seed-1" / "summary.json"
    summary.write_text(summary.read_text().replace(f'"top1": {top1}', f'"top1": {top1 + 0.01}'))
    sentences = check(readme, results)
    beside = results / "README.md"
    blocks = ((readme, "seeds in words"), (beside, "seeds"))
    wrong = [f"{path}: {name} is not what the runs in {results} say" for path, name in blocks]
    assert [sentence.partition(",")[0] for sentence in sentences] == wrong
    assert f" to {100 * top1 + 1:.1f})" in sentences[0] and f" {100 * top1 + 1:.2f} " in sentences[1]

    quoted = f"{100 * load_run(results / 'quickstart').results[0].figures['top1']:.2f}%"
    beside.write_text(beside.read_text().replace(quoted, "99.99%"))
    assert len(check(readme, results)) == 3
    assert main(["--check", f"--readme={readme}", f"--results={results}"]) == 1
    assert main([f"--readme={readme}", f"--results={results}"]) == 0
    assert main(["--check", f"--readme={readme}", f"--results={results}"]) == 0
    assert "99.99%" not in beside.read_text()

    flip_byte(results / "quickstart" / "log.txt")
    stale = check(readme, results)
    assert stale == [
        f"{path}: not of the run in {results / 'quickstart'}" for path in paths_of_pictures(results).values()
    ]


def write_runs(folder: Path) -> Path:
    """Writes runs: fp32 methods differ by -6, -5, -4 points; bf16 end to end is 1, 2, 3 points better.

    Grown is one point above Deep Incubation, shallow 10.
    """
    tops = {"fp32": [(0.70, 0.76), (0.72, 0.77), (0.74, 0.78)], "bf16": [(0.70, 0.77), (0.72, 0.79), (0.74, 0.81)]}
    for group, names in QUOTED.items():
        precision = "bf16" if group == "bf16" else "fp32"
        for seed, (name, (ours, theirs)) in enumerate(zip(names, tops[precision], strict=True)):
            trainings = deep_incubation(ours) + end_to_end(theirs)
            trainings += [MadeUp(of, of, (ours + more,), 600, 60) for of, more in (("grown", 0.01), ("shallow", 0.1))]
            write_run(folder / name, trainings, seed=seed, settings={"run.precision": precision})
    return folder


def test_figures_by_hand(tmp_path: Path) -> None:
    results = write_runs(tmp_path)
    assert BESIDE_RUNS["quickstart"](results) == (
        "2026-01-31, 2 ranks, fp32, seed 0; 2.0 minutes of training:\n\n"
        "```\n"
        "method                         top-1  validation loss  block FLOPs  rank-hours  wall-clock  critical path\n"
        "Deep Incubation               70.00%           2.0000    6.000e+02      0.0333        1:00           1:00\n"
        "end to end                    76.00%           2.0000    6.000e+02      0.0667        1:00           1:00\n"
        "grown from the meta model     71.00%           2.0000    7.000e+02      0.0389        1:10           1:10\n"
        "shallow for the whole budget  80.00%           2.0000    6.000e+02      0.0333        1:00           1:00\n"
        "meta model alone              30.00%           2.0000    1.000e+02      0.0056        0:10           0:10\n"
        "```"
    )
    half = T_2 / sqrt(3)  # of points with a standard deviation of 1
    assert BESIDE_RUNS["seeds"](results).splitlines() == [
        "| top-1 (%) | seed 0 | seed 1 | seed 2 | mean | 95 % interval of the mean |",
        "|---|---|---|---|---|---|",
        "| Deep Incubation | 70.00 | 72.00 | 74.00 | 72.00 |  |",
        "| end to end | 76.00 | 77.00 | 78.00 | 77.00 |  |",
        "| grown from the meta model | 71.00 | 73.00 | 75.00 | 73.00 |  |",
        "| shallow for the whole budget | 80.00 | 82.00 | 84.00 | 82.00 |  |",
        "| meta model alone | 30.00 | 30.00 | 30.00 | 30.00 |  |",
        f"| Deep Incubation less end to end | -6.00 | -5.00 | -4.00 | -5.00 | {-5 - half:+.2f} to {-5 + half:+.2f} |",
        "| Deep Incubation less grown from the meta model | -1.00 | -1.00 | -1.00 | -1.00 | -1.00 to -1.00 |",
    ]
    assert FIRST_PAGE["seeds in words"](results).splitlines() == [
        "Mean of 3 seeds, lowest to highest: Deep Incubation 72.0 (70.0 to 74.0), end to end 77.0 (76.0 to 78.0), "
        "grown 73.0 (71.0 to 75.0), shallow 82.0 (80.0 to 84.0), meta model alone 30.0 (30.0 to 30.0).",
        f"Deep Incubation differs from end to end by -5.0 ({-5 - half:+.1f} to {-5 + half:+.1f}) and from grown by "
        "-1.0 (-1.0 to -1.0) points (95 % intervals).",
    ]
    assert BESIDE_RUNS["precision"](results).splitlines()[2:] == [
        "| Deep Incubation, bf16 | 70.00 | 72.00 | 74.00 | 72.00 |  |",
        "| end to end, bf16 | 77.00 | 79.00 | 81.00 | 79.00 |  |",
        "| Deep Incubation, bf16 less fp32 | +0.00 | +0.00 | +0.00 | +0.00 | +0.00 to +0.00 |",
        f"| end to end, bf16 less fp32 | +1.00 | +2.00 | +3.00 | +2.00 | {2 - half:+.2f} to {2 + half:+.2f} |",
    ]


def test_what_cannot_be_quoted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = write_runs(tmp_path / "results")
    readme = tmp_path / "README.md"
    blocks = [f"<!-- {name}, by analysis/quote_results.py -->\n<!-- end of {name} -->" for name in FIRST_PAGE]

    def quote(text: str, *arguments: str) -> str:
        readme.write_text(text)
        assert main([f"--readme={readme}", f"--results={results}", *arguments]) == 2
        assert readme.read_text() == text
        (line,) = capsys.readouterr().err.splitlines()
        return line.removeprefix("quote_results: ")

    assert quote("") == (
        "README.md has 0 lines '<!-- seeds in words, by analysis/quote_results.py -->' and 0 lines "
        "'<!-- end of seeds in words -->', between which the figures stand. Write each once, in this order."
    )
    shutil.rmtree(results / "quickstart-seed-1")
    (results / "quickstart-seed-2").rename(results / "quickstart-seed-1")
    assert quote("\n".join(blocks)) == (
        f"{results}/quickstart-seed-1 has seed 2 and precision fp32 and is done; the READMEs quote a finished run with "
        "seed 1 in fp32. Keep that one under this name."
    )
    shutil.rmtree(results / "quickstart")
    assert quote("\n".join(blocks)).startswith(f"{results}/quickstart is not a run directory")


def test_pictures_are_cut_and_say_what_they_show(tmp_path: Path) -> None:
    """Pictures have fewer colours, and rare colours of the figures survive."""
    whole, small = tmp_path / "whole.png", tmp_path / "small.png"
    shades = np.arange(256, dtype=np.uint8)
    pixels = np.stack(np.broadcast_arrays(shades[:, None], shades[None, :], 255 - shades[:, None]), axis=2)
    for index, colour in enumerate(COLOURS.values()):
        pixels[2:5, 10 * index : 10 * index + 3] = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    Image.fromarray(pixels).save(whole)
    run = write_run(tmp_path / "run", end_to_end(0.5))
    save_small(whole, small, 200, digest_of(run))
    with Image.open(small) as image:
        assert image.mode == "P" and image.size == (256, 200)
        kept = np.asarray(image.convert("RGB"))
    for index in range(len(COLOURS)):
        expected, found = (picture[3, 10 * index + 1].astype(int) for picture in (pixels, kept))
        assert np.abs(expected - found).max() <= 16, list(COLOURS)[index]
    assert read_source(small) == digest_of(run) and read_source(whole) == ""
    (run / "config.ini").write_text("other")
    assert read_source(small) != digest_of(run)
