"""Latents of rows, rows of latents, and rows that never were."""

import argparse

import numpy as np

from vae_runtime.data.files import read_rows

from .opening import open_runner, read
from .writing import check_output, write_rows


def sample(args: argparse.Namespace) -> int:
    """Writes draws from the prior."""
    check_output(args, ".npy", ".png")
    runner = open_runner(args)
    return write_rows(runner.sample(args.n, seed=args.seed), args.output, runner.manifest.model)


def encode(args: argparse.Namespace) -> int:
    """Writes the latent mean of each row, or draws from its posterior."""
    check_output(args, ".npy")
    runner = open_runner(args)
    latents = runner.encode(read(args, runner.manifest.model).x, draws=args.draws, seed=args.seed)
    return write_rows(latents, args.output, runner.manifest.model)


def decode(args: argparse.Namespace) -> int:
    """Writes the rows that latents stand for."""
    check_output(args, ".npy", ".png")
    runner = open_runner(args)
    z = read_rows(args.input).x
    return write_rows(runner.decode(z), args.output, runner.manifest.model)


def reconstruct(args: argparse.Namespace) -> int:
    """Writes what the model makes of each row."""
    check_output(args, ".npy", ".png")
    runner = open_runner(args)
    x = runner.reconstruct(read(args, runner.manifest.model).x)
    return write_rows(x, args.output, runner.manifest.model)


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
