"""Folder of heat maps: a picture for each image, and `heat_maps.json` with the scale of colours.

A picture has the path of its image in the folder that is read, with `.png` behind a name that ends
otherwise. Rows of arrays have numbers. The folder is written whole, or not at all.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vae_runtime._base import typed_json
from vae_runtime._base.atomic_files import begin_aside, put_file_in_place, sync
from vae_runtime._base.directories import Kind, directory_aside
from vae_runtime._base.paths import file_target
from vae_runtime.bundle.manifest import ImageSpec, Model
from vae_runtime.explain.heat_maps import HeatScale, draw, is_of_images, scale_of
from vae_runtime.rows.bad_rows import Reject
from vae_runtime.rows.blocks import Block
from vae_runtime.rows.formats.image_files import is_image
from vae_runtime.rows.formats.pixels import UNSAID, picture, stretched
from vae_runtime.rows.input_files import Inputs
from vae_runtime.runner import Runner

from .bad_rows import RejectFile
from .computations import MappingPixels
from .pool import Pool
from .progress import Counts
from .results import Result, compute_with
from .run import NothingDone

MARK = "heat_maps.json"
ENDING = ".png"


@dataclass(frozen=True)
class HeatMaps:
    """Contents of `heat_maps.json`.

    Args:
        transparent_to: nats of a pixel up to which it is not coloured.
        red_from: nats of a pixel from which it is red.
        largest: the most nats of a pixel of each picture, by the path of the picture.
    """

    transparent_to: float
    red_from: float
    largest: dict[str, float]


def _files(mark: Path) -> list[str]:
    return [*typed_json.convert(HeatMaps, typed_json.parse(mark.read_bytes()), MARK).largest]


HEAT_MAPS = Kind("folder of heat maps", mark=MARK, files=_files)


def write_heat_maps(
    runner: Runner,
    inputs: Inputs,
    out: Path,
    *,
    rejects: Path | None = None,
    threads: int = 0,
    watch: Callable[[Counts], None] = lambda counts: None,
) -> Counts:
    """Writes a heat map for each image of the inputs.

    Args:
        runner: of a bundle of images.
        inputs: images, or arrays of rows.
        out: the folder to write; an earlier one of heat maps is replaced.
        rejects: the list of bad rows; None where the first is an error.
        threads: that read, compute and draw; 0 is as many as there are cores.
        watch: is told the counts after each block.

    Raises:
        ValueError: the model is not one of images, or a row is bad, or all are.
    """
    model, counts = runner.manifest.model, Counts()
    check_model(model)
    scale = scale_of(runner.explain(runner.probe_rows()))
    compute = compute_with(runner, MappingPixels(), reject=rejects is not None, name_files=True)
    naming = _Naming(list(inputs.files))
    largest, listed = dict[str, float](), list[Reject]()
    with directory_aside(out, HEAT_MAPS) as folder:

        def drawn(block: Block) -> tuple[Result, dict[str, float]]:
            result = compute(block)
            return result, dict(_draw_all(result, model, scale, naming, folder))

        with closing(Pool(inputs.shards, inputs.read, drawn, threads).results()) as results:
            for _, found in results:
                if found is not None:
                    counts = counts.plus(found[0])
                    largest |= found[1]
                    listed.extend(found[0].rejects)
                    watch(counts)
        if rejects is not None:
            _write_rejects(rejects, listed)
        if not counts.done:
            raise NothingDone(
                f"expected an image that can be explained. Received: {counts.rejected:,}, all of "
                f"them rejected; the first: {listed[0].reason}"
            )
        said = HeatMaps(scale.most, scale.full, largest)
        (folder / MARK).write_text(typed_json.dumps(said))
    return counts


def check_model(model: Model) -> None:
    """Raises ValueError for a model of other rows than images."""
    if not is_of_images(model):
        raise ValueError(
            "expected a model of images, to draw heat maps. Received: one of rows of shape "
            f"{model.input_shape}. Write a file: -o OUTPUT.csv of a table, .npz of all others."
        )


class _Naming:
    """Names of pictures, by the files that are read.

    Args:
        sources: files, and folders of images.
    """

    def __init__(self, sources: list[str]) -> None:
        paths = [Path(os.path.abspath(source)) for source in sources]  # noqa: PTH100 - links stay
        roots = [path if path.is_dir() else path.parent for path in paths]
        self._root, self._several = Path(os.path.commonpath(roots)), len(sources) > 1

    def name(self, file: str, row: int) -> str:
        """Path of the picture of a row in the folder, with / between."""
        path = Path(os.path.abspath(file))  # noqa: PTH100
        inside = path.relative_to(self._root).as_posix()
        if is_image(path):
            return inside if inside.lower().endswith(ENDING) else inside + ENDING
        return f"{inside}/{row:06}{ENDING}" if self._several else f"{row:06}{ENDING}"


def _draw_all(
    result: Result, model: Model, scale: HeatScale, naming: _Naming, folder: Path
) -> Iterator[tuple[str, float]]:
    """Draws the rows of a result; gives the name of each picture and its largest nats."""
    if not result.rows:
        return
    each = zip(*(result.columns[name] for name in ("file", "row", "nats", "x")), strict=True)
    for file, row, nats, x in each:
        name = naming.name(str(file), int(row))
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        image = draw(_ground(Path(str(file)), x, model), nats, scale)
        with target.open("xb") as content:
            image.save(content, "PNG")
        yield name, float(nats.sum(axis=2).max())


def _ground(file: Path, x: NDArray[Any], model: Model) -> NDArray[np.uint8]:
    """The image to draw on in grey: that of the file, or the row itself."""
    spec: ImageSpec = model.image or UNSAID
    if is_image(file):
        return picture(file, spec)
    return stretched(x.mean(axis=2), model.value_range)


def _write_rejects(path: Path, rejects: list[Reject]) -> None:
    path = file_target(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = begin_aside(path)
    listed = RejectFile(aside)
    try:
        listed.write(rejects)
        listed.close()
        sync(aside)
        put_file_in_place(aside, path)
    finally:
        listed.close()
        aside.unlink(missing_ok=True)
