"""Record batches of Arrow in, the same rows with results beside them out: for engines on clusters.

Spark, Ray and others cut a table into record batches and call a function on each. Here is that
function, and what carries it to other processes: plain values that name a bundle, which each
process opens once.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from vae_runtime import __version__
from vae_runtime._base.paths import path_of
from vae_runtime.backends import backend_of, kind_of
from vae_runtime.backends.profiles import profile_of_files
from vae_runtime.batch.columns import check_names
from vae_runtime.batch.results import compute_with
from vae_runtime.bundle import Bundle, open_bundle
from vae_runtime.bundle import manifest as manifests
from vae_runtime.bundle.containers import Memory
from vae_runtime.errors import BundleError
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.formats.columnar import block_of, check_kept, columns_of
from vae_runtime.rows.formats.text_columns import as_numbers, as_text, coded
from vae_runtime.rows.frames import type_of
from vae_runtime.runner import Runner
from vae_runtime.verdicts.row_machines import resolve_machines

from .align import REJECTED, aligned_batch, result_fields
from .options import ROW_OPTIONS, RUNNER_OPTIONS, RowOptions, RunnerOptions

WHERE = "a record batch"  # for errors
OPEN_BUNDLES = 4  # bundles that a process keeps open


@dataclass(frozen=True)
class BatchScorer:
    """Scores record batches in whatever process it finds itself; plain values, made by `of`.

    Args:
        bundle: its path, as workers see it.
        sha256: of its manifest, which names the sha256 of all else.
        runner_options, row_options: see there.
        files: the bundle's own, by name, where they travel along.
        home: the module that registers the backend as it is imported.
        version: of vae-runtime, which must be the same everywhere.

    >>> scorer = BatchScorer.of("artifacts/sensors")
    >>> scorer(batch).column("is_anomaly").to_pylist()
    [False, False, False, False, False, False, True, True]
    """

    bundle: str
    sha256: str
    runner_options: RunnerOptions
    row_options: RowOptions
    files: Mapping[str, bytes] | None = field(default=None, compare=False, repr=False)
    home: str = __name__
    version: str = __version__

    @classmethod
    def of(
        cls,
        bundle: str | Path,
        runner_options: RunnerOptions = RUNNER_OPTIONS,
        row_options: RowOptions = ROW_OPTIONS,
    ) -> "BatchScorer":
        """Scorer of the bundle that is at this path now.

        Raises:
            BundleError: no bundle there can be opened so.
            ValueError: what is asked does not fit it; see `Runner.load`, `OfRows.check_options`.
        """
        path = path_of(bundle, "the path of a bundle").absolute()
        opened = open_bundle(path, key=runner_options.key)
        files = opened.contents() if runner_options.ship else None
        home = kind_of(runner_options.backend).__module__
        scorer = cls(
            str(path), manifests.digest(opened.manifest), runner_options, row_options, files, home
        )
        result_fields(scorer.runner, row_options.computation)
        return scorer

    @property
    def runner(self) -> Runner:
        """Runner of the bundle; opened once in a process.

        Raises:
            BundleError: another bundle is at that path here, or another version of vae-runtime.
        """
        return _open(self)

    def kept(self, names: list[str]) -> tuple[str, ...]:
        """Columns that will stand before the results, among these names.

        Raises:
            ValueError: columns are missing, or one that is kept is called like a result.
        """
        return kept(names, self.runner, self.row_options)

    @property
    def results(self) -> list[Any]:
        """The `pyarrow.Field`s that come beside them."""
        return fields_of(self.runner, self.row_options)

    def schema(self, given: Any) -> Any:
        """Schema of the scored record batches, given the schema of the input; see `schema_of`."""
        return schema_of(given, self.runner, self.row_options)

    def __call__(self, batch: Any) -> Any:
        """See `score_record_batch`."""
        return score_record_batch(batch, self.runner, self.row_options)


def score_record_batch(batch: Any, runner: Runner, row_options: RowOptions = ROW_OPTIONS) -> Any:
    """A `pyarrow.RecordBatch` of the kept columns and the results, row by row as they came.

    Args:
        batch: a `pyarrow.RecordBatch`, with a column of numbers for each feature, or one of lists.
        runner: of the bundle.
        row_options: what is asked.

    Raises:
        ValueError: it is no record batch, columns are missing or of types that hold no rows, or a
            row is bad and bad rows are not rejected.
    """
    import pyarrow as pa

    if not isinstance(batch, pa.RecordBatch):
        raise ValueError(
            f"expected a pyarrow.RecordBatch. Received: {type_of(batch)}. Give a table batch by "
            "batch (table.to_batches()), make a batch of a data frame "
            "(pyarrow.RecordBatch.from_pandas(frame)), or give either whole to Runner.score."
        )
    schema = schema_of(batch.schema, runner, row_options)
    if not batch.num_rows:
        return pa.RecordBatch.from_pylist([], schema=schema)
    wanted, columns = _wanted(batch.schema.names, runner, row_options)
    block = block_of(batch, WHERE, 0, wanted, columns)
    if encoded := runner.manifest.model.categories if wanted.extra else None:
        block = coded(block, wanted._replace(categories=encoded, extra=()))
    result = compute_with(runner, row_options.computation, reject=True, bare=True)(block)
    return aligned_batch(block, result, block.kept, schema, reject=row_options.rejects)


def schema_of(given: Any, runner: Runner, row_options: RowOptions) -> Any:
    """The `pyarrow.Schema` of what record batches of another schema become; no row is needed.

    Raises:
        ValueError: columns are missing, or one that is kept is called like a result.
    """
    import pyarrow as pa

    names = kept(given.names, runner, row_options)
    return pa.schema([*(given.field(name) for name in names), *fields_of(runner, row_options)])


def kept(names: list[str], runner: Runner, row_options: RowOptions) -> tuple[str, ...]:
    """Columns that stand before the results, among these names; see `BatchScorer.kept`."""
    wanted, _ = _wanted(names, runner, row_options)
    check_names([*wanted.keep, *(field.name for field in fields_of(runner, row_options))])
    return wanted.keep


def fields_of(runner: Runner, row_options: RowOptions) -> list[Any]:
    """The `pyarrow.Field`s of results."""
    import pyarrow as pa

    rejected = [pa.field(REJECTED, pa.string())] if row_options.rejects else []
    return [*result_fields(runner, row_options.computation), *rejected]


def _wanted(names: list[str], runner: Runner, row_options: RowOptions) -> tuple[Wanted, list[str]]:
    """Selects what to read of a batch by its column names, and the columns that hold rows."""
    wanted = Wanted.of(runner.manifest.model, column=row_options.column)
    wanted = wanted._replace(allow_missing=runner.expects_missing)
    has_text = bool(wanted.categories) and {*wanted.categories} <= {*names}
    wanted = as_text(wanted) if has_text else as_numbers(wanted)
    columns = columns_of(names, wanted, WHERE)
    taken = {*columns, *wanted.extra}
    keep = (
        tuple(n for n in names if n not in taken) if row_options.keep is None else row_options.keep
    )
    machine = resolve_machines(
        runner.manifest.model,
        runner.calibration,
        own=runner.machine,
        asked=row_options.machine_column,
        names=names,
    )
    wanted = wanted._replace(keep=keep, machine_column=machine)
    check_kept(names, wanted, WHERE)
    return wanted, columns


@lru_cache(OPEN_BUNDLES)
def _open(scorer: BatchScorer) -> Runner:
    if scorer.version != __version__:
        raise ValueError(
            f"expected vae-runtime {scorer.version}, as where the job began. Received: "
            f"{__version__} on this worker. Install the same version everywhere."
        )
    bundle, runner_options = _bundle(scorer), scorer.runner_options
    if manifests.digest(bundle.manifest) != scorer.sha256:
        raise BundleError(
            f"{scorer.bundle}: expected the bundle that the job began with. Received: another one "
            "at that path on this worker. Copy it there, or ship it with the job."
        )
    bundle.verify()
    importlib.import_module(scorer.home)
    profile = profile_of_files(bundle.manifest.model.input_shape)
    return Runner(
        bundle,
        precision=runner_options.precision,
        backend=backend_of(runner_options.backend, profile),
        machine=runner_options.machine,
        score=runner_options.score,
        missing_values=runner_options.missing_values,
    )


def _bundle(scorer: BatchScorer) -> Bundle:
    if scorer.files is None:
        return open_bundle(scorer.bundle)
    manifest = manifests.loads(scorer.files[manifests.NAME])
    return Bundle(Memory(Path(scorer.bundle), scorer.files), manifest)
