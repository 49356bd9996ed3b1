"""Command `vae-keras`: trains VAEs and evaluates them."""

import argparse
import importlib.metadata
import re
import sys
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from vae_keras._base.libraries import check as check_libraries
from vae_keras._base.tf_log_filter import filter_tf_log
from vae_keras.configs.options import DATA, MODEL, TRAIN, add_options, number_or_all
from vae_runtime import BundleError
from vae_runtime._base.printable import printable, say
from vae_runtime.cli.parser import Parser
from vae_runtime.cli.values import name_or_path, path
from vae_runtime.rows.text.endings import ENDINGS
from vae_runtime.verdicts.recordings import describe as describe_recordings

from .configs import DataConfig, ModelConfig, TrainConfig
from .inspection.cli import add_inspect

if TYPE_CHECKING:
    from .run import Metrics

# what may be said of the rows to judge on
TEXT = ("sep", "decimal", "thousands", "encoding", "comment", "header", "skiprows", "missing")
JUDGED = (
    *("label", "normal", "recording", "time", "time_format", "gap"),
    *("machine", "classes", "on_bad_row"),
    *("image_size", "channels", *TEXT),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 when done, 1 when it failed (2 is argparse's, wrong usage)."""
    args, started = _parser().parse_args(arguments), time.time()
    try:
        return int(args.run(args))
    except (BundleError, ValueError, OSError, MemoryError) as error:
        print(printable(f"vae-keras: {error}"), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        resumed = _can_resume(args, started)
        advice = "; the same command with --resume goes on where it was" if resumed else ""
        print(f"vae-keras: interrupted{advice}", file=sys.stderr)
        return 130


def _can_resume(args: argparse.Namespace, started: float) -> bool:
    """True where a training left a checkpoint, or was resumed from one that is still there."""
    if "resume" not in args:
        return False
    found = [
        file
        for file in args.out.parent.glob("*.checkpoint.npz")
        if re.fullmatch(r"(\.folds?\d*)?\.checkpoint\.npz", file.name.removeprefix(args.out.name))
    ]
    return any(args.resume or file.stat().st_mtime >= started for file in found)


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="vae-keras", description="Trains VAEs and judges them.")
    version = importlib.metadata.version("vae-keras")
    parser.add_argument("--version", action="version", version=f"vae-keras {version}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    add_inspect(commands.add_parser("inspect", help="say what is in files, and how to train on it"))
    train = commands.add_parser("train", help="train on normal rows; writes a run directory")
    train.set_defaults(run=_train)
    train.add_argument(
        "--data",
        required=True,
        type=name_or_path,
        help=f"digits, mnist, fashion_mnist, a file of {', '.join(ENDINGS)}, a folder or glob of "
        "such files, or a folder of images",
    )
    train.add_argument("--out", required=True, type=path, help="the run directory to write")
    train.add_argument(
        "--seed", type=int, default=0, help="of split, weights and noise (default: 0)"
    )
    train.add_argument("--resume", action="store_true", help="go on where a killed run was")
    train.add_argument(
        "--devices",
        type=number_or_all,
        default=1,
        metavar="N",
        help="how many GPUs share each batch, or all (default: 1)",
    )
    train.add_argument(
        "--verbose",
        action="store_true",
        help="say what is compiled: a whole epoch or its steps, and why",
    )
    train.add_argument("--csv-log", type=path, metavar="FILE", help="write losses as they come")
    train.add_argument(
        "--tensorboard", type=path, metavar="DIR", help="write losses for TensorBoard as they come"
    )
    for config, flags in ((DataConfig, DATA), (ModelConfig, MODEL), (TrainConfig, TRAIN)):
        add_options(train, config, flags)
    judge = commands.add_parser("evaluate", help="judge a run or a bundle on labelled rows")
    judge.set_defaults(run=_evaluate)
    judge.add_argument("path", type=path, help="a run directory or a bundle")
    judge.add_argument(
        "--data", type=name_or_path, help="as of train; default: the run's test rows"
    )
    judge.add_argument(
        "--out", type=path, metavar="PAGE.html", help="write a page with pictures and tables"
    )
    judge.add_argument(
        "--png", type=path, metavar="FILE.png", help="write the page's main picture alone"
    )
    judge.add_argument("--json", action="store_true", help="print all figures as JSON")
    add_options(judge, DataConfig, {option: DATA[option] for option in JUDGED})
    return parser


def _train(args: argparse.Namespace) -> int:
    check_libraries("training")
    with filter_tf_log():
        from vae_keras.fit.callbacks import make_callbacks

        from .training import train

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
        callbacks=make_callbacks(args.csv_log, args.tensorboard, out=args.out, data=args.data),
        devices=args.devices,
        verbose=args.verbose,
        log=_log,
    )
    print(printable(f"wrote {run.path}: {describe(metrics, noun=run.data.noun)}"))
    return 0


def _evaluate(args: argparse.Namespace) -> int:
    check_libraries("judging", *(("matplotlib",) if args.out or args.png else ()))
    with filter_tf_log():
        from .evaluate import warnings
        from .judging import judge, print_figures, write_pages

    options = {option: getattr(args, option) for option in JUDGED}
    judged = judge(args.path, args.data, outputs=(args.out, args.png), log=_log, **options)
    metrics, noun = judged.metrics, judged.noun
    if args.json:
        print_figures(judged)
    else:
        print(printable(describe(metrics, noun=noun)))
    for line in warnings(metrics, noun=noun):
        _log(line)
    for line in write_pages(judged, args.out, args.png):
        _log(line)
    return 0


def describe(metrics: "Metrics", *, noun: str = "row") -> str:
    """Describes `Metrics` in one sentence, in which rows are called by `noun`."""
    parts = [f"alarms at alpha={metrics.alpha:g}:"]
    if metrics.normal_rows:
        parts.append(f"{metrics.false_alarm_rate:.1%} of {metrics.normal_rows} normal {noun}s")
    if metrics.anomalies:
        parts.append(f"{metrics.detection_rate:.1%} of {metrics.anomalies} anomalies")
    if metrics.auroc is not None:
        parts.append(f"AUROC {metrics.auroc:.4f}, AUPRC {metrics.auprc:.4f}")
    sentence = f"{parts[0]} {', '.join(parts[1:])}"
    if metrics.by_recording:
        sentence += f"; {describe_recordings(metrics.by_recording)}"
    if metrics.accuracy is None:
        return sentence
    return f"{sentence}; class right in {metrics.accuracy:.1%} of {metrics.labelled_rows} {noun}s"


def _log(line: str) -> None:
    say(line, sys.stderr)
