"""Configuration of the data: which rows are read, and how they are split into sets."""

import math
from dataclasses import dataclass

import numpy as np

from vae_runtime.rows.times.times import time_columns
from vae_runtime.rows.times.written_dates import parse_format

from .checks import LARGEST_SEED, check, check_image_size, check_is_whole, check_whole

BAD_ROWS = ("fail", "reject")
BAD_COLUMNS = ("error", "drop")
MOST_FOLDS = 1_000  # models that are trained for the calibration alone


@dataclass(frozen=True)
class DataConfig:
    """Data to train on: the source of the rows, and how they are split into sets.

    Args:
        source: "digits", "mnist" or "fashion_mnist", a file of rows (.csv, .jsonl, .parquet,
            .arrow, .npz, .npy), a folder or glob of such files, or a folder of images.
        data_dir: where the idx files of mnist or fashion_mnist are; downloaded where None.
        label: column of a table that marks anomalies, which are kept out of training: 1, true, yes
            or on; with `normal` whatever is not among these.
        normal: labels of normal rows, where they are words; also of `y` of an .npz.
        columns: columns of a table to take; all that are not named otherwise where None.
        one_hot: prefixes of names, of columns that are one-hot groups: "color" takes color_red,
            color_green and so on, of which exactly one is 1 in each row.
        categories: columns of few words, or of whole numbers that stand for words, each of which
            becomes a one-hot group: "mode" becomes mode_idle, mode_wash and so on.
        category_values: the values that each of these may have, in order; those of normal rows
            where None.
        value_range: lowest and highest value that the sensor can give, for a likelihood with
            limits; known of bytes and of images between 0 and 1.
        window: rows of a table, in time order, that make up one example; None for each row alone.
            (An array of windows of that length is taken as it is.)
        stride: rows between the starts of two windows when tables are scored; a quarter of a window
            where None. Training draws from windows at every offset, as many an epoch as there are
            at the stride, or at a quarter of a window where that is more.
        recording: column (or key of an .npz) that tells recordings apart: no window spans two, and
            whole recordings are held back.
        time: column (or key) of times, or "date,clock" for two, which are no features: no window
            spans a hole in them, and the run says of them what a device is to expect.
        time_format: of strftime, in which times are written; common ones are recognised where None.
        gap: seconds above which a step in time is a hole; 3.5 usual steps where None.
        on_bad_row: at a row with missing or infinite values, or an image that cannot be read:
            "fail", or "reject" to leave it out; a window with such a row is left out.
        bad_columns: of a table, columns of text and those that never change: "error", or "drop".
        stream: whether to read a Parquet table again in each epoch instead of holding it in memory.
        image_size: (height, width) in pixels to resize images of a folder to, here and on the
            device; all must be alike where None.
        channels: of such images, 1 or 3; as they are where None.
        validation, calibration, test: shares of the normal rows held back from training: to stop
            it in time, to set the alarm threshold, to check both.
            With folds, only the test is held back.
        seed: of the shuffle before the split.
        classes: column of a table, or key of an .npz, that says what class a row is of, where that
            is known: text, empty where it is not, or whole numbers, -1 where it is not. "digit" of
            digits.
        labels_per_class: how many labels of each class training may see; all where None.
        folds: of rows that are few, into how many to cut them for a calibration that holds none
            back, see `cross_fitting`; 1 for none, None for what `splits.choose_folds` says.
        machine: column of a table, or key of an .npz, that names the machine that a row is
            of: each machine's alarm threshold is set on its own rows. It may be `recording` too.
        sep, decimal, thousands, encoding, comment, skiprows: of a text file, see `Dialect` in
            docs/bundle-format.md; None for what the file shows, which is told.
        header: of a text file, whether its first line has names; None for what it shows.
        missing: cells that mean no value, beside NA, null, - and the like.

    >>> DataConfig("sensors.csv", label="broken").calibration
    0.2
    """

    source: str
    data_dir: str | None = None
    label: str | None = None
    columns: tuple[str, ...] | None = None
    one_hot: tuple[str, ...] | None = None
    value_range: tuple[float, float] | None = None
    window: int | None = None
    stride: int | None = None
    recording: str | None = None
    time: str | None = None
    time_format: str | None = None
    gap: float | None = None
    on_bad_row: str = "fail"
    bad_columns: str = "error"
    stream: bool = False
    image_size: tuple[int, int] | None = None
    channels: int | None = None
    validation: float = 0.1
    calibration: float = 0.2
    test: float = 0.1
    seed: int = 0
    classes: str | None = None
    labels_per_class: int | None = None
    folds: int | None = None
    machine: str | None = None
    normal: tuple[str, ...] | None = None
    categories: tuple[str, ...] | None = None
    category_values: dict[str, tuple[str, ...]] | None = None
    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    encoding: str | None = None
    comment: str | None = None
    header: bool | None = None
    skiprows: int | None = None
    missing: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        shares = (self.validation, self.calibration, self.test)
        if not (min(shares) > 0 and sum(shares) < 1):  # of a NaN neither is true
            raise ValueError(
                "expected shares for validation, calibration and test above 0 that leave rows to "
                f"train on. Received: {', '.join(f'{share:g}' for share in shares)}."
            )
        _check_columns(self)
        _check_windows(self)
        _check_categories(self)
        _check_classes(self)
        _check_folds(self)
        if self.value_range is not None:
            low, high = self.value_range
            finite = math.isfinite(low) and math.isfinite(high)
            check("value range of two numbers, low < high", self.value_range, finite and low < high)
        check("on_bad_row of fail or reject", self.on_bad_row, self.on_bad_row in BAD_ROWS)
        check("bad_columns of error or drop", self.bad_columns, self.bad_columns in BAD_COLUMNS)
        if self.image_size is not None:
            check_image_size(self.image_size)
        check("number of channels of 1 or 3", self.channels, self.channels in (None, 1, 3))
        check_whole("seed", self.seed, least=0, most=LARGEST_SEED)
        if self.skiprows is not None:
            check_whole("skiprows", self.skiprows, least=0)

    @property
    def time_columns(self) -> tuple[str, ...]:
        """Columns, or keys, of times: none, one, or those of dates and of clocks.

        >>> DataConfig("log.csv", window=8, time="date,clock").time_columns
        ('date', 'clock')
        """
        return time_columns(self.time)

    @property
    def has_own_shares(self) -> bool:
        """True where the shares for validation and calibration are not the defaults."""
        return (self.validation, self.calibration) != (
            DataConfig.validation,
            DataConfig.calibration,
        )


def _check_columns(config: DataConfig) -> None:
    """Raises ValueError where one column of a table has two uses."""
    if config.one_hot is not None:
        clash = [(a, b) for a in config.one_hot for b in config.one_hot if b.startswith(f"{a}_")]
        differ = len(set(config.one_hot)) == len(config.one_hot) and not clash
        check("list of one-hot prefixes that share no column", config.one_hot, differ)
    categories = config.categories or ()
    columns = [name for name in config.columns or () if name not in categories]
    named = [config.label, config.recording, config.classes, *columns, *categories]
    named += config.time_columns
    if config.machine != config.recording:  # a machine may be a recording, and is nothing else
        named.append(config.machine)
    twice = sorted({n for n in named if n is not None and named.count(n) > 1})
    if twice:
        raise ValueError(
            "expected columns, label, recording, time, classes, categories and machine that "
            "differ. "
            f"Received: {', '.join(twice)} twice."
        )


def _check_categories(config: DataConfig) -> None:
    """Raises ValueError where categories are combined with what cannot have them."""
    if config.categories is None:
        check("list of categories, for their values", None, config.category_values is None)
        return
    known = config.category_values
    if known is not None:
        check("list of values for each category", sorted(known), {*known} == {*config.categories})


def _check_classes(config: DataConfig) -> None:
    if config.classes is not None and config.stream:
        raise ValueError("expected classes without streaming. Received: both.")
    if config.labels_per_class is not None:
        check("column of classes for labels_per_class", None, config.classes is not None)
        check_whole("labels_per_class", config.labels_per_class)


def _check_folds(config: DataConfig) -> None:
    """Raises ValueError for fewer than three folds: one is held out, one stops the training."""
    folds = config.folds
    if folds is None:
        return
    check_is_whole("folds", folds)
    if folds == 1:
        return
    check("number of folds of 1, for none, or of 3 or more", folds, folds >= 3)
    check(f"number of folds of {MOST_FOLDS:,} at most", folds, folds <= MOST_FOLDS)
    if config.stream:
        raise ValueError(
            f"expected no folds of rows that are streamed, of which there are many. Received: "
            f"{config.folds}. Take --folds 1, or no --stream."
        )
    if config.has_own_shares:
        raise ValueError(
            "expected no shares for validation and calibration with folds, which hold back the "
            f"test alone. Received: {config.folds} folds, {config.validation:g} and "
            f"{config.calibration:g}. Leave out --folds, or --validation and --calibration."
        )


def _check_windows(config: DataConfig) -> None:
    for name in ("machine", "recording"):
        if getattr(config, name) is not None and config.stream:
            raise ValueError(f"expected {name}s without streaming. Received: both.")
    if config.window is not None:
        check_whole("window", config.window, noun=" row")
        if config.stride is not None:
            check_whole("stride", config.stride, noun=" row")
        if config.one_hot or config.stream:
            raise ValueError(
                "expected windows without one-hot groups or streaming. Received: both."
            )
    elif config.stride is not None or config.gap is not None:
        raise ValueError("expected a window, for stride and gap. Received: none.")
    _check_times(config)


def _check_times(config: DataConfig) -> None:
    if config.time is None and (config.time_format is not None or config.gap is not None):
        raise ValueError("expected a column of times, for time_format and gap. Received: none.")
    if config.gap is not None:
        check("gap in seconds, above 0", config.gap, 0 < config.gap < math.inf)
    if config.time_format is not None:
        parse_format(np.array(["-"]), config.time_format)  # refuses one that cannot be
