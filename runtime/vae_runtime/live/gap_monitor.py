"""Monitor of the steps in time: counts them by kind, and warns when most are gaps."""

from vae_runtime.rows.times.gaps import is_hole, seconds

FEWEST_GAPS = 10  # gaps that are no reason to speak, even where a window is shorter


class Pace:
    """Compares the steps of a live source with the longest that is no gap.

    Args:
        longest: seconds above which a step is a gap; no step is one where None.
        window: samples in a window.
    """

    def __init__(self, longest: float | None, window: int) -> None:
        self._longest, self._many = longest, max(window, FEWEST_GAPS)
        self.steps = self.gaps = self.set_back = self.repeated = 0
        self._since, self._stretch, self._told = 0, 1, False

    @property
    def mostly_gaps(self) -> bool:
        """True where most steps were gaps or went back, and there were enough of them to say so."""
        wrong = self.gaps + self.set_back
        return wrong >= FEWEST_GAPS and 2 * wrong > self.steps

    def step(self, step: float) -> str | None:
        """Counts the step from one sample to the next, in `gaps` where it is one.

        Args:
            step: seconds between them; below 0 where the clock was set back, 0 of equal times.

        Returns:
            What is wrong, once it is known: as many gaps as a window has samples, or `FEWEST_GAPS`,
            with no stretch of as many samples between them. Again only after such a stretch.
        """
        self.steps += 1
        self.repeated += step == 0
        late = self._longest is not None and bool(is_hole(step, self._longest))
        if step >= 0 and not late:
            self._stretch += 1
            if self._stretch >= self._many:
                self._since, self._told = 0, False
            return None
        self.gaps, self.set_back = self.gaps + late, self.set_back + (step < 0)
        self._since, self._stretch = self._since + 1, 1
        if self._told or self._since < self._many:
            return None
        self._told = True
        return self._warning(step)

    def _warning(self, step: float) -> str:
        if step < 0:
            return (
                f"expected times in order. Received: {self._since} steps that go back or are gaps, "
                f"the last of {seconds(-step)} back. No window spans such a step: follow each "
                "machine in a process of its own, or see to the clock."
            )
        longest = seconds(self._longest or 0.0)
        return (
            f"expected steps in time of at most {longest}. Received: {self._since} longer ones, "
            f"the last of {seconds(step)}, with fewer than {self._many} samples in a row between "
            "any two. No window spans such a step: correct the period (--period SECONDS), say "
            "which steps are no gap (--gap SECONDS), or see why samples are lost."
        )
