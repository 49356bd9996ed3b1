"""Results of blocks: what is computed of good rows, why others are bad, and verdicts by an FDR."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vae_runtime.bundle.manifest import Calibration
from vae_runtime.rows.bad_rows import Reject, rejects_of, sort_out
from vae_runtime.rows.blocks import Block, Column, Columns
from vae_runtime.runner import Runner
from vae_runtime.verdicts.calibration import discovery_level
from vae_runtime.verdicts.machines import of_machine
from vae_runtime.verdicts.row_machines import check_own

from .columns import check_names, flat, take
from .computations import Computation

MACHINE = "machine"  # the column of results that says which machine of a fleet a row is of
REGISTER_ROWS = 16  # rows that fill the widest registers there are, whatever is computed of each


class Result(NamedTuple):
    """Outcome of a block: results of its good rows, and the rejected rows.

    Args:
        columns: each (rows, ...); none where no row is good.
        rows: how many are good.
        anomalies: how many of these raise an alarm.
        rejects: the others.
        left_out: rows of the file that are in no window.
        classes: how many are of each class, by name, where they are classified.
    """

    columns: Columns
    rows: int
    anomalies: int = 0
    rejects: tuple[Reject, ...] = ()
    left_out: int = 0
    classes: Mapping[str, int] = {}


def compute_with(
    runner: Runner,
    computation: Computation,
    *,
    reject: bool = False,
    bare: bool = False,
    name_files: bool = False,
    check_kept: Callable[[Columns], None] = lambda _: None,
) -> Callable[[Block], Result]:
    """Makes the function that computes the result of a block.

    Args:
        runner: of the bundle; shared by all threads.
        computation: what to compute.
        reject: whether bad rows are left out, and listed; else the first one is an error.
        bare: whether results stand alone, without row numbers and columns that are kept.
        name_files: whether results name the file that they are of.
        check_kept: raises ValueError where the output would change a value that is kept.
    """
    check = computation.check(runner)

    def compute(block: Block) -> Result:
        x, good, reasons = sort_out(_with_known_machines(block, runner), check)
        rejects = rejects_of(block, reasons)
        if rejects and not reject:
            raise rejects[0].error()
        if not len(x):
            return Result({}, 0, 0, rejects, block.left_out)
        machines = _machines(block, good, runner)
        results = _run(computation, runner, x, machines)
        beside = {} if bare else _beside(block, good, machines, name_files=name_files)
        check_kept({name: beside[name] for name in block.kept if name in beside})
        check_names([*beside, *results])
        check_names([*flat(beside), *flat(results)])
        alarms = int(results["is_anomaly"].sum()) if "is_anomaly" in results else 0
        classes = Counter(results["class"].tolist()) if "class" in results else {}
        columns = {**beside, **results}
        return Result(columns, len(x), alarms, rejects, block.left_out, classes)

    return compute


class Discoveries:
    """Names rows so that at most a share of them is false on average; a `Settle`.

    It holds the p-values of all rows, 8 bytes a row.

    Args:
        fdr: that share.
    """

    def __init__(self, fdr: float) -> None:
        self.fdr = fdr
        self.machines: set[str] = set()  # that rows are of

    def __call__(self, results: Iterator[Result]) -> Callable[[Result], Result]:
        """Reads all results; gives the function that sets the verdicts in each of them."""
        found = []
        for result in results:
            if result.rows:
                found.append(result.columns["p_value"])
                self.machines.update(np.unique(result.columns.get(MACHINE, [])).tolist())
        level = discovery_level(np.concatenate(found), self.fdr) if found else -1.0

        def amend(result: Result) -> Result:
            if not result.rows:
                return result
            is_anomaly = result.columns["p_value"] <= level
            columns = {**result.columns, "is_anomaly": is_anomaly}
            return result._replace(columns=columns, anomalies=int(is_anomaly.sum()))

        return amend


def _run(
    computation: Computation, runner: Runner, x: NDArray[Any], machines: NDArray[np.str_] | None
) -> dict[str, Column]:
    """Results that do not depend on how rows are cut into blocks, to the last bit.

    Kernels treat what does not fill a register in another way, with another last digit: rows are
    filled up to a number that does.
    """
    n, lacking = len(x), -len(x) % REGISTER_ROWS
    if lacking:
        x = np.concatenate([x, x[-1:].repeat(lacking, 0)])
        machines = (
            None if machines is None else np.concatenate([machines, machines[-1:].repeat(lacking)])
        )
    return {name: column[:n] for name, column in computation(runner, x, machines).items()}


def _machines(block: Block, good: NDArray[np.bool_], runner: Runner) -> NDArray[np.str_] | None:
    """Machine whose calibration judges each good row; None where all are judged alike."""
    if block.machines is None:
        return None
    machines = block.machines[good]
    if runner.machine is None:
        return machines
    check_own(machines, runner.machine, runner.manifest.model.machine_column, f"{block.file}: ")
    return None


def _with_known_machines(block: Block, runner: Runner) -> Block:
    """The block, in which rows of machines without a calibration are bad."""
    calibration = runner.calibration
    if block.machines is None or runner.machine is not None or calibration.by_machine is None:
        return block
    names = np.unique(block.machines)
    strange = {str(name): _unknown(calibration, str(name)) for name in names}
    bad = dict(block.bad)
    for name, reason in strange.items():
        for place in np.flatnonzero(block.machines == name).tolist() if reason else ():
            bad.setdefault(place, reason)
    return block._replace(bad=bad)


def _unknown(calibration: Calibration, machine: str) -> str:
    """Reason why a machine cannot be judged; empty where it can."""
    try:
        of_machine(calibration, machine)
    except ValueError as error:
        return str(error)
    return ""


def _beside(
    block: Block, good: NDArray[np.bool_], machines: NDArray[np.str_] | None, *, name_files: bool
) -> dict[str, Column]:
    """Columns before the results of good rows: where each row is, kept columns, machine."""
    where = where_of(block, name_files=name_files)
    check_names([*where, *block.kept, *([] if machines is None else [MACHINE])])
    given = {**where, **block.kept}
    columns = given if good.all() else {name: take(c, good) for name, c in given.items()}
    return {**columns, **({} if machines is None else {MACHINE: machines})}


def where_of(block: Block, *, name_files: bool) -> dict[str, NDArray[Any]]:
    """File and rows of a block, as named columns for a table of results."""
    if not name_files:
        return block.where
    where = dict(block.where)
    inside = where.pop("file", None)  # of images: their paths in the folder
    file = np.full(len(block.x), block.file)
    return {"file": file if inside is None else np.char.add(f"{block.file}/", inside), **where}
