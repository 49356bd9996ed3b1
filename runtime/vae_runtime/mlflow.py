"""A bundle as MLflow runs it; `vae-export --mlflow` writes models that name this module.

MLflow itself is not imported: it calls `_load_pyfunc`, and `predict` of what that returns.
"""

from typing import Any

from .runner import Runner


class PyfuncModel:
    """The model behind `mlflow.pyfunc.load_model`."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    def predict(self, x: Any) -> Any:
        """`score`, `p_value` and `is_anomaly` of each row, at the bundle's own alarm level.

        Args:
            x: an array (batch, *input_shape), or a table whose columns are found by name, as
                `Runner.score` takes them.

        Returns:
            A dict of arrays (batch,); of a pandas data frame, a data frame with its index.

        Raises:
            ValueError: a column is missing, or the model does not take a value: which, and in
                which row.
        """
        scores = self._runner.score(x)._asdict()
        is_pandas = hasattr(x, "columns") and hasattr(x, "index")
        return type(x)(scores, index=x.index) if is_pandas else scores


def _load_pyfunc(path: str) -> PyfuncModel:
    """The model in the bundle at `path`; the name is MLflow's."""
    return PyfuncModel(Runner.load(path))
