"""Kinds of columns, decided by the statistics of their cells and by their names."""

from typing import NamedTuple

from vae_runtime.rows.times import epochs
from vae_runtime.rows.times.epochs import MANY, unit_of_epoch

from . import names
from .columns import ColumnStatistics
from .dates import ISO
from .records import CATEGORY, CONSTANT, COUNTER, FLAG, RECORDING, SENSOR, TEXT, TIME

STRANGE = 20  # different texts among numbers, at most
COUNTED = 20  # rows of a counter, at least
EVEN = 0.95  # share of a counter's steps that are of one size, if it may begin again
STEADY = 0.5  # the same, if it never falls nor stays
FEW_WORDS = 50  # different texts of a column of categories, at most
LONG_RUN = 20  # rows of a recording, on average
RISING = 0.9  # share of the steps of a clock that rise
NAMES = {"s": "seconds", "ms": "milliseconds", "us": "microseconds", "ns": "nanoseconds"}
UNITS = {NAMES[unit]: float(parts) for unit, parts in epochs.UNITS.items()}
NUMBERS = "numbers"  # format of times that are no dates


class Kind(NamedTuple):
    """Kind of a column, and what shows it."""

    name: str
    why: str = ""


def kind_of(column: ColumnStatistics, *, has_names: bool) -> Kind:
    """Decides the kind of a column by itself; which flag is a label, `roles` says.

    Args:
        column: after its last block.
        has_names: whether the columns have names of their own.
    """
    present = column.rows - column.missing
    if not present:
        return Kind(CONSTANT, "no value in any row")
    if is_text(column):
        return _of_text(column, present)
    if column.has_dates:
        return Kind(TIME, "dates")
    values = column.values.distinct
    if values is not None and values <= 1:
        return Kind(CONSTANT, f"{column.extremes.range(())[0]:.6g} in all rows")  # type: ignore[index]
    if column.is_flag:
        return Kind(FLAG, "True and False" if column.has_words else "0 and 1")
    return _of_numbers(column, values, has_names=has_names)


def is_text(column: ColumnStatistics) -> bool:
    """True for a column of text: most cells are no numbers, or many different ones are none."""
    strange = column.rows - column.missing - column.numbers - column.infinite
    few = column.texts.distinct is not None and column.texts.distinct <= STRANGE
    return strange > 0 and not (column.numbers > strange and few)


def unit_of(column: ColumnStatistics) -> str | None:
    """Unit of a clock's numbers: since 1970, or "numbers" of another start; None of no clock."""
    steps, ends = column.steps, column.extremes.range(())
    if ends is None or not steps.total or column.values.distinct == 1:
        return None
    if steps.up + steps.same < RISING * steps.total or not steps.up:
        return None
    if (unit := unit_of_epoch(*ends)) is not None:
        return NAMES[unit]
    rises = steps.up >= RISING * steps.total and column.rows >= COUNTED
    return NUMBERS if rises and names.names_time(column.name) else None


def _of_text(column: ColumnStatistics, present: int) -> Kind:
    different = column.texts.distinct
    if column.dates is not None:
        format = column.dates.told_apart()[0].format
        written = f" written {format}" if format != ISO else ""
        return Kind(TIME, f"{'dates' if column.dates.has_date else 'clock'}{written}")
    if different == 1:
        return Kind(CONSTANT, "one text in all rows")
    is_new = different is None or different >= 0.9 * present
    if is_new and column.endings is not None and present >= COUNTED:
        return Kind(COUNTER, "names that end in a number that rises")
    if different is None or different > min(FEW_WORDS, present / 5):
        return Kind(TEXT, "texts that differ from row to row" if is_new else "many texts")
    if names.names_recording(column.name) and present >= LONG_RUN * different:
        return Kind(RECORDING, f"names of {different}, by the column's name")
    return Kind(CATEGORY, f"text of {different} kinds")


def _of_numbers(column: ColumnStatistics, values: int | None, *, has_names: bool) -> Kind:
    if column.dates is not None and column.dates.cells >= MANY:
        return Kind(TIME, f"dates written {column.dates.told_apart()[0].format}")
    unit = unit_of(column)
    if unit in UNITS:
        return Kind(TIME, f"{unit} since 1970")
    if unit is not None and not _is_counter(column):
        return Kind(TIME, "numbers that rise, by the column's name")
    if column.is_whole and values is not None and _is_recording(column, values, has_names):
        return Kind(RECORDING, f"{values} numbers in {column.runs} stretches of rows")
    if _is_counter(column):
        if unit is not None:
            return Kind(TIME, "numbers that rise evenly, by the column's name")
        step = column.steps.usual() or 1
        return Kind(COUNTER, f"whole numbers that rise by {step:g} from row to row")
    if column.is_whole and names.has_word(column.name, names.OTHER_LABELS):
        return Kind(COUNTER, "remaining life, by the column's name")
    return Kind(SENSOR)


def _is_counter(column: ColumnStatistics) -> bool:
    steps, usual = column.steps, column.steps.usual()
    if not column.is_whole or usual is None or column.rows < COUNTED:
        return False
    even = steps.within(usual * 0.99, usual * 1.01)
    only_rises = steps.up == steps.total
    return even >= (STEADY if only_rises else EVEN) * steps.total and usual >= 1


def _is_recording(column: ColumnStatistics, values: int, has_names: bool) -> bool:
    if column.rows < LONG_RUN * values or names.has_word(column.name, names.CALENDAR):
        return False
    if names.names_recording(column.name):
        return True
    steps = column.steps
    one_by_one = steps.up == values - 1 == steps.within(0.99, 1.01) and not steps.down
    return one_by_one and values > 2 and not has_names
