"""Evaluation from a path to a page: opens a run or a bundle, reads rows, writes what is asked."""

import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vae_runtime._base.atomic_files import write_aside
from vae_runtime._base.paths import file_target
from vae_runtime.bundle import open_bundle
from vae_runtime.rows.input_files import check_apart

from .data import Dataset
from .data.datasets import where
from .data.own_columns import Loaded, load_like
from .data.places import Places
from .evaluate import evaluate_bundle, evaluate_run
from .run import Metrics, Run, open_run

if TYPE_CHECKING:
    from .pages.evaluation import Drawn
    from .pages.findings import Findings

ENDINGS = (".html", ".png")
Log = Callable[[str], None]


@dataclass(frozen=True)
class Judged:
    """Outcome of an evaluation; verdicts on each row are found when they are first asked for.

    Args:
        path: of the run or bundle.
        run: the run; None of a bundle.
        source: of the rows, for people.
        loaded: the rows.
        metrics: of them.
        noun: what one of them is called: row or window.
    """

    path: Path
    run: Run | None
    source: str
    loaded: Loaded
    metrics: Metrics
    noun: str

    @cached_property
    def findings(self) -> "Findings":
        """Verdicts on each row, and what follows from them."""
        from .pages.findings import find
        from .pages.judge import judge_of_bundle, judge_of_run

        own = judge_of_bundle(self.path) if self.run is None else judge_of_run(self.run)
        return find(own, self.loaded.dataset, self.metrics)

    @cached_property
    def drawn(self) -> "Drawn":
        """Page and picture."""
        from .pages.evaluation import draw

        return draw(self.findings, source=self.source, columns=self.loaded.columns)


def judge(
    path: Path,
    data: str | None,
    *,
    outputs: tuple[Path | None, Path | None] = (None, None),
    log: Log,
    **options: Any,
) -> Judged:
    """Evaluates a run or a bundle on labelled rows, by default those that a run held back.

    Args:
        path: a run directory or a bundle.
        data: source of the rows; None for those of the run.
        outputs: of `write_pages`: looked at before any work is done.
        log: called with each line about the rows.
        options: of the source, as `DataConfig` has them.

    Raises:
        ValueError: the rows do not fit, or an output cannot be written; says what to do.
    """
    for output, ending in zip(outputs, ENDINGS, strict=True):
        _check_output(output, ending, data)
    if path.is_file() or (path / "manifest.json").is_file():
        if data is None:
            raise ValueError("expected --data: a bundle carries no labelled rows of its own.")
        model = open_bundle(path).manifest.model
        loaded = _load(data, model, log, options)
        metrics = evaluate_bundle(path, loaded.dataset)
        return Judged(path, None, Path(data).name, loaded, metrics, model.noun)
    run = open_run(path)
    if data is None:
        metrics = evaluate_run(run)
        return Judged(path, run, "the run's test rows", _held_back(run), metrics, run.data.noun)
    loaded = _load(data, run.data, log, options)
    metrics = evaluate_run(run, loaded.dataset)
    return Judged(path, run, Path(data).name, loaded, metrics, run.data.noun)


def write_pages(judged: Judged, page: Path | None, picture: Path | None) -> Iterator[str]:
    """Writes the page and the picture that are asked for; a line about each."""
    if page is not None:
        html = judged.drawn.html.encode()
        write_aside(page, lambda file: file.write(html))
        yield f"wrote {page}"
    if picture is not None:
        png = judged.drawn.png
        write_aside(picture, lambda file: file.write(png))
        yield f"wrote {picture}"


def print_figures(judged: Judged) -> None:
    """Prints all figures as JSON: metrics, levels, recordings."""
    from .pages.evaluation import figures_of

    print(json.dumps(_plain(figures_of(judged.findings)), indent=2, allow_nan=False))


def _load(data: str, known: Any, log: Log, options: dict[str, Any]) -> Loaded:
    loaded = load_like(data, known, **options)
    for note in loaded.notes:
        log(note)
    return loaded


def _held_back(run: Run) -> Loaded:
    """Test rows of a run, in the order of the source."""
    test, places = run.test, Places.of_arrays(run.test)
    rows = Dataset(run.data.name, test["x"], test["y"], machines=test.get("machine"), places=places)
    return Loaded(rows if places is None else where(rows, places.order), {}, ())


def _check_output(output: Path | None, ending: str, data: str | None) -> None:
    """Refuses an output that cannot be written, before any work is done."""
    if output is None:
        return
    if output.suffix != ending:
        raise ValueError(f"{output}: expected an output of {ending}.")
    file_target(output)
    if data is not None:
        check_apart([data], [output])


def _plain(value: Any) -> Any:
    """Figures as JSON can say them: null for what is no finite number."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
