"""Page of a survey: one file without scripts, the command first, a plot of each column."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from vae_keras.survey.records import Column, Survey

from .plots import plot
from .table import range_of
from .words import counted, share

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header><h1>{title}</h1>
{heading}</header>
<main>
<section><h2>To train</h2>
<pre>{command}</pre>
<ul>
{notes}</ul></section>
<section><h2>Columns</h2>
{legend}<div class="album">
{cards}</div></section>
</main>
</body>
</html>
"""


def page(survey: Survey, *, heading: Sequence[str], notes: Sequence[str], command: str) -> str:
    """The page as HTML.

    Args:
        survey: of a table.
        heading: lines on the table as a whole, the first of which is the title.
        notes: sentences.
        command: to train with.
    """
    marks = None if survey.label is None else survey.column(survey.label).sample
    legend = (
        "" if marks is None else f"<p>Shaded: rows that {escape(survey.label or '')} marks.</p>\n"
    )
    return PAGE.format(
        title=escape(heading[0]),
        style=(files(__package__) / "page.css").read_text(),
        heading="".join(f"<p>{escape(line)}</p>\n" for line in heading[1:]),
        command=escape(command),
        notes="".join(f"<li>{escape(line)}</li>\n" for line in notes),
        legend=legend,
        cards="".join(
            _card(column, None if column.name == survey.label else marks)
            for column in survey.columns
        ),
    )


def _card(column: Column, marks: object) -> str:
    name = column.name or "(no name)"
    absent = share(column.missing + sum(column.strange.values()), column.rows)
    codes = ", ".join(
        f"{code.value:g} in {share(code.count, column.rows)} of the rows" for code in column.codes
    )
    different = (
        "many different values"
        if column.distinct is None
        else counted(column.distinct, "different value")
    )
    facts = [range_of(column), different, absent and f"{absent} missing", codes]
    return (
        f'<div class="card"><h3>{escape(name)} <span>{column.kind}</span></h3>\n'
        f"<p>{escape('; '.join(fact for fact in facts if fact))}</p>\n"
        f"{plot(column.sample, marks, name)}</div>\n"  # type: ignore[arg-type]
    )
