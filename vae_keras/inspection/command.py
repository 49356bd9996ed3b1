"""Command to train with, as the survey of a table suggests it."""

import glob
import itertools
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vae_keras.survey.records import CATEGORY, COUNTER, FEATURES, TIME, Column, Survey, Times
from vae_runtime._base.name_lists import joined_names
from vae_runtime._base.printable import is_harmless
from vae_runtime.verdicts.calibration import rows_needed

WINDOWS = (32, 16, 8)  # rows, the longest that a series is long enough for
REGULAR = 0.8  # share of the steps that are the usual one, of a series to cut into windows
STRETCHES = 6  # that recordings must have: one to test, the others to calibrate in turn
STRETCH = 4  # windows of a stretch, at least; see `vae_keras.data.windows`
MOST_STRETCHES = 40
ENOUGH_WINDOWS = 22  # that a series has, each after the other, for a part to train and to judge
MOST_MISSING = 0.2  # share of the rows without a value, in a column that is trained on
FEW_KINDS = 12  # of a text column that is encoded
OFTEN = 10  # rows of its second kind, at least
ALPHAS = (0.01, 0.02, 0.05, 0.1, 0.2)
HELD_FOR_TEST = 0.1
FEWEST = 12  # rows, of which some train and some are judged


@dataclass(frozen=True)
class Plan:
    """Use that a model makes of a table.

    Args:
        features: columns of numbers to train on.
        categories: columns of text that are encoded.
        label, recording: columns, or None.
        time: columns of times where windows are cut, else ().
        window: rows of one example; None for each row alone.
        missing: numbers and texts that mean "no value".
        sparse: columns that lack a value in too many rows, and are left out.
        still: columns that change in anomalies alone, and are left out.
        incomplete: rows that lack a value of a feature, or a time.
        is_short: whether the rows are too few to train and to judge.
        unprintable: columns whose names no bundle can hold, and that are left out.
        alpha: rate of false alarms that the rows suffice for.
    """

    features: tuple[str, ...]
    categories: tuple[str, ...]
    label: str | None
    recording: str | None
    time: tuple[str, ...]
    window: int | None
    missing: tuple[str, ...]
    sparse: tuple[str, ...]
    still: tuple[str, ...]
    incomplete: int
    alpha: float
    unprintable: tuple[str, ...] = ()
    is_short: bool = False

    @property
    def is_empty(self) -> bool:
        """True where there is nothing to train on."""
        return (not self.features and not self.categories) or self.is_short

    @property
    def used(self) -> tuple[str, ...]:
        """All columns that are read for some purpose."""
        others = [name for name in (self.label, self.recording) if name is not None]
        return (*self.features, *self.categories, *self.time, *others)


def plan(survey: Survey) -> Plan:
    """Decides what to train on."""
    fit = [column for column in survey.columns if is_name(column.name)]
    usable = [column for column in fit if column.kind in FEATURES]
    sparse = tuple(c.name for c in usable if _absent(c) > MOST_MISSING * c.rows)
    still = tuple(c.name for c in usable if c.name not in sparse and _is_still(c, survey))
    features = [c for c in usable if c.name not in (*sparse, *still)]
    names = tuple(c.name for c in features)
    coded = sum(code.count for c in features for code in c.codes)
    incomplete = survey.incomplete(names) + coded
    timeless = 0 if survey.times is None else survey.times.bad
    window = _window(survey, incomplete + survey.bad_rows + timeless)
    missing = [f"{code.value:g}" for c in features for code in c.codes]
    missing += [text for c in features for text in c.strange]
    kinds = [column for column in fit if column.kind == CATEGORY]
    encoded = [c.name for c in kinds if _is_encoded(c)]
    return Plan(
        features=names,
        categories=tuple(encoded),
        label=_if_printable(survey.label),
        recording=_if_printable(survey.recording),
        time=_times(survey) if window else (),
        window=window,
        missing=tuple(dict.fromkeys(missing)),
        sparse=sparse,
        still=still,
        incomplete=min(max(incomplete, timeless if window else 0), survey.rows),
        alpha=_alpha(survey, incomplete + survey.bad_rows, window),
        unprintable=tuple(c.name for c in survey.columns if c not in fit),
        is_short=survey.rows - incomplete - survey.bad_rows < FEWEST,
    )


