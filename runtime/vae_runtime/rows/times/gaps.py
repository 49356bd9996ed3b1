"""Steps in time from row to row: which are holes, what is usual, and what is said about them.

A step is a hole where it is longer than the gap: `GAP` usual (median) steps of its recording, where
none is given. So one or two samples that were missed do not break a window, and a stop of the
logger does. Measured on public recordings: of 17 logs of a water circuit with a clock of whole
seconds (SKAB), 5 % of all steps are two seconds, none is three, and stops take 54 and more; of a
machine's temperatures (NAB), steps are 1, 2 or 3 hours, stops 15 and more. With 1.5 usual steps no
window of 32 rows is left in any log of the circuit; with 3.5 at least 96 % are, in each of these.
Where one sample in twenty is missing at random, three in a row are once in 8,000 rows, two once in
400.

A repeated time is the next sample. A clock that was set back begins a new stretch.
"""

import logging
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.printable import printable

GAP = 3.5  # usual steps
LATE = 1.5  # usual steps; between this and the gap, samples were missed, and the hole is bridged
FEW_STEPS = 3  # a recording of fewer cannot say by itself what is usual
ALIKE = 1.5  # largest of the recordings' usual steps over the smallest, where they have one pace
ROUNDING = 1e-4  # share of a gap: seconds since 1970 as floats have some tenths of a microsecond


class Steps(NamedTuple):
    """Findings about the steps between the rows of a table, recording by recording.

    Args:
        breaks: (rows - 1,) True where the next row begins a new stretch of its recording.
        back: (rows - 1,) True where the clock was set back.
        repeated, late, holes: how many times are the one before; how many steps are longer than
            usual and bridged; how many are holes.
        longest: seconds of the longest hole; 0 without one.
        step: usual seconds; None where recordings differ, or no step is known.
        gap: seconds above which a step is a hole; None where that differs.
    """

    breaks: NDArray[np.bool_]
    back: NDArray[np.bool_]
    repeated: int
    late: int
    holes: int
    longest: float
    step: float | None
    gap: float | None


def is_hole(
    step: float | NDArray[np.float64], gap: float | NDArray[np.float64]
) -> NDArray[np.bool_]:
    """True for steps of more than the gap, beyond rounding.

    >>> is_hole(np.array([0.1, 0.35, 0.4]), 0.35).tolist()
    [False, False, True]
    """
    return np.asarray(np.asarray(step) > np.asarray(gap) * (1 + ROUNDING))


def look_at(
    step: NDArray[np.float64], new: NDArray[np.bool_], *, gap: float | None = None
) -> Steps:
    """Looks at the steps between the rows of a table.

    Args:
        step: (rows - 1,) seconds from each row to the next.
        new: (rows - 1,) True where the next row is of another recording.
        gap: seconds above which a step is a hole; `GAP` usual steps where None.

    >>> look_at(np.array([1.0, 2.0, 1.0, 9.0]), np.zeros(4, bool)).breaks.tolist()
    [False, False, False, True]
    """
    usual = _usual(step, new)
    limit = usual * GAP if gap is None else np.full(len(step), gap)
    back = ~new & (step < 0)
    hole = ~new & is_hole(step, limit)
    known = usual[~new & np.isfinite(usual)]
    alike = bool(len(known)) and known.max() <= ALIKE * known.min()
    forward = step[~new & (step > 0)]
    common = float(np.median(forward)) if alike else None
    own_gap = None if common is None else GAP * common
    return Steps(
        breaks=back | hole,
        back=back,
        repeated=int((~new & (step == 0)).sum()),
        late=int((~new & ~hole & is_hole(step, usual * LATE)).sum()),
        holes=int(hole.sum()),
        longest=float(step[hole].max(initial=0.0)),
        step=common,
        gap=own_gap if gap is None else gap,
    )


def sentences(found: Steps, first_back: str = "") -> Iterator[str]:
    """Sentences about what was done about times, with counts; none for times as they should be.

    Args:
        found: by `look_at`.
        first_back: where the clock was first set back, in words.
    """
    usual = "usual" if found.step is None else f"the usual {seconds(found.step)}"
    above = "" if found.gap is None else f" of more than {seconds(found.gap)}"
    if found.late:
        yield (
            f"{_count(found.late, 'step')} in time longer than {usual}, bridged as samples that "
            f"were missed (--gap{'' if found.gap is None else f' {found.gap:g}'})"
        )
    if found.holes:
        yield (
            f"{_count(found.holes, 'hole')} in time{above}, the longest "
            f"{seconds(found.longest)}: no window spans one (--gap)"
        )
    backs = int(found.back.sum())
    if backs:
        yield (
            f"the clock was set back {'once' if backs == 1 else f'{backs:,} times'}, first "
            f"{first_back}: the order of rows is kept, and no window spans such a step"
        )
    if found.repeated:
        yield (
            f"{_count(found.repeated, 'time')} repeated from the row before: kept, each as the "
            "next sample; if rows of several recordings or machines alternate, name their column "
            "(--recording)"
        )


def tell(where: str, sentence: str) -> None:
    """Warns about the times of a file; once of each file, which may be read several times."""
    (_tell_once if where else _tell)(where, sentence)


def seconds(number: float) -> str:
    """Seconds for people.

    >>> seconds(90.0), seconds(7200.0), seconds(0.25)
    ('90 s', '2 h', '0.25 s')
    """
    for name, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if number >= 2 * size or (number >= size and number % size == 0):
            return f"{number / size:.3g} {name}"
    return f"{number:.4g} s"


def _usual(step: NDArray[np.float64], new: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Median of the steps forward of the recording that each is in; of all, where it has few."""
    forward = step > 0
    every = step[~new & forward]
    usual = np.full(len(step), np.median(every) if len(every) else np.inf)
    ends = [*np.flatnonzero(new).tolist(), len(step)]
    for start, end in zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True):
        own = step[start:end][forward[start:end]]
        if len(own) >= FEW_STEPS:
            usual[start:end] = np.median(own)
    return usual


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def _tell(where: str, sentence: str) -> None:
    begin = f"{printable(where)}: " if where else ""
    logging.getLogger("vae_runtime").warning("%s%s", begin, printable(sentence))


_tell_once = lru_cache(maxsize=256)(_tell)
