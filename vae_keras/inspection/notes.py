"""Notes on a table in plain words: what was found, and what the command does about it."""

from collections.abc import Iterator

from vae_keras.survey.dates import ISO
from vae_keras.survey.kinds import NUMBERS, UNITS
from vae_keras.survey.records import (
    CATEGORY,
    CONSTANT,
    COUNTER,
    FLAG,
    RECORDING,
    TEXT,
    TIME,
    Survey,
    Times,
)
from vae_keras.survey.words import counted, duration, listed, number, share

from .command import Plan

RARE = 0.2  # share of the rows in which a flag that may be a label is set, at most
FEW = 3  # flags that are told


def heading(survey: Survey) -> list[str]:
    """Lines on the table as a whole: files, rows, times."""
    files = counted(len(survey.files), "file")
    name = next(iter(survey.files)) if len(survey.files) == 1 else files
    lines = [f"{name}: {counted(survey.rows, 'row')} of {counted(len(survey.columns), 'column')}"]
    if len(survey.files) > 1:
        sizes = survey.files.values()
        few, many = min(sizes), max(sizes)
        several = f"{few:,}" if few == many else f"{few:,} to {many:,}"
        lines.append(f"each file is a recording: {several} rows")
    if survey.times is not None:
        lines.append(_times(survey.times))
    return [*lines, *survey.notes]


def notes(survey: Survey, plan: Plan) -> list[str]:
    """Sentences on what is left out, what is taken for what, and what to decide."""
    parts = (_labels, _clock, _codes, _sparse, _left_out, _categories, _recording, _rows, _nothing)
    return [line for part in parts for line in part(survey, plan)]


def _times(times: Times) -> str:
    columns = " and ".join(times.columns)
    written = "" if times.format in (ISO, NUMBERS, "dates") else f", {times.format}"
    if times.format in UNITS:
        written += " since 1970"
    said = f"times in {columns}{written}: {times.first} to {times.last}"
    if times.step is None:
        return said
    every = number(times.step) if times.format == NUMBERS else duration(times.step)
    longest = number(times.longest) if times.format == NUMBERS else duration(times.longest)
    said += f", a row every {every}"
    parts = [f"{times.regular:.1%} of the steps"] if times.regular < 1 else []
    if times.missed:
        parts.append(f"{counted(times.missed, 'longer step')}, up to {longest}")
    if times.repeated:
        parts.append(f"{counted(times.repeated, 'time')} repeated")
    if times.back:
        parts.append(f"set back {counted(times.back, 'time')}")
    if times.bad:
        parts.append(f"{counted(times.bad, 'cell')} without a time")
    return f"{said} ({'; '.join(parts)})" if parts else said


def _labels(survey: Survey, plan: Plan) -> Iterator[str]:
    if survey.label is None:
        yield (
            "no column marks anomalies: all rows are taken as normal. A column of 0 and 1 that "
            "marks them is named by --label."
        )
        rare = [c for c in map(survey.column, survey.of_kind(FLAG)) if 0 < c.ones < RARE * c.rows]
        for column in () if survey.is_array else rare[:FEW]:
            header = "" if survey.has_names else " --header none"
            yield (
                f"{column.name} is 1 in {share(column.ones, column.rows)} of the rows: if it marks "
                f"anomalies, add --label {column.name}{header} and leave it out of --columns"
            )
        return
    ones = survey.column(survey.label).ones
    by = "its name" if survey.normal is None else f"its name and words ({survey.normal} is normal)"
    yield (
        f"{survey.label} marks anomalies, by {by}: {counted(ones, 'row')} "
        f"({share(ones, survey.rows)}), which are kept out of training"
    )
    if survey.other_labels:
        yield (
            f"{listed(survey.other_labels)} {_say(survey.other_labels)} the same in other words "
            "and would give the answer away: left out"
        )


def _clock(survey: Survey, plan: Plan) -> Iterator[str]:
    times = survey.times
    if times is None:
        return
    if times.unclear:
        yield (
            f"dates in {times.columns[0]} fit {times.format} and {times.unclear}: taken as the "
            f"first; if they are the second, type --time-format '{times.unclear}'"
        )
    if times.bad and plan.window is None:
        yield (
            f"{times.columns[0]} holds no time in {counted(times.bad, 'row')}, as in a line of "
            "totals: such a row is trained on all the same; take it out if it is no reading"
        )
    if plan.window is None:
        yield (
            "each row is an example of its own: the rows are too few or their times too irregular "
            "to cut windows (--window 32 does it all the same)"
        )
    others = [name for name in survey.of_kind(TIME) if name not in times.columns]
    if others:
        yield f"{listed(others)} {_say(others, 'holds', 'hold')} times too: left out"


