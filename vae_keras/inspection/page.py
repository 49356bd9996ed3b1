"""Page of HTML: one file without scripts, the command first, a plot of each column."""

from collections.abc import Sequence
from html import escape

from vae_keras._base import web_pages
from vae_keras._base.arrays import Array
from vae_keras.survey.records import Column, Survey
from vae_keras.survey.words import counted, share

from .plots import plot
from .table import range_of

BODY = """<header><h1>{title}</h1>
{heading}</header>
<main>
<section><h2>To train</h2>
<pre>{command}</pre>
<ul>
{notes}</ul></section>
<section><h2>Contents</h2>
{contents}</section>
</main>"""


def page(
    heading: Sequence[str],
    notes: Sequence[str],
    command: str,
    *,
    contents: Sequence[str],
    cards: Sequence[str],
    legend: str,
) -> str:
    """The page.

    Args:
        heading: lines on the whole, the first of which is the title.
        notes: sentences.
        command: to train with.
        contents: lines of a table, shown where there are no cards.
        cards: of HTML.
        legend: of the cards.
    """
    album = f'<p>{escape(legend)}</p>\n<div class="album">\n{"".join(cards)}</div>'
    lines = "\n".join(contents)
    body = BODY.format(
        title=escape(heading[0]),
        heading="".join(f"<p>{escape(line)}</p>\n" for line in heading[1:]),
        command=escape(command),
        notes="".join(f"<li>{escape(line)}</li>\n" for line in notes),
        contents=album if cards else f"<pre>{escape(lines)}</pre>",
    )
    return web_pages.page(heading[0], body, __package__)


def cards_of(survey: Survey) -> tuple[str, ...]:
    """A card with a plot for each column of a table; rows that are anomalies are shaded."""
    label = survey.label
    marks = None if label is None else survey.column(label).sample
    return tuple(_card(c, None if c.name == label else marks) for c in survey.columns)


def _card(column: Column, marks: Array | None) -> str:
    name = column.name or "(no name)"
    return (
        f'<div class="card"><h3>{escape(name)} <span>{column.kind}</span></h3>\n'
        f"<p>{escape('; '.join(_facts(column)))}</p>\n"
        f"{plot(column.sample, marks, name)}</div>\n"
    )


def _facts(column: Column) -> list[str]:
    absent = share(column.missing + sum(column.strange.values()), column.rows)
    coded = [
        f"{code.value:g} in {share(code.count, column.rows)} of the rows" for code in column.codes
    ]
    different = "many different values"
    if column.distinct is not None:
        different = counted(column.distinct, "different value")
    return [f for f in (range_of(column), different, absent and f"{absent} missing", *coded) if f]
