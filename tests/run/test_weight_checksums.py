"""The table of weight checksums in README.md, and the script that prints it."""

from __future__ import annotations

from pathlib import Path

from weight_checksums import BEGIN, END, NUM_RANKS, make_table, read_table

from launch import REPOSITORY
from run_files import TRAININGS


def assert_equal_columns(table: str, num_columns: int) -> None:
    """Fails unless a training's checksums are equal, and those of two trainings are not."""
    rows = read_table(table)
    assert list(rows) == TRAININGS
    assert all(len(cells) == num_columns and len(set(cells)) == 1 for cells in rows.values()), table
    assert len({cells[0] for cells in rows.values()}) == len(TRAININGS)
    assert all(int(cells[0], 16) for cells in rows.values())


def test_columns_in_readme_agree() -> None:
    text = (REPOSITORY / "README.md").read_text()
    assert text.count(BEGIN) == text.count(END) == 1
    assert_equal_columns(text.partition(BEGIN)[2].partition(END)[0], 2 * len(NUM_RANKS))


def test_script_finds_equal_weights(tmp_path: Path) -> None:
    assert_equal_columns(make_table([1, 2], tmp_path), 4)
