"""Classes from few labels: digits with ten labels each, through the runner, beside baselines.

    python benchmarks/semi.py [--seeds 5] [--first-seed 10] [--labels 10]

A seed decides which rows train, which of these are labelled, weights and noise. Judged on the
rows held back for calibration and test, 539 of them, of which training saw none. What is ours is
trained, exported and asked through `vae_runtime`. Every baseline has the settings that do best
on the judged rows themselves, on average over the seeds, which is in its favour.
"""

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from vae_keras._base.tf_log_filter import filter_tf_log

with filter_tf_log():
    import keras
    from keras import layers
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score
    from sklearn.semi_supervised import LabelSpreading
    from sklearn.svm import SVC

    from vae_export import export
    from vae_keras import (
        DataConfig,
        ModelConfig,
        TrainConfig,
        conv_pair,
        data,
        train,
    )
    from vae_keras.model.classification import head
    from vae_runtime import Runner

TRAINING = {"learning_rate": 3e-3, "decay": "cosine"}  # and all else as `vae-keras train` has it
STEPS = 400  # of a baseline's network, on all labelled rows at once
RANGE = 16.0  # of a pixel

Rows = tuple[np.ndarray, np.ndarray]  # x, and the number of each row's class
Answers = dict[str, list[float]]


def main() -> None:
    """Trains everything for every seed; prints two tables."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first-seed", type=int, default=10, help="those below chose the settings")
    parser.add_argument("--labels", type=int, default=10, help="of each class")
    args = parser.parse_args()
    accuracy: Answers = {}
    scores: Answers = {}
    for seed in range(args.first_seed, args.first_seed + args.seeds):
        config = DataConfig("digits", classes="digit", labels_per_class=args.labels, seed=seed)
        rows = data.split(data.load(config), config)
        with tempfile.TemporaryDirectory() as folder:
            add(accuracy, ours(config, rows, Path(folder), scores))
        add(accuracy, baselines(rows))
        print(f"seed {seed} done", file=sys.stderr, flush=True)
    print(f"| {args.labels} labels a class | accuracy | deviation |\n|---|---|---|")
    for name, settings in by_name(accuracy).items():
        best = max(settings, key=np.mean)
        print(f"| {name} | {np.mean(best):.1%} | {np.std(best):.1%} |")
    print("\n| VAE | negative ELBO, nats | AUROC | seconds |\n|---|---|---|---|")
    for name in ("without classes", "with classes"):
        mean = [np.mean(scores[f"{name} {what}"]) for what in ("score", "auroc", "seconds")]
        print(f"| {name} | {mean[0]:.2f} | {mean[1]:.4f} | {mean[2]:.0f} |")


def ours(config: DataConfig, rows: data.Split, folder: Path, scores: Answers) -> dict[str, float]:
    """Accuracies of the exported classifier, and of an SVM on a VAE's latents (M1)."""
    x, y = judged(rows)
    without = DataConfig("digits", seed=config.seed)
    plain = trained(without, rows, folder / "without classes", scores)
    runner = trained(config, rows, folder / "with classes", scores)
    labelled, labels = seen(rows)
    found = {"this: classifier.onnx": share(runner.classify(x).argmax(1), y)}
    for c in (1, 10, 100):
        model = SVC(C=c).fit(plain.encode(labelled), labels)
        found[f"VAE without labels, then an SVM on z_mean (M1) / {c}"] = share(
            model.predict(plain.encode(x)), y
        )
    return found


def trained(config: DataConfig, rows: data.Split, folder: Path, scores: Answers) -> Runner:
    """A runner of a bundle, made for this; how well it scores goes into `scores`."""
    quiet = {"log": lambda line: None}
    started = time.monotonic()
    train_config = TrainConfig(seed=config.seed, **TRAINING)
    run, _ = train(config, ModelConfig(), train_config, out=folder / "run", **quiet)
    seconds = time.monotonic() - started
    runner = Runner.load(export(run, folder / "bundle", **quiet))
    score = runner.score(rows.test).score
    normal = np.concatenate([score[~rows.test_y], runner.score(rows.calibration).score])
    told = {"score": normal.mean(), "auroc": roc_auc_score(rows.test_y, score), "seconds": seconds}
    add(scores, {f"{folder.name} {what}": float(value) for what, value in told.items()})
    return runner


