"""A small picture of a report's page, taken by a Chromium without a window."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from report_page.headless_browser import find_browser, open_page

NUM_COLOURS = 128  # of the palette: few colours, and their mixtures at the edges of letters
MARGIN = 16  # pixels
SOURCE = "Source"  # PNG keyword for the source of a picture


class NoBrowserError(Exception):
    """No browser was found; the message says what to install."""


def take_pictures(page: Path, outputs: dict[str, Path], width: int, last: str, source: str) -> None:
    """Saves the page from its top to the first element `last`, a CSS selector, in each colour scheme: light, dark.

    `width` is in pixels. Raises NoBrowserError or OSError.
    """
    browser = find_browser()
    if browser is None:
        raise NoBrowserError("there is no Chromium, which makes the pictures. Run jobscripts/setup.sh --tests as root.")
    with tempfile.TemporaryDirectory() as folder:
        profile, whole = Path(folder) / "profile", Path(folder) / "whole.png"
        profile.mkdir()
        with open_page(browser, profile) as tab:
            for scheme, output in outputs.items():
                tab.show(page, width, scheme)
                tab.screenshot(whole)
                bottom = tab.evaluate(f"document.querySelector('{last}').getBoundingClientRect().bottom + scrollY")
                save_small(whole, output, round(bottom) + MARGIN, source)


def save_small(whole: Path, output: Path, height: int, source: str) -> None:
    """Saves the upper `height` pixels with a palette. Raises OSError."""
    note = PngInfo()
    note.add_text(SOURCE, source)
    with Image.open(whole) as picture:
        upper = picture.convert("RGB").crop((0, 0, picture.width, min(height, picture.height)))
    # By coverage: a palette by frequency would give a figure's small marks the colour of their neighbours.
    small = upper.quantize(NUM_COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(output, format="PNG", optimize=True, pnginfo=note)


def read_source(picture: Path) -> str:
    """Returns the source of the picture; empty if unknown."""
    try:
        with Image.open(picture) as image:
            return str(image.info.get(SOURCE, ""))
    except UnidentifiedImageError:
        return ""
