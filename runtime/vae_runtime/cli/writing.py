"""Writer of results as arrays and pictures, each whole or not at all, and words for people."""

import argparse
import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.paths import file_target
from vae_runtime._base.png import contact_sheet
from vae_runtime._base.printable import printable
from vae_runtime.bundle.manifest import NEG_ELBO_END, Model
from vae_runtime.bundle.writer import check_apart as check_no_bundle
from vae_runtime.rows.input_files import check_apart

STANDARD = "-"  # input or output
PICTURE = ".png"  # the ending of images side by side


def counted(n: int, one: str, many: str | None = None) -> str:
    """Number and noun, for people: `1 anomaly`, `1,000 rows`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"


def score_of(calibration: str) -> str:
    """Name of the score that a calibration of this name in the manifest is of."""
    return "nll + kl" if calibration.endswith(NEG_ELBO_END) else "score"


def check_output(args: argparse.Namespace, *endings: str) -> None:
    """Refuses an output that cannot be written, before any work is done."""
    output: Path = args.output
    file_target(output)
    check_apart([each for each in args.inputs if each != STANDARD], [output])
    check_no_bundle(args.bundle, output)
    if output.suffix not in endings:
        raise ValueError(f"{output}: expected an output of {' or '.join(endings)}.")


def check_images(output: Path, model: Model) -> None:
    """Raises ValueError for a model of rows that are not images, where a picture is asked for."""
    if model.feature_names is not None or model.stride is not None:
        raise ValueError(
            f"{output}: expected a model of images for a picture. Received: one of "
            f"{'windows' if model.stride else 'a table'}. Write .npy."
        )


def write_rows(
    rows: NDArray[Any], output: Path, model: Model, *, columns: int | None = None
) -> int:
    """Writes rows as .npy, or images as one .png of so many columns; 0, for done."""
    if output.suffix == PICTURE:
        check_images(output, model)
        content = contact_sheet(rows, model.value_range, columns=columns)
    else:
        buffer = io.BytesIO()
        np.save(buffer, rows)
        content = buffer.getvalue()
    write_aside(output, lambda file: file.write(content))
    print(printable(f"wrote {counted(len(rows), 'row')} to {output}"), file=sys.stderr)
    return 0
