"""Exception class of exporting, and its subclass for losses that a user may allow."""


class ExportError(Exception):
    """An export that was refused: names the graph, the reason, and what to do. Nothing is left.

    >>> encoder, decoder = mlp_pair((6,), latent_dim=2)
    >>> decoder.set_weights([weight * np.nan for weight in decoder.get_weights()])
    >>> broken = Models(encoder, decoder, likelihood="gaussian", calibration=normal, test=x)
    >>> export(broken, "artifacts/broken")
    Traceback (most recent call last):
    vae_export.errors.ExportError: calibration: expected finite scores from the model. ...
    """


class Degraded(ExportError):
    """File of lower precision that loses more accuracy than it may.

    Args:
        loss: what it loses, a sentence or two; the manifest has it where the user allows that.
        figures: how much.
        advice: what to do where it is refused.
    """

    def __init__(self, loss: str, figures: dict[str, float], advice: str) -> None:
        super().__init__(f"{loss} {advice}")
        self.loss, self.figures = loss, figures
