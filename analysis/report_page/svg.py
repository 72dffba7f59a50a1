"""Converts matplotlib figures to SVG within a page, whose colours follow the page, or to files for a paper."""

from __future__ import annotations

import contextlib
import html
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from report_page.marks import COLOURS

FORMATS = ["svg", "png"]
# These colours stand for the page's: text and axes, grid lines, background.
INK, GRID, GROUND = "#010203", "#020304", "#030405"
ON_PAGE = {INK: "currentColor", GRID: "var(--line)", GROUND: "var(--ground)"} | {
    colour.lower(): f"var(--{phase.replace('_', '-')})" for phase, colour in reversed(COLOURS.items())
}
ON_PAPER = {INK: "#000000", GRID: "#DDDDDD", GROUND: "#FFFFFF"}


@contextlib.contextmanager
def style(colours: dict[str, str] | None = None) -> Iterator[None]:
    """Styles every figure made within the context: for a page, or with the colours of ON_PAPER for a file."""
    ink, grid, ground = ((colours or {}).get(colour, colour) for colour in (INK, GRID, GROUND))
    settings: Any = {
        "axes.axisbelow": True,
        "axes.edgecolor": ink,
        "axes.facecolor": "none",
        "axes.grid": True,
        "axes.labelcolor": ink,
        "axes.labelsize": 10,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlecolor": ink,
        "axes.titlesize": 11,
        "figure.facecolor": ground,
        "font.size": 10,
        "grid.color": grid,
        "grid.linewidth": 0.8,
        "legend.frameon": False,
        "legend.labelcolor": ink,
        "lines.markeredgecolor": ground,
        "svg.fonttype": "none",  # text stays text: small, searchable
        "svg.hashsalt": "incubate",  # equal figures give equal files
        "text.color": ink,
        "xtick.color": ink,
        "ytick.color": ink,
    }
    with matplotlib.rc_context(settings):
        yield


def to_inline_svg(figure: Figure, title: str, prefix: str) -> str:
    """Returns a self-contained <svg> element. `prefix` makes its ids unique on the page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->|<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)
    view_box = re.search(r'viewBox="([^"]*)"', svg)
    assert view_box is not None
    head = f'<svg class="chart" viewBox="{view_box[1]}" role="img" aria-label="{html.escape(title)}">'
    svg = re.sub(r"<svg[^>]*>", head, svg, count=1)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'xlink:href="#', f'href="#{prefix}-', svg)
    svg = svg.replace("url(#", f"url(#{prefix}-")
    svg = re.sub(r"font-family: (?:&\w+;|[^;\"])*;? ?", "", svg)  # the page's font applies
    for colour, replacement in ON_PAGE.items():
        svg = svg.replace(colour, replacement)
    return re.sub(r"\n\s*", "\n", svg).strip()


def save_figure(figure: Figure, path: Path) -> None:
    """Saves the figure. Raises OSError."""
    if path.suffix == ".png":
        figure.savefig(path, dpi=200)
    else:
        figure.savefig(path, metadata={"Date": None})
