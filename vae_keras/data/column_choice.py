"""Choice of a table's features where nobody names them, by a survey of the table.

Numbers of rows and clocks are never features: on the next file they are beyond all that training
has seen. What is left out is told, and each error ends with the option that helps.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from vae_keras.configs import DataConfig
from vae_keras.survey.files import open_files, survey_files
from vae_keras.survey.records import (
    CATEGORY,
    CONSTANT,
    COUNTER,
    RECORDING,
    TEXT,
    TIME,
    Column,
    Survey,
)
from vae_keras.survey.words import counted, listed, share
from vae_runtime._base.libraries import find
from vae_runtime._base.name_lists import joined_names
from vae_runtime.rows.text.dialect import Reading
from vae_runtime.rows.times.times import time_columns

FEW_KINDS = 12  # texts of a column that may well be encoded
NEVER = (COUNTER, TIME, RECORDING)  # kinds that are no features unless they are named


def resolve(config: DataConfig) -> tuple[DataConfig, tuple[str, ...]]:
    """Says which columns of a table are the features and the time, where that is left open.

    Args:
        config: of a table.

    Returns:
        The configuration with `columns` and `time`, as it was where columns have no names; notes.

    Raises:
        ValueError: there is a column of text that nobody says what to do with.
    """
    if config.category_values is not None:
        return config, ()
    if find("pyarrow") is None:
        return config, (
            "the columns were not looked at, which needs a working pyarrow: all that are not named "
            "otherwise are features, also those that count rows or tell the time",
        )
    files = open_files([config.source], reading_of(config))
    if not files.has_names and not files.is_text:
        return config, ()
    try:
        found = choose_columns(survey_files(files), config)
    except ValueError as error:
        raise ValueError(f"{config.source}: {error}") from error
    if not files.has_names and len(found.features or ()) == files.wanted.size:
        return config, found.notes  # all of them, by their places
    header = config.header if files.has_names else False
    return replace(config, columns=found.features, time=found.time, header=header), found.notes


def reading_of(config: DataConfig) -> Reading:
    """How the text of a source is to be read, by what a configuration says."""
    names = ("sep", "decimal", "thousands", "encoding", "comment", "header", "skiprows")
    said = {name: getattr(config, name) for name in names}
    return Reading(**said, missing=config.missing or ())


class ColumnUse(NamedTuple):
    """Columns that training takes.

    `features` are those to read, None for all that are not named otherwise; `time` is the option
    of that name, as given or as found; `notes` say what was decided.
    """

    features: tuple[str, ...] | None
    time: str | None
    notes: tuple[str, ...]


def choose_columns(survey: Survey, config: DataConfig) -> ColumnUse:
    """Chooses features and the times.

    Args:
        survey: of the table.
        config: what is named; columns that it names are taken whatever they are.

    Raises:
        ValueError: there is a column of text that nobody says what to do with.
    """
    time = config.time or _time(survey, config)
    named = _named(config, time)
    free = [column for column in survey.columns if column.name not in named]
    notes = (
        [] if time == config.time else [f"{' and '.join(_times(time))} holds the times (--time)"]
    )
    if config.columns is not None:
        taken = [column for column in survey.columns if column.name in config.columns]
        notes += [*_clocks_taken(taken), *_codes(taken, config)]
        return ColumnUse(config.columns, time, tuple(notes))
    empty = [column for column in free if column.missing == column.rows or not column.name]
    filled = [column for column in free if column not in empty]
    left = [column for column in filled if column.kind in NEVER]
    texts = [column for column in filled if _is_text(column)]
    if texts and config.bad_columns == "error":
        raise ValueError(_text_error(texts))
    kept = [column for column in filled if column not in (*left, *texts)]
    if not kept and not config.categories:
        raise ValueError(f"expected columns of numbers. Received: {_kinds(free)}.")
    notes += [*_left_out(left), *_empty(empty, config), *_texts_left(texts), *_codes(kept, config)]
    notes += _labels(survey, config, [column.name for column in kept])
    return ColumnUse(tuple(column.name for column in kept), time, tuple(notes))


def _time(survey: Survey, config: DataConfig) -> str | None:
    """The times, where windows are to be cut and only one column, or pair, holds some."""
    times, named = survey.times, _named(config, None)
    if config.window is None or times is None or not named.isdisjoint(times.columns):
        return None
    free = [name for name in survey.of_kind(TIME) if name not in named]
    return joined_names(times.columns) if set(free) == set(times.columns) else None


def _named(config: DataConfig, time: str | None) -> set[str]:
    """Columns that have a use already."""
    names = (config.label, config.recording, config.classes, config.machine)
    return {
        *(name for name in names if name is not None),
        *_times(time),
        *(config.categories or ()),
    }


def _times(time: str | None) -> list[str]:
    return [*time_columns(time)]


def _is_text(column: Column) -> bool:
    return column.kind in (TEXT, CATEGORY) or (column.kind == CONSTANT and bool(column.words))


def _left_out(columns: list[Column]) -> Iterator[str]:
    """Notes on columns that count, tell the time or name machines."""
    for kind, why in (
        (COUNTER, "count rows, which says nothing of the next file"),
        (TIME, "hold times"),
        (RECORDING, "name recordings or machines (--recording, --machine)"),
    ):
        names = [column.name or "(no name)" for column in columns if column.kind == kind]
        if names:
            yield (
                f"no features, as they {why}: {listed(names)} ({counted(len(names), 'column')}; "
                "--columns takes them all the same)"
            )


def _empty(columns: list[Column], config: DataConfig) -> Iterator[str]:
    """Notes on columns without a name, which nothing can ask for; error for those of no value."""
    empty = [column.name for column in columns if column.name]
    if empty and config.bad_columns == "error":
        raise ValueError(
            f"expected columns with values. Received: none in any row of {listed(empty)}. Leave "
            "them out: --bad-columns drop, or name the columns to take (--columns)."
        )
    if empty:
        yield f"left out as they hold no value: {listed(empty)}"
    if any(not column.name for column in columns):
        yield "no feature, as it has no name: a column, maybe an index of the rows"


def _texts_left(texts: list[Column]) -> Iterator[str]:
    if texts:
        yield f"left out as they hold text: {listed([column.name for column in texts])}"


def _clocks_taken(columns: list[Column]) -> Iterator[str]:
    for column in columns:
        if column.kind in (COUNTER, TIME):
            yield (
                f"{column.name} is a feature, as --columns names it; it seems to be a "
                f"{column.kind} ({column.why}), and the next file may lie beyond all that "
                "training has seen"
            )


def _codes(columns: list[Column], config: DataConfig) -> Iterator[str]:
    known = set(config.missing or ())
    for column in columns:
        for code in column.codes:
            value = f"{code.value:g}"
            if value not in known:
                yield (
                    f"{column.name} is {value} in {share(code.count, column.rows)} of the rows, "
                    "far from all others: if that means no value, type "
                    f"--missing={value}"
                )
        if column.strange:
            words = joined_names([*column.strange])
            yield (
                f"{column.name} holds {listed([repr(word) for word in column.strange])} in "
                f"{counted(sum(column.strange.values()), 'cell')}: if that means no value, type "
                f"--missing={words}"
            )


def _labels(survey: Survey, config: DataConfig, kept: list[str]) -> Iterator[str]:
    label = survey.label
    if config.label is None and label in kept:
        column = survey.column(label or "")
        yield (
            f"{label} is taken as a feature, and looks like a label (1 in "
            f"{share(column.ones, column.rows)} of the rows): --label {label} keeps such rows out "
            "of training"
        )
    others = [name for name in survey.other_labels if name in kept]
    if config.label is not None and others:
        yield (
            f"{listed(others)} may say the same as {config.label} in other words: --columns names "
            "the features without them"
        )


def _text_error(texts: list[Column]) -> str:
    """Error that says of each column what helps."""
    said = "; ".join(f"{column.name} ({_kind_of_text(column)})" for column in texts[:3])
    more = f" and {len(texts) - 3:,} more" if len(texts) > 3 else ""
    few = [c.name for c in texts if 1 < (c.distinct or 0) <= min(FEW_KINDS, c.rows - 1)]
    encode = f"encode what is of few kinds (--categories {','.join(few)}), " if few else ""
    return (
        f"expected columns of numbers. Received: text in {said}{more}. Type what to do: {encode}"
        "leave out columns of text (--bad-columns drop), or name those to take (--columns)."
    )


def _kind_of_text(column: Column) -> str:
    return listed([repr(word) for word in column.words], 3) or column.why


def _kinds(columns: list[Column]) -> str:
    return listed([f"{column.name} ({column.kind})" for column in columns]) or "none"
