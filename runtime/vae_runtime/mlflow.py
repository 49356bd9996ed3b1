"""A bundle as MLflow runs it; `vae-export --mlflow` writes models that name this module.

MLflow itself is not imported: it calls `_load_pyfunc`, and `predict` of what that returns.
"""

from typing import Any

import numpy as np

from .runner import Runner


class Scorer:
    """The model behind `mlflow.pyfunc.load_model`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def predict(self, x: Any) -> Any:
        """`score`, `p_value` and `is_anomaly` of each row, at the bundle's own alarm level.

        Args:
            x: an array (batch, *input_shape), or a pandas data frame, whose columns are found by
                name and may be of whole numbers.

        Returns:
            A dict of arrays (batch,); of a data frame, a data frame with its index.
        """
        if not hasattr(x, "columns"):
            return self._runner.score(x)._asdict()
        names = list(self._runner.manifest.model.feature_names or x.columns)
        scores = self._runner.score(np.asarray(x[names], np.float64))
        return type(x)(scores._asdict(), index=x.index)


def _load_pyfunc(path: str) -> Scorer:
    """The model in the bundle at `path`; the name is MLflow's."""
    return Scorer(Runner.load(path))
