"""Commands on latents: encode, decode, reconstruct, sample, interpolate."""

import argparse
import math

import numpy as np

from vae_runtime.batch.computations import (
    Computation,
    Decoding,
    Encoding,
    Reconstructing,
    latents_of,
)
from vae_runtime.batch.job import Source
from vae_runtime.batch.prior import prior
from vae_runtime.batch.results import compute_with
from vae_runtime.batch.writing import WRITERS
from vae_runtime.rows.blocks import Wanted
from vae_runtime.rows.input_files import plan
from vae_runtime.runner import Runner

from .batches import (
    cut_by,
    inputs_of,
    run_batch,
    run_files,
    say_written,
    wanted_of,
)
from .files import check
from .opening import open_batch_runner, open_runner, read
from .writing import PICTURE, check_images, check_output, write_rows


def sample(args: argparse.Namespace) -> int:
    """Writes draws from the prior."""
    _check(args)
    if args.resume:
        args.error(
            "expected no --resume with sample, whose draws follow on each other. Begin anew: the "
            "same --seed gives the same samples."
        )
    runner = open_batch_runner(args)
    model = runner.manifest.model
    given = prior(args.n, model.latent_dim, args.seed, Wanted.of(model).block_rows)
    return _write(args, runner, Decoding(), given)


def encode(args: argparse.Namespace) -> int:
    """Writes the latent mean of each row, or draws from its posterior."""
    check(args, *WRITERS)
    runner = open_batch_runner(args)
    values = (args.draws or 1) * runner.manifest.model.latent_dim
    counts = run_files(args, runner, Encoding(args.draws, args.seed), values=values)
    return say_written(args, counts, runner.manifest.model.noun)


def decode(args: argparse.Namespace) -> int:
    """Writes the rows that latents stand for."""
    _check(args)
    runner = open_batch_runner(args)
    model = runner.manifest.model
    wanted = wanted_of(args, latents_of(model))._replace(values=math.prod(model.input_shape))
    with inputs_of(args) as inputs:
        given = plan(inputs, wanted)
        return _write(args, runner, Decoding(), given)


def reconstruct(args: argparse.Namespace) -> int:
    """Writes the reconstruction of each row."""
    _check(args)
    runner = open_batch_runner(args)
    with inputs_of(args) as inputs:
        given = plan(inputs, wanted_of(args, runner.manifest.model))
        return _write(args, runner, Reconstructing(), given)


def interpolate(args: argparse.Namespace) -> int:
    """Writes rows between two rows of the input."""
    check_output(args, ".npy", ".png")
    runner = open_runner(args)
    x = read(args, runner.manifest.model).x
    if len(args.rows) != 2 or not all(0 <= row < len(x) for row in args.rows):
        raise ValueError(
            f"expected --rows with two numbers from 0 to {len(x) - 1}. Received: "
            f"{','.join(map(str, args.rows))}."
        )
    start, end = np.asarray(x)[list(args.rows)]
    between = runner.interpolate(start, end, steps=args.steps, method=args.method)
    return write_rows(between, args.output, runner.manifest.model, columns=len(between))


def _write(
    args: argparse.Namespace, runner: Runner, computation: Computation, given: Source
) -> int:
    """Computes rows of the model, which can be shown if they are images."""
    if args.output is None or args.output.suffix != PICTURE:
        counts = run_batch(args, runner, computation, given, more=cut_by(args))
        return say_written(args, counts, runner.manifest.model.noun)
    check_images(args.output, runner.manifest.model)
    compute = compute_with(runner, computation, bare=True)
    blocks = (block for shard in given.shards for block in given.read(shard))
    x = np.concatenate([compute(block).columns["x_mean"] for block in blocks])
    return write_rows(x, args.output, runner.manifest.model)


def _check(args: argparse.Namespace) -> None:
    """Refuses options that contradict each other, or that a picture cannot have."""
    check(args, PICTURE, *WRITERS)
    if args.output is None or args.output.suffix != PICTURE:
        return
    for name in ("keep", "resume", "metrics", "json"):
        if getattr(args, name):
            args.error(f"expected no --{name} with a picture. Received: both.")
    if args.on_bad_row == "reject":
        args.error("expected no --on-bad-row reject with a picture. Received: both.")