def _codes(survey: Survey, plan: Plan) -> Iterator[str]:
    for name in plan.features:
        column = survey.column(name)
        for code in column.codes:
            yield (
                f"{name} is {code.value:g} in {share(code.count, column.rows)} of the rows, far "
                f"from {number(column.low or 0)} to {number(column.high or 0)}: taken as missing"
            )
        if column.strange:
            words = [repr(word) for word in column.strange]
            count = sum(column.strange.values())
            yield f"{name} holds {listed(words)} in {counted(count, 'cell')}: taken as missing"


def _sparse(survey: Survey, plan: Plan) -> Iterator[str]:
    for name in plan.sparse:
        column = survey.column(name)
        coded = sum(code.count for code in column.codes)
        codes = ",".join(f"{code.value:g}" for code in column.codes)
        absent = column.missing + coded + sum(column.strange.values())
        why = f" ({codes} stands for none)" if codes else ""
        missing = f"--missing={codes} and " if codes else ""
        yield (
            f"{name} has no value in {share(absent, column.rows)} of the rows{why}: left out. To "
            f"keep it and leave out these rows, name it in --columns, with {missing}--on-bad-row "
            "reject"
        )


def _left_out(survey: Survey, plan: Plan) -> Iterator[str]:
    counters = survey.of_kind(COUNTER)
    if counters:
        names = listed([name or "the column without a name" for name in counters])
        yield (
            f"{names} {_say(counters, 'counts', 'count')} rows and "
            f"{_say(counters)} nothing of the next file: left out"
        )
    constant = survey.of_kind(CONSTANT)
    if constant:
        whys = [f"{name} ({survey.column(name).why})" for name in constant]
        yield (
            f"never changing, left out: {listed(whys)}. A flag that changes when something breaks "
            "is watched by a rule, not by a model"
        )
    if plan.still:
        yield f"changing in anomalies alone, left out: {listed(plan.still)}"
    texts = [
        *survey.of_kind(TEXT),
        *(n for n in survey.of_kind(CATEGORY) if n not in plan.categories),
    ]
    if texts:
        yield f"text, left out: {listed(texts)}"


def _categories(survey: Survey, plan: Plan) -> Iterator[str]:
    for name in plan.categories:
        words = listed([*survey.column(name).words])
        yield f"{name} is text of few kinds ({words}): encoded, each kind a feature"


def _recording(survey: Survey, plan: Plan) -> Iterator[str]:
    for name in survey.of_kind(RECORDING):
        column = survey.column(name)
        said = f"{name} tells {counted(column.distinct or 0, 'recording or machine')} apart"
        said = said.replace("machines", "machines").replace(
            "recording or machines", "recordings or machines"
        )
        use = "no window spans two" if plan.window else "whole ones are held back"
        yield f"{said}: {use}. If it names machines, --machine {name} gives each its own threshold"


def _rows(survey: Survey, plan: Plan) -> Iterator[str]:
    if survey.bad_rows:
        yield f"{counted(survey.bad_rows, 'row')} cannot be read; the first is {survey.bad[0]}"
    if plan.incomplete:
        yield (
            f"{counted(plan.incomplete, 'row')} ({share(plan.incomplete, survey.rows)}) "
            f"{'lacks' if plan.incomplete == 1 else 'lack'} a value and "
            f"{'is' if plan.incomplete == 1 else 'are'} left out"
        )
    if plan.alpha > 0.01 and not plan.is_empty:
        yield (
            f"normal rows are few: the alarm is set for {plan.alpha:.0%} of false alarms, as 1 % "
            "needs more of them"
        )


def _nothing(survey: Survey, plan: Plan) -> Iterator[str]:
    if plan.unprintable:
        yield f"named with control characters, left out: {listed(plan.unprintable)}"
    if plan.is_short:
        yield "the rows are too few to train on and to judge: a hundred and more are needed"
    elif plan.is_empty:
        yield (
            "no column of numbers is left to train on, so that there is no command to paste. See "
            "what is said of the columns; the first lines of the file (head FILE) show whether it "
            "was read as it is meant (--sep, --decimal, --skiprows, --header)"
        )


def _say(names: object, one: str = "says", several: str = "say") -> str:
    return one if len(names) == 1 else several  # type: ignore[arg-type]
