"""The HTML elements of a report's page, styled by report.css. Nothing is loaded from elsewhere."""

from __future__ import annotations

import html
from collections.abc import Sequence
from pathlib import Path

STYLE = (Path(__file__).resolve().parent / "report.css").read_text(encoding="utf-8")


def escape(text: object) -> str:
    return html.escape(str(text))


def paragraph(text: str, kind: str = "") -> str:
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(items: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(item)}</li>" for item in items) + "</ul>"


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1, long: int | None = None) -> str:
    """Returns a table. The first `texts` columns are text, the others numbers, except long text in column `long`."""

    def cell(tag: str, index: int, text: str) -> str:
        kinds = (["text"] if index < texts or index == long else []) + (["long"] if index == long else [])
        kind = f' class="{" ".join(kinds)}"' if kinds else ""
        return f"<{tag}{kind}>{escape(text)}</{tag}>"

    def line(tag: str, texts_: Sequence[str]) -> str:
        return "<tr>" + "".join(cell(tag, index, text) for index, text in enumerate(texts_)) + "</tr>"

    body = "\n".join(line("td", row) for row in rows)
    return f'<div class="scroll"><table><thead>{line("th", headers)}</thead>\n<tbody>{body}</tbody></table></div>'


def cards(items: Sequence[tuple[str, str]]) -> str:
    """Returns cards, each with a value and its meaning."""
    inner = "".join(
        f'<div class="card"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in items
    )
    return f'<div class="cards">{inner}</div>'


def legend(items: Sequence[tuple[str, str, str]]) -> str:
    """Returns a legend. An item is a CSS colour, a mark and its meaning."""
    inner = "".join(
        f'<li><i style="color: {colour}">{escape(mark)}</i>{escape(text)}</li>' for colour, mark, text in items
    )
    return f'<ul class="legend">{inner}</ul>'


def figure(title: str, svg: str) -> str:
    return f"<figure><figcaption>{escape(title)}</figcaption>\n{svg}\n</figure>"


def figures(items: Sequence[str], is_wide: bool = False) -> str:
    return f'<div class="{"wide" if is_wide else "figures"}">' + "\n".join(items) + "</div>"


def folded(title: str, content: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{content}</details>"


def preformatted(text: str) -> str:
    return f"<pre>{escape(text)}</pre>"


def missing(items: Sequence[str], title: str = "What is missing or damaged") -> str:
    return f'<div class="missing">{paragraph(title)}{bullets(items)}</div>' if items else ""


def section(identifier: str, title: str, content: str) -> str:
    return f'<section id="{identifier}"><h2>{escape(title)}</h2>\n{content}\n</section>'


def page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )
