"""The command `vae-keras`: trains VAEs and judges them."""

import argparse
import dataclasses
import importlib.metadata
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from vae_runtime import BundleError

from .configs import (
    ACTIVATIONS,
    BAD,
    DECAYS,
    PRECISIONS,
    SCHEDULES,
    SIGMAS,
    DataConfig,
    ModelConfig,
    TrainConfig,
)
from .greetings import without_greetings

if TYPE_CHECKING:
    from .run import Metrics

T = TypeVar("T")
Flags = dict[str, tuple[Callable[[str], Any], str]]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _range(text: str) -> tuple[float, float]:
    low, high = (float(limit) for limit in text.split(","))
    return low, high


def _size(text: str) -> tuple[int, int]:
    height, width = (int(side) for side in text.split(","))
    return height, width


def _one_of(*names: str) -> Callable[[str], str]:
    def choice(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"expected {', '.join(names)}. Received: {text!r}.")
        return text

    return choice


def _number_or_all(text: str) -> int | str:
    return text if text == "all" else int(text)


DATA: Flags = {
    "data_dir": (str, "where the idx files of mnist or fashion_mnist are; default: download them"),
    "label": (str, "column of a table that is 1 for anomalies and 0 for normal rows"),
    "columns": (
        _names,
        "columns of a table to take, with commas between; default: all not named otherwise",
    ),
    "one_hot": (_names, "prefixes of the names of columns that are one-hot groups, with commas"),
    "value_range": (_range, "lowest and highest value of the sensor, LOW,HIGH; for bernoulli"),
    "window": (int, "rows of a table, in time order, that make up one example"),
    "stride": (int, "rows between the starts of two windows; default: a quarter of a window"),
    "group": (str, "column, or key of an .npz, that tells recordings apart; no window spans two"),
    "time": (str, "column, or key of an .npz, of times; no window spans a hole in them"),
    "classes": (
        str,
        "column of a table or key of an .npz with the class of each row, empty or -1 where that is "
        "unknown; of digits: digit",
    ),
    "unit": (
        str,
        "column, or key of an .npz, that names the machine that a row is of; each machine's alarm "
        "threshold is set on its own rows",
    ),
    "labels_per_class": (int, "labels of each class that training may see; default: all"),
    "bad_rows": (
        _one_of(*BAD),
        "rows with missing or infinite values, images that cannot be read: error, or drop",
    ),
    "bad_columns": (_one_of(*BAD), "columns of text and those that never change: error, or drop"),
    "stream": (bool, "read a Parquet table anew in each epoch: for more rows than memory holds"),
    "image_size": (_size, "HEIGHT,WIDTH to make images of a folder; default: all must be alike"),
    "channels": (int, "of images of a folder, 1 or 3; default: as they are"),
    "validation": (float, "share of the normal rows that decides when to stop training"),
    "calibration": (float, "share of the normal rows that the alarm threshold is set on"),
    "test": (float, "share of the normal rows that the result is judged on"),
    "folds": (
        int,
        "calibrate on out-of-fold scores of all rows but the test's, by so many models more; 1 for "
        "held-back rows (default: 5 with fewer than 1,000 normal rows, else 1)",
    ),
}
MODEL: Flags = {
    "network": (
        _one_of("auto", "mlp", "conv"),
        "mlp, conv or auto: conv for images and windows, mlp for tables",
    ),
    "hidden": (
        _sizes,
        "sizes of the hidden layers, with commas between; default: the network's own",
    ),
    "activation": (_one_of(*ACTIVATIONS), f"of the hidden layers: {', '.join(ACTIVATIONS)}"),
    "latent_dim": (int, "size of the latent space; default: by the number of features"),
    "likelihood": (
        _one_of("auto", "bernoulli", "gaussian"),
        "bernoulli, gaussian or auto: bernoulli for images of a known range, gaussian for all else",
    ),
    "sigma": (
        _one_of(*SIGMAS),
        f"of a gaussian: {', '.join(SIGMAS)}; auto is shared for images, else per_feature",
    ),
    "beta": (float, "weight of the kl in the training loss"),
    "classifier_weight": (float, "weight of what is asked of the classifier in the training loss"),
}
TRAIN: Flags = {
    "epochs": (int, "passes over the training rows, at most"),
    "patience": (int, "stop after so many epochs without a better validation ELBO"),
    "batch_size": (int, "rows a step"),
    "learning_rate": (float, "of Adam, at the start"),
    "decay": (_one_of(*DECAYS), "of the learning rate: constant, or cosine to a hundredth of it"),
    "schedule": (
        _one_of(*SCHEDULES),
        "of the kl's weight: constant, warmup (from 0 in a straight line) or cyclical (four such)",
    ),
    "warmup": (float, "share of all epochs that the warm-up, or the four cycles, take"),
    "free_bits": (float, "nats of kl that each latent may spend unpenalised"),
    "clip_norm": (float, "largest norm of a gradient; default: no limit"),
    "precision": (
        _one_of(*PRECISIONS),
        "float32 or mixed_bfloat16, for hardware that is faster so",
    ),
    "alpha": (float, "the false-alarm rate to calibrate for"),
}


