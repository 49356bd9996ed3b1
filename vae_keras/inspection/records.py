"""Survey as JSON, for scripts."""

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import Any

from vae_keras.survey.records import Column, Survey


def as_json(survey: Survey, *, notes: Sequence[str], command: Sequence[str]) -> str:
    """All of a survey but the samples, its notes, and the command as a list of words."""
    found = {
        "rows": survey.rows,
        "files": dict(survey.files),
        "columns": [_column(column) for column in survey.columns],
        "times": None if survey.times is None else dataclasses.asdict(survey.times),
        "label": survey.label,
        "other_labels": survey.other_labels,
        "recording": survey.recording,
        "missing": [{"columns": list(k), "rows": n} for k, n in survey.patterns.items()],
        "notes": [*survey.notes, *notes],
        "command": list(command),
    }
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)


def _column(column: Column) -> dict[str, Any]:
    fields = {f.name: getattr(column, f.name) for f in dataclasses.fields(column)}
    del fields["sample"]
    fields["codes"] = [dataclasses.asdict(code) for code in column.codes]
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in fields.items()
    }
