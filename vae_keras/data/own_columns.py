"""Columns that a model knows from its training, for rows that it is evaluated on.

Whoever evaluates need not name the label, the times, the recordings and the machines again: their
columns travel with the model. An option names another column, an empty one says that there is none.
"""

from typing import Any, NamedTuple

from vae_runtime.rows.text.tables import ColumnError

from .datasets import Dataset
from .offsets import Windows
from .sources import OPTIONS, config_like, kind_of, load

OWN = {
    "label": "label",
    "recording": "recording",
    "time": "time",
    "machine": "machine_column",
}  # by the name of the option
WINDOWED = ("recording", "time")  # by which windows are kept apart
WITHOUT = {
    "label": "all rows are taken as normal",
    "recording": "all rows are taken as one recording",
    "time": "rows are known by their numbers",
    "machine": "rows are judged by the scores of all machines together",
}


class Loaded(NamedTuple):
    """Rows in a trained model's form, and what was taken from the model to read them."""

    dataset: Dataset
    columns: dict[str, str]  # by option, whether it was given or the model's own
    notes: tuple[str, ...]


def load_like(source: str, known: Any, **options: Any) -> Loaded:
    """Loads rows to evaluate a model on, by the model's own columns where none are named.

    Args:
        source: of the rows.
        known: a run's `DataCard` or a bundle's `Model`.
        options: as in `DataConfig`; an empty text says that there is no such column.

    Raises:
        ValueError: the rows do not fit; or are a table to cut into windows and lack the column by
            which the model keeps them apart: says which option helps.
    """
    own = _own(source, known, options)
    given = {name: value or None if name in OWN else value for name, value in options.items()}
    if "label" in own and given.get("normal") is None and known.normal is not None:
        given["normal"] = known.normal
    notes: list[str] = []
    while True:
        try:
            dataset = load(config_like(source, known, **{**given, **own}))
        except ColumnError as error:
            for option in _lacking(error, own):
                column = own.pop(option)
                if known.stride is not None and kind_of(source) == "table":
                    _check_apart(known, option, source)
                notes.append(f"no {option} column {column!r} in {source}: {WITHOUT[option]}")
            continue
        used = {**given, **own}
        columns = {name: str(used[name]) for name in OWN if used.get(name)}
        if isinstance(dataset.x, Windows):  # as of an .npz, which may hold a table or windows
            for option in WINDOWED:
                if option not in own and options.get(option) is None:
                    _check_apart(known, option, source)
        return Loaded(dataset, columns, (*_said(own), *notes))


def _own(source: str, known: Any, options: dict[str, Any]) -> dict[str, str]:
    """The model's own columns, by option, that this kind of source can have and nobody named."""
    taken = OPTIONS[kind_of(source)]
    named = {value for value in options.values() if isinstance(value, str)}
    found = {
        option: getattr(known, field)
        for option, field in OWN.items()
        if option in taken and options.get(option) is None
    }
    return {option: column for option, column in found.items() if column and column not in named}


def _lacking(error: ColumnError, own: dict[str, str]) -> list[str]:
    """The options whose column the error says is missing; raises it where it is of another."""
    missing = str(error).partition("Received")[0]
    found = [option for option, column in own.items() if f"{column!r:.60}" in missing]
    if found:
        return found
    if not own or ".npy file" not in str(error):
        raise error
    return [*own]  # parts without names


def _check_apart(known: Any, option: str, source: str) -> None:
    """Raises ValueError for a missing column by which windows were kept apart in training."""
    column = getattr(known, OWN[option])
    if option in WINDOWED and column:
        raise ValueError(
            f"{source}: expected the column {column!r}, by which windows were kept apart in "
            f"training. Received: no such column. Name that of this file (--{option} NAME), "
            f"or say that it has none: --{option} ''."
        )


def _said(own: dict[str, str]) -> list[str]:
    if not own:
        return []
    return ["columns of the model: " + ", ".join(f"{name} {own[name]!r}" for name in own)]
