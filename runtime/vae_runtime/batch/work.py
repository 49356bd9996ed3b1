"""What becomes of a part: a task's results of its good rows, and why the others are none."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime.runner import Runner

from .bad_rows import sort_out
from .columns import check_names, flat, take
from .parts import MACHINE, Column, Outcome, Part, Reject
from .tasks import Task

FULL = 16  # rows that fill the widest registers there are, whatever is computed of each


def work_of(
    runner: Runner,
    task: Task,
    *,
    reject: bool = False,
    bare: bool = False,
    name_files: bool = False,
) -> Callable[[Part], Outcome]:
    """What makes an outcome of a part.

    Args:
        runner: of the bundle; shared by all threads.
        task: what to compute.
        reject: whether bad rows are left out, and listed; else the first one is an error.
        bare: whether results stand alone, without row numbers and columns that are kept.
        name_files: whether results name the file that they are of.
    """
    check = task.check(runner.manifest.model)

    def work(part: Part) -> Outcome:
        x, good, reasons = sort_out(part, check)
        rejects = _rejects(part, reasons)
        if rejects and not reject:
            file, row, reason = rejects[0]
            raise ValueError(
                f"{file}, row {row}: {reason} To go on beside such rows, have them rejected "
                "(--on-bad-row reject)."
            )
        if not len(x):
            return Outcome({}, 0, 0, rejects, part.left_out)
        machines = _machines(part, good, runner)
        results = _run(task, runner, x, machines)
        beside = {} if bare else _beside(part, good, machines, name_files=name_files)
        check_names([*beside, *results])
        check_names([*flat(beside), *flat(results)])
        alarms = int(results["is_anomaly"].sum()) if "is_anomaly" in results else 0
        classes = Counter(results["class"].tolist()) if "class" in results else {}
        columns = {**beside, **results}
        return Outcome(columns, len(x), alarms, rejects, part.left_out, classes)

    return work


def _run(
    task: Task, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
) -> dict[str, Column]:
    """Results that do not depend on how rows are cut into parts, to the last bit.

    Kernels treat what does not fill a register in another way, with another last digit: rows are
    filled up to a number that does.
    """
    n, lacking = len(x), -len(x) % FULL
    if lacking:
        x = np.concatenate([x, x[-1:].repeat(lacking, 0)])
        machines = (
            None if machines is None else np.concatenate([machines, machines[-1:].repeat(lacking)])
        )
    return {name: column[:n] for name, column in task(runner, x, machines).items()}


def _rejects(part: Part, reasons: dict[int, str]) -> tuple[Reject, ...]:
    numbers = next(iter(part.where.values()))
    return tuple(Reject(part.file, int(numbers[i]), reasons[i]) for i in sorted(reasons))


def _machines(part: Part, good: NDArray[np.bool_], runner: Runner) -> NDArray[np.str_] | None:
    """By whose calibration each good row is judged; None where all are judged alike."""
    if part.machines is None:
        return None
    machines, own = part.machines[good], runner.machine
    if own is None:
        return machines
    others = np.unique(machines[machines != own])
    if len(others):
        raise ValueError(
            f"{part.file}: expected rows of {own} alone, as --machine says. Received: rows of "
            f"{', '.join(others[:5])}, as their {runner.manifest.model.machine_column!r} says. "
            "Leave --machine out, to judge each by its own, or leave out the rows of others."
        )
    return None


def _beside(
    part: Part, good: NDArray[np.bool_], machines: NDArray[np.str_] | None, *, name_files: bool
) -> dict[str, Column]:
    """What goes before the results of good rows."""
    where = where_of(part, name_files=name_files)
    check_names([*where, *part.kept, *([] if machines is None else [MACHINE])])
    given = {**where, **part.kept}
    columns = given if good.all() else {name: take(c, good) for name, c in given.items()}
    return {**columns, **({} if machines is None else {MACHINE: machines})}


def where_of(part: Part, *, name_files: bool) -> dict[str, NDArray[Any]]:
    """Of which file and rows a part is, by names for a table of results."""
    if not name_files:
        return part.where
    where = dict(part.where)
    inside = where.pop("file", None)  # of images: their paths in the folder
    file = np.full(len(part.x), part.file)
    return {"file": file if inside is None else np.char.add(f"{part.file}/", inside), **where}
