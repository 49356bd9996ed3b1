"""Monitor of gaps: warns when most steps in time are gaps, and nothing is scored."""

from vae_runtime.rows.windows import GAP

FEWEST_GAPS = 10  # gaps that are no reason to speak, even where a window is shorter


class Pace:
    """Compares the steps of a live source with the period that it is said to have.

    Args:
        period: usual seconds between two samples; no step is a gap where None.
        window: samples in a window.
    """

    def __init__(self, period: float | None, window: int) -> None:
        self._period, self._many = period, max(window, FEWEST_GAPS)
        self.gaps = 0
        self._since, self._stretch, self._told = 0, 1, False

    def step(self, seconds: float) -> str | None:
        """Counts the step from one sample to the next in `gaps`, where it is one.

        Args:
            seconds: between them, above 0.

        Returns:
            What is wrong, once it is known: as many gaps as a window has samples, or `FEWEST_GAPS`,
            with no stretch of as many samples between them. Again only after such a stretch.
        """
        if self._period is None or seconds <= GAP * self._period:
            self._stretch += 1
            if self._stretch >= self._many:
                self._since, self._told = 0, False
            return None
        self.gaps, self._since, self._stretch = self.gaps + 1, self._since + 1, 1
        if self._told or self._since < self._many:
            return None
        self._told = True
        return (
            f"expected steps of about {self._period:g} s, the period. Received: {self._since} "
            f"steps of more than {GAP:g} periods, the last of {seconds:g} s, with fewer than "
            f"{self._many} samples in a row between any two. No window spans such a step: "
            "correct the period, or see why samples are lost."
        )
