"""Elements of HTML pages: the page, tiles, cards, tables."""

from collections.abc import Iterable, Sequence
from html import escape

from vae_keras._base import web_pages
from vae_runtime._base.printable import printable
from vae_runtime.verdicts import observed_rates

UNKNOWN = (observed_rates.UNKNOWN, observed_rates.TOO_FEW, observed_rates.BELOW)
MOST_COLUMNS = {"traces": 4, "small": 6}  # of charts side by side, by layout; of others 1
DASH = '<span class="none">&ndash;</span>'


def page(title: str, body: str) -> str:
    """Page with our style sheet inside, given its title as text and its body as HTML."""
    return web_pages.page(title, body, __package__)


def tiles(items: Iterable[tuple[str, str, str]]) -> str:
    """Figures side by side, each with its name above and a note below, all of them HTML."""
    each = (
        f"<div><dt>{name}</dt><dd>{value}</dd><dd>{note}</dd></div>\n"
        for name, value, note in items
    )
    return f'<dl class="tiles">\n{"".join(each)}</dl>'


def badge(said: str, state: str, *, warn: bool) -> str:
    """Badge of a promise: kept, broken, or not measured."""
    if warn:
        return f'<span class="badge warn">! {escape(said)}</span>'
    if state in UNKNOWN:
        return f'<span class="badge unknown">{escape(said)}</span>'
    return f'<span class="badge">✓ {escape(said)}</span>'


def bidi(text: str) -> str:
    """Text that was read: it may run from right to left, without turning what is around it."""
    return f"<bdi>{escape(printable(text))}</bdi>"


def card(title: str, text: str, charts: Sequence[str], layout: str = "one", kind: str = "") -> str:
    """Charts with a title and a caption; `layout` is how they stand beside each other."""
    rows = -(-len(charts) // MOST_COLUMNS.get(layout, 1))
    columns = -(-len(charts) // max(rows, 1))  # so that the last row is as full as it can be
    return (
        f'<figure class="card{kind and f" {kind}"}">\n'
        f"<figcaption>{title and f'<h3>{bidi(title)}</h3>'}<p>{escape(text)}</p></figcaption>\n"
        f'<div class="charts {layout}" style="--columns: {columns}">{"".join(charts)}</div>\n'
        "</figure>\n"
    )


def table(
    kind: str, heads: Sequence[str], rows: Iterable[tuple[str, Sequence[str]]], caption: str
) -> str:
    """Formats rows of a name and cells, all of them HTML already."""
    head = "".join(f'<th scope="col">{head}</th>' for head in heads)
    body = "".join(
        f'<tr><th scope="row">{name}</th>{"".join(map(_cell, cells))}</tr>\n'
        for name, cells in rows
    )
    return (
        f'<div class="scroll" tabindex="0"><table class="{kind}">\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
        f'<p class="note">{escape(caption)}</p>\n'
    )


def _cell(content: str) -> str:
    return f"<td>{content}</td>"


def percent(share: float | None) -> str:
    """Formats a share in percent."""
    return DASH if share is None else f"{100 * share:.3g} %"
