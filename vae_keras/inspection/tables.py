"""Findings on tables."""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

from vae_keras.survey.records import Column, Survey

from .command import data_of, is_exact, plan, train_command
from .findings import Findings
from .notes import heading, notes
from .page import cards_of
from .sparklines import BARS
from .table import table


def inspect_table(
    survey: Survey, sources: Sequence[str], reading: Sequence[str] = (), *, bars: str = BARS
) -> Findings:
    """Findings on a table.

    Args:
        survey: of it.
        sources: files and folders, as they were typed.
        reading: options by which they were read.
        bars: characters of sparklines, from low to high.
    """
    return Findings(
        heading=tuple(heading(survey)),
        contents=tuple(table(survey, bars=bars)),
        notes=(*notes(survey, plan(survey)), *_apart(sources)),
        command=tuple(train_command(survey, sources, reading)),
        record=_record(survey),
        cards=cards_of(survey),
        legend="" if survey.label is None else f"Shaded: rows that {survey.label} marks.",
    )


def _apart(sources: Sequence[str]) -> list[str]:
    """Note on files that no one source names."""
    if is_exact(sources):
        return []
    return [
        f"--data takes one file, folder or glob: {data_of(sources)} holds other files too. Put "
        "these into a folder of their own"
    ]


def _record(survey: Survey) -> dict[str, Any]:
    return {
        "rows": survey.rows,
        "files": dict(survey.files),
        "columns": [_column(column) for column in survey.columns],
        "times": None if survey.times is None else dataclasses.asdict(survey.times),
        "label": survey.label,
        "other_labels": survey.other_labels,
        "recording": survey.recording,
        "bad_rows": survey.bad_rows,
        "bad": survey.bad,
        "missing": [{"columns": k, "rows": n} for k, n in survey.patterns.items()],
        "reading": survey.notes,
    }


def _column(column: Column) -> dict[str, Any]:
    fields = {f.name: getattr(column, f.name) for f in dataclasses.fields(column)}
    del fields["sample"]
    fields["codes"] = [dataclasses.asdict(code) for code in column.codes]
    numbers = {n: v for n, v in fields.items() if isinstance(v, float) and not math.isfinite(v)}
    return fields | dict.fromkeys(numbers)