def baselines(rows: data.Split) -> dict[str, float]:
    """Accuracies of what sees pixels alone, by name and settings."""
    (x, y), (labelled, labels) = judged(rows), seen(rows)
    found = {}
    for name, settings, fit in candidates(rows):
        predict = fit(labelled / RANGE, labels)
        found[f"{name} / {settings}"] = share(predict(x / RANGE), y)
    return found


def candidates(rows: data.Split) -> Iterator[tuple[str, object, Callable[..., Any]]]:
    """Name, settings, and a function from labelled rows to one that predicts."""
    for c in (0.1, 1, 10):
        yield "logistic regression", c, flat(LogisticRegression(C=c, max_iter=5000))
    for c, gamma in itertools.product((1, 10), (0.01, 0.03, 0.1, "scale")):
        yield "SVM (RBF kernel)", (c, gamma), flat(SVC(C=c, gamma=gamma))
    for noise, decay in itertools.product((0.0, 0.2, 0.4), (0.0, 1e-2)):
        yield "the same head", (noise, decay), network(lambda: head(64, 10), noise, decay)
        yield "the same encoder and head", (noise, decay), network(encoder_and_head, noise, decay)
    for n in (3, 5, 7, 10):
        yield "label spreading (sees the unlabelled rows too)", n, spreading(rows, n)


def spreading(rows: data.Split, neighbours: int) -> Callable[..., Any]:
    """A candidate that learns from all training rows: labels spread along a graph of neighbours."""
    model = LabelSpreading(kernel="knn", n_neighbors=neighbours, max_iter=200)
    fit = flat(model)
    return lambda *_: fit(rows.train / RANGE, rows.labels["train"])


def flat(model: Any) -> Callable[..., Any]:
    """A scikit-learn model as a candidate."""
    return lambda x, y: on_flat(model.fit(x.reshape(len(x), -1), y).predict)


def on_flat(predict: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, of images."""
    return lambda x: predict(x.reshape(len(x), -1))


def network(make: Callable[[], keras.Model], noise: float, decay: float) -> Callable[..., Any]:
    """A network trained on the labelled rows alone, with noise on x and weight decay."""

    def fit(x: np.ndarray, y: np.ndarray) -> Callable[..., Any]:
        keras.utils.set_random_seed(0)
        inner = make()
        inputs = keras.Input((8, 8, 1))
        h = layers.GaussianNoise(noise)(inputs)
        h = layers.Reshape(inner.input_shape[1:])(h)
        model = keras.Model(inputs, inner(h))
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(keras.optimizers.AdamW(3e-3, weight_decay=decay), loss)
        model.fit(x, y, batch_size=len(x), epochs=STEPS, verbose=0)
        return lambda x: model.predict(x, verbose=0).argmax(1)

    return fit


def encoder_and_head() -> keras.Model:
    """What the classifier is made of, as one network."""
    config = ModelConfig().resolve((8, 8, 1), bounded=True, rows=1)
    encoder, _ = conv_pair((8, 8, 1), config.latent_dim)
    classifier = head(encoder.output_shape[0][-1], 10)
    return keras.Model(encoder.inputs, classifier(encoder.outputs[0]))


def judged(rows: data.Split) -> Rows:
    """The held-back rows whose class is known."""
    x, y = (
        np.concatenate([rows.calibration, rows.test]),
        np.concatenate([rows.labels["calibration"], rows.labels["test"]]),
    )
    return x[y >= 0], y[y >= 0]


def seen(rows: data.Split) -> Rows:
    """The rows whose labels training may see."""
    y = rows.labels["train"]
    return rows.train[y >= 0], y[y >= 0]


def share(found: np.ndarray, y: np.ndarray) -> float:
    """Of the rows whose class was found."""
    return float((found == y).mean())


def add(answers: Answers, found: dict[str, float]) -> None:
    """Appends one seed's figures."""
    for name, value in found.items():
        answers.setdefault(name, []).append(value)


def by_name(accuracy: Answers) -> dict[str, list[list[float]]]:
    """The figures of all settings of each name."""
    names: dict[str, list[list[float]]] = {}
    for key, values in accuracy.items():
        names.setdefault(key.split(" / ")[0], []).append(values)
    return names


if __name__ == "__main__":
    main()
