"""Reads the page of a report, and fails if it is malformed or loads something from elsewhere."""

from __future__ import annotations

import re
import struct
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

VOID = {"meta", "link", "br", "hr", "img", "input"}


class PageReader(HTMLParser):
    """Notes the content of a page; fails if tags do not match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: Counter[str] = Counter()
        self.tags: Counter[str] = Counter()
        self.references: list[str] = []
        self.texts: list[str] = []
        self.mark_styles: list[str] = []  # of figures
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        if tag == "use":
            self.mark_styles.append(dict(attrs).get("style") or "")
        for name, value in attrs:
            if name == "id":
                self.ids[value or ""] += 1
            elif name in ("src", "href", "xlink:href", "srcset", "data", "action"):
                self.references.append(value or "")
            elif value and "url(" in value:
                self.references += re.findall(r"url\(([^)]*)\)", value)


def parse_page(text: str) -> tuple[PageReader, str]:
    """Returns the parsed page and its text. Fails if the page would load anything from elsewhere."""
    page = PageReader(text)
    assert [ref for ref in page.references if not ref.startswith(("#", "data:"))] == []
    assert page.tags["script"] == 0
    assert "@import" not in text and "@font-face" not in text
    assert [name for name, count in page.ids.items() if count > 1] == []
    assert [ref for ref in page.references if ref.startswith("#") and ref[1:] not in page.ids] == []
    return page, " ".join(page.texts)


def read_page(path: Path) -> tuple[PageReader, str]:
    return parse_page(path.read_text(encoding="utf-8"))


def read_png_size(path: Path) -> tuple[int, int]:
    header = path.read_bytes()[:24]
    assert header[:8] == b"\x89PNG\r\n\x1a\n"
    assert header[12:16] == b"IHDR"
    width, height = struct.unpack(">II", header[16:])
    return width, height
