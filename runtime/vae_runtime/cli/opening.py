"""Opens what the command line names: a bundle with the backend that is asked for, and rows."""

import argparse
import dataclasses

from vae_runtime import LiteRT
from vae_runtime.backends import Backend, OnnxRuntime
from vae_runtime.backends.onnx_runtime import CPU
from vae_runtime.backends.profiles import PROFILES
from vae_runtime.data.inputs import Input, Windowing, read_input
from vae_runtime.runner import Runner


def open_runner(args: argparse.Namespace) -> Runner:
    """The runner of `--precision`, `--backend` and its settings, of a bundle that is verified."""
    return Runner.load(
        args.bundle, precision=args.precision, backend=_backend(args), key=args.verify
    )


def read(args: argparse.Namespace, runner: Runner) -> Input:
    """The rows of the input, as windows where the model takes them."""
    windowing = Windowing(args.stride, args.group, args.time)
    return read_input(args.input, runner.manifest.model, windowing)


def _backend(args: argparse.Namespace) -> Backend:
    if args.backend == "litert":
        for option in ("profile", "provider"):
            if getattr(args, option) is not None:
                args.error(f"expected no --{option} with --backend litert: it is onnxruntime's.")
        return LiteRT(threads=1 if args.threads is None else args.threads)
    profile = PROFILES[args.profile or "edge"]
    if args.threads is not None:
        profile = dataclasses.replace(profile, threads=args.threads)
    return OnnxRuntime(profile, provider=args.provider or CPU)
