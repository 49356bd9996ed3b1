"""Verdicts by a false discovery rate, which take the rows of all inputs into account."""

from collections.abc import Callable, Iterator

import numpy as np

from vae_runtime.verdicts.calibration import discovery_level

from .parts import MACHINE, Outcome


class Discoveries:
    """Names rows so that at most a share of them is false on average; a `Settle`.

    It holds the p-values of all rows, 8 bytes a row.

    Args:
        fdr: that share.
    """

    def __init__(self, fdr: float) -> None:
        self.fdr = fdr
        self.machines: set[str] = set()  # that rows are of

    def __call__(self, outcomes: Iterator[Outcome]) -> Callable[[Outcome], Outcome]:
        """What amends an outcome, once all of them are known."""
        found = []
        for outcome in outcomes:
            if outcome.rows:
                found.append(outcome.columns["p_value"])
                self.machines.update(np.unique(outcome.columns.get(MACHINE, [])).tolist())
        level = discovery_level(np.concatenate(found), self.fdr) if found else -1.0

        def amend(outcome: Outcome) -> Outcome:
            if not outcome.rows:
                return outcome
            is_anomaly = outcome.columns["p_value"] <= level
            columns = {**outcome.columns, "is_anomaly": is_anomaly}
            return outcome._replace(columns=columns, anomalies=int(is_anomaly.sum()))

        return amend
