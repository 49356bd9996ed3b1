"""How tables are cut into windows: what a user says of it, and what training did."""

from typing import NamedTuple

from vae_runtime.bundle.records import RowSpec
from vae_runtime.rows.times.times import time_columns


class Windowing(NamedTuple):
    """Settings to cut a table into windows; see `windows.window_rows`.

    None is as the bundle says. An empty name of a column says that there is none: the file is one
    recording, or without holes in time. `time` may be two columns, "date,clock"; `time_format` is
    that of strftime, `gap` the seconds above which a step is a hole.
    """

    stride: int | None = None
    recording: str | None = None
    time: str | None = None
    time_format: str | None = None
    gap: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are named here."""
        return (*((self.recording,) if self.recording else ()), *time_columns(self.time))

    def as_trained(self, spec: RowSpec) -> "Windowing":
        """Settings of training, where none are given here."""
        gap = None if spec.clock is None else spec.clock.gap
        return self.or_else(Windowing(spec.stride, spec.recording, spec.time, gap=gap))

    def or_else(self, other: "Windowing") -> "Windowing":
        """Settings of another, where none are given here."""
        given = {name: value for name, value in self._asdict().items() if value is not None}
        return other._replace(**given)


class Cut(NamedTuple):
    """Windows of a table.

    Args:
        window: rows of each.
        trained: how training cut them.
        said: what a user says of these files.
        every_offset: whether windows begin at any row, one of so many as the stride has rows.
        time_hint: the format of times of training, which says what order of day and month is meant.
    """

    window: int
    trained: Windowing
    said: Windowing = Windowing()
    every_offset: bool = False
    time_hint: str | None = None

    @classmethod
    def of(cls, spec: RowSpec, said: Windowing = Windowing()) -> "Cut | None":  # noqa: B008 - immutable
        """The windows of a model; None where each row is taken alone."""
        if spec.stride is None:
            return None
        hint = None if spec.clock is None else spec.clock.format
        return cls(spec.input_shape[0], Windowing().as_trained(spec), said, time_hint=hint)

    @property
    def settings(self) -> Windowing:
        """What is said, and else what training did."""
        return self.said.or_else(self.trained)