def train_command(survey: Survey, sources: Sequence[str], reading: Sequence[str] = ()) -> list[str]:
    """Command that trains on a table, as a list of words; none where there is nothing to train on.

    Args:
        survey: of the table.
        sources: files and folders, as they were typed.
        reading: options by which the table was read, as ("--sep", ";").
    """
    found = plan(survey)
    if found.is_empty:
        return []
    words = ["vae-keras", "train", "--data", data_of(sources), *reading]
    is_chosen = [*survey.of_kind(*FEATURES)] != [*found.features] or not _alone(survey, found)
    if is_chosen and not survey.is_array:
        words += ["--columns", joined_names(found.features)]
        words += [] if survey.has_names or "--header" in words else ["--header", "none"]
    if found.categories:
        words += ["--categories", joined_names(found.categories)]
    if found.time:
        words += ["--time", joined_names(found.time), *_time_format(survey.times)]
    if found.window:
        words += ["--window", str(found.window)]
    if found.recording is not None:
        words += ["--recording", found.recording]
    if found.label is not None and not survey.is_array:
        words += ["--label", found.label]
        words += [] if survey.normal is None else ["--normal", survey.normal]
    if found.missing:
        words.append(f"--missing={joined_names(found.missing)}")
    if found.incomplete or survey.bad_rows:
        words += ["--on-bad-row", "reject"]
    if found.alpha != ALPHAS[0]:
        words += ["--alpha", f"{found.alpha:g}"]
    return [*words, "--out", f"runs/{name_of(sources)}"]


def as_text(words: Sequence[str]) -> str:
    """A command to be pasted into a shell."""
    return shlex.join(words)


def data_of(sources: Sequence[str]) -> str:
    """One source for several files: a glob that matches just these, else the folder they are in.

    >>> data_of(["logs/a.csv"])
    'logs/a.csv'
    """
    if len(sources) == 1:
        return sources[0]
    head = _common(sources)
    tail = _common([source[len(head) :][::-1] for source in sources])[::-1]
    middles = sorted(source[len(head) : len(source) - len(tail)] for source in sources)
    ends = glob.escape(head), glob.escape(tail)
    patterns = [f"{ends[0]}*{ends[1]}"]
    if all(len(middle) == 1 for middle in middles):
        patterns.append(f"{ends[0]}[{''.join(middles)}]{ends[1]}")
    exact = [p for p in patterns if sorted(glob.glob(p)) == sorted(sources)]  # noqa: PTH207
    return exact[0] if exact else os.path.commonpath(sources) or "."


def is_exact(sources: Sequence[str]) -> bool:
    """True where the one source that `data_of` gives holds these files and no others."""
    return len(sources) == 1 or sorted(glob.glob(data_of(sources))) == sorted(sources)  # noqa: PTH207


def _common(texts: Sequence[str]) -> str:
    """The longest beginning of all texts."""
    pairs = itertools.takewhile(lambda chars: len({*chars}) == 1, zip(*texts, strict=False))
    return "".join(chars[0] for chars in pairs)


def name_of(sources: Sequence[str]) -> str:
    """Name of a run on these files: of the only one, or of the folder that they are in.

    >>> name_of(["logs/pump 7.csv.gz"])
    'pump-7'
    """
    path = Path(sources[0]) if len(sources) == 1 else Path(os.path.commonpath(sources))
    stem = path.resolve().name if path.is_dir() else path.name.split(".")[0]
    return "-".join("".join(c if c.isalnum() or c in "_-" else " " for c in stem).split()) or "mine"


