"""How tables are cut into windows: what a user says of it, and what training did."""

from typing import NamedTuple

from vae_runtime.bundle.records import RowSpec


class Windowing(NamedTuple):
    """Settings to cut a table into windows; see `windows.window_rows`.

    None is as the bundle says. An empty name of a column says that there is none: the file is one
    recording, or without holes in time.
    """

    stride: int | None = None
    recording: str | None = None
    time: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that are named here."""
        return tuple(name for name in (self.recording, self.time) if name)

    def as_trained(self, spec: RowSpec) -> "Windowing":
        """Settings of training, where none are given here."""
        return self.or_else(Windowing(spec.stride, spec.recording, spec.time))

    def or_else(self, other: "Windowing") -> "Windowing":
        """Settings of another, where none are given here."""
        return Windowing(
            other.stride if self.stride is None else self.stride,
            other.recording if self.recording is None else self.recording,
            other.time if self.time is None else self.time,
        )


class Cut(NamedTuple):
    """Windows of a table.

    Args:
        window: rows of each.
        trained: how training cut them.
        said: what a user says of these files.
        every_offset: whether windows begin at any row, one of so many as the stride has rows.
    """

    window: int
    trained: Windowing
    said: Windowing = Windowing()
    every_offset: bool = False

    @classmethod
    def of(cls, spec: RowSpec, said: Windowing = Windowing()) -> "Cut | None":  # noqa: B008 - immutable
        """The windows of a model; None where each row is taken alone."""
        if spec.stride is None:
            return None
        return cls(spec.input_shape[0], Windowing().as_trained(spec), said)

    @property
    def settings(self) -> Windowing:
        """What is said, and else what training did."""
        return self.said.or_else(self.trained)