# what may be said of the rows to judge on
JUDGED = ("label", "group", "time", "unit", "classes", "bad_rows", "image_size", "channels")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 when done, 1 when it failed (2 is argparse's, wrong usage)."""
    args = _parser().parse_args(arguments)
    try:
        return int(args.run(args))
    except (BundleError, ValueError, OSError, MemoryError) as error:
        print(f"vae-keras: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("vae-keras: interrupted; train --resume goes on where it can", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vae-keras", description="Trains VAEs and judges them.")
    version = importlib.metadata.version("vae-keras")
    parser.add_argument("--version", action="version", version=f"vae-keras {version}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser("train", help="train on normal rows; writes a run directory")
    train.set_defaults(run=_train)
    train.add_argument(
        "--data",
        required=True,
        help="digits, mnist, fashion_mnist, a .csv, .parquet, .npz or .npy file, a folder of "
        ".parquet files or of images",
    )
    train.add_argument("--out", required=True, type=Path, help="the run directory to write")
    train.add_argument(
        "--seed", type=int, default=0, help="of split, weights and noise (default: 0)"
    )
    train.add_argument("--resume", action="store_true", help="go on where a killed run was")
    train.add_argument(
        "--devices",
        type=_number_or_all,
        default=1,
        metavar="N",
        help="how many GPUs share each batch, or all (default: 1)",
    )
    train.add_argument("--csv-log", type=Path, metavar="FILE", help="write losses as they come")
    train.add_argument(
        "--tensorboard", type=Path, metavar="DIR", help="write losses for TensorBoard as they come"
    )
    for config, flags in ((DataConfig, DATA), (ModelConfig, MODEL), (TrainConfig, TRAIN)):
        _add_flags(train, config, flags)
    judge = commands.add_parser("evaluate", help="judge a run or a bundle on labelled rows")
    judge.set_defaults(run=_evaluate)
    judge.add_argument("path", type=Path, help="a run directory or a bundle")
    judge.add_argument("--data", help="as of train; default: the run's test rows")
    _add_flags(judge, DataConfig, {option: DATA[option] for option in JUDGED})
    return parser


def _add_flags(parser: argparse.ArgumentParser, config: Any, flags: Flags) -> None:
    """One option for each field of a config that `flags` names, with the field's own default."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    for name, (kind, text) in flags.items():
        default = defaults[name]
        if kind is bool:
            parser.add_argument(f"--{name}", action="store_true", help=text)
            continue
        shown = text if default is None else f"{text} (default: {default})"
        parser.add_argument(f"--{name.replace('_', '-')}", type=kind, default=default, help=shown)


def _train(args: argparse.Namespace) -> int:
    with without_greetings():
        from .training import train
        from .watching import watchers

    given = vars(args)
    data_config = DataConfig(args.data, **{name: given[name] for name in DATA}, seed=args.seed)
    model_config = ModelConfig(**{name: given[name] for name in MODEL})
    train_config = TrainConfig(**{name: given[name] for name in TRAIN}, seed=args.seed)
    run, metrics = train(
        data_config,
        model_config,
        train_config,
        out=args.out,
        resume=args.resume,
        callbacks=watchers(args.csv_log, args.tensorboard, out=args.out),
        devices=args.devices,
        log=_log,
    )
    print(f"wrote {run.path}: {describe(metrics)}")
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    with without_greetings():
        from vae_runtime.bundle import open_bundle

        from . import data
        from .evaluate import evaluate_bundle, evaluate_run
        from .run import open_run

    named = {option: getattr(args, option) for option in JUDGED}
    if args.path.is_file() or (args.path / "manifest.json").is_file():
        if args.data is None:
            raise ValueError("expected --data: a bundle carries no labelled rows of its own.")
        model = open_bundle(args.path).manifest.model
        metrics = evaluate_bundle(args.path, data.load(data.like(args.data, model, **named)))
    else:
        run = open_run(args.path)
        rows = None if args.data is None else data.load(data.like(args.data, run.data, **named))
        metrics = evaluate_run(run, rows)
    print(describe(metrics))
    return 0


def describe(metrics: "Metrics") -> str:
    """`Metrics` as a sentence."""
    parts = [f"alarms at alpha={metrics.alpha:g}:"]
    if metrics.normal_rows:
        parts.append(f"{metrics.false_alarm_rate:.1%} of {metrics.normal_rows} normal rows")
    if metrics.anomalies:
        parts.append(f"{metrics.detection_rate:.1%} of {metrics.anomalies} anomalies")
    if metrics.auroc is not None:
        parts.append(f"AUROC {metrics.auroc:.4f}, AUPRC {metrics.auprc:.4f}")
    sentence = f"{parts[0]} {', '.join(parts[1:])}"
    if metrics.accuracy is None:
        return sentence
    return f"{sentence}; class right in {metrics.accuracy:.1%} of {metrics.labelled_rows} rows"


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