def _absent(column: Column) -> int:
    """Cells without a value that can be used."""
    return column.missing + sum(column.strange.values()) + sum(c.count for c in column.codes)


def _alone(survey: Survey, found: Plan) -> bool:
    """True where all columns are used, so that none need be named."""
    others = survey.of_kind(COUNTER, TIME)  # which training leaves out by itself
    return {column.name for column in survey.columns} <= {*found.used, *others}


def _is_encoded(column: Column) -> bool:
    """True for text of few kinds, two of which are in enough rows to be learnt."""
    counts = sorted(column.words.values())
    is_few = column.distinct is not None and column.distinct <= FEW_KINDS
    is_known = column.missing <= MOST_MISSING * column.rows
    return is_few and is_known and len(counts) > 1 and counts[-2] >= OFTEN


def _is_still(column: Column, survey: Survey) -> bool:
    """True for a column that never changes in normal rows, as far as the sample shows."""
    if survey.label is None or survey.normal is not None:
        return False
    normal = column.sample[survey.column(survey.label).sample != 1]
    values = normal[~np.isnan(normal)]
    return len(values) > 0 and values.min() == values.max()


def _window(survey: Survey, bad: int) -> int | None:
    """Rows of a window, where the rows are a series; `bad` of them are left out."""
    times = survey.times
    is_regular = _counts_again(survey) if times is None else times.regular >= REGULAR
    share = min(bad / max(survey.rows, 1), 1)
    rows = survey.rows - _anomalies(survey)
    left = {size: rows * (1 - share) ** size for size in WINDOWS}  # rows that begin a window
    enough = [size for size in WINDOWS if left[size] >= ENOUGH_WINDOWS * size]
    fits = (size for size in enough if _stretches(survey, size) >= STRETCHES)
    return next(fits, None) if is_regular else None


def _stretches(survey: Survey, window: int) -> int:
    """Stretches that training cuts recordings into, which it deals out; about as many."""
    rows = [*survey.files.values()]
    if survey.recording is not None:
        count = survey.column(survey.recording).distinct or 1
        rows = [survey.rows // count] * count
    each = (max(n // (STRETCH * window), 1) for n in rows if n >= 2 * window)
    normal = 1 - _anomalies(survey) / max(survey.rows, 1)
    return int(min(sum(each), max(MOST_STRETCHES, len(rows))) * normal)


def _anomalies(survey: Survey) -> int:
    return 0 if survey.label is None else survey.column(survey.label).ones


def is_name(text: str) -> bool:
    """True for the name of a column that a bundle can hold: without control characters."""
    return all(map(is_harmless, text))


def _times(survey: Survey) -> tuple[str, ...]:
    columns = () if survey.times is None else survey.times.columns
    return columns if all(map(is_name, columns)) else ()


def _if_printable(name: str | None) -> str | None:
    return name if name is not None and is_name(name) else None


def _time_format(times: Times | None) -> list[str]:
    """Option that says how times are written, where training would not find out by itself."""
    if times is None or len(times.columns) > 1:
        return []
    is_clock = times.format.startswith(("%H", "%I"))
    return ["--time-format", times.format] if is_clock or times.unclear else []


def _counts_again(survey: Survey) -> bool:
    """True where rows of recordings are numbered, from the same number in each."""
    counters = [survey.column(name) for name in survey.of_kind(COUNTER)]
    again = any(c.distinct is not None and c.distinct < survey.rows for c in counters)
    return survey.recording is not None and again


def _alpha(survey: Survey, incomplete: int, window: int | None) -> float:
    rows = (survey.rows - _anomalies(survey) - incomplete) * (1 - HELD_FOR_TEST)
    examples = rows
    if window:  # those that span two stretches, or a bad row, are in none
        whole = (1 - min(incomplete / max(survey.rows, 1), 1)) ** window
        examples = (rows * whole - _stretches(survey, window) * window) / (window / 4) * 0.8
    return next((a for a in ALPHAS if rows_needed(a) <= examples), ALPHAS[-1])
