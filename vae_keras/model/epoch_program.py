"""Compiled programs for all steps of an epoch, in the place of Keras's train and test functions.

Rows lie on the device once, and a program is given an epoch as the order of its rows. It takes the
batches out of the rows by their numbers and runs on each the `train_step` that Keras would have
called: objective, optimizer, noise and metrics are the same. A program is a function of the rows,
their order, their scaling and the model's variables, so that a model whose variables are set anew
(another fold, say) trains by the programs that are there, as long as shapes are the same.

All batches of an epoch have one size but the last, which is a call of its own of the program.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from vae_keras._base.arrays import Array, Tensor
from vae_keras.data.datasets import Rows
from vae_keras.data.offsets import Windows

from .preprocessing import Scaling

Source = tuple[Tensor, ...]  # (array,), or (table, starts, offsets in a window)
Program = Callable[..., Any]
Step = Callable[..., Any]

ADVICE = (
    "This was in the program of a whole epoch, which XLA compiles. Where it cannot compile an "
    "operation of the model, train with TrainConfig(program='steps'), or --program steps."
)


class Epochs(NamedTuple):
    """Rows on the device, and how many of them are a batch.

    Args:
        sources: of x, and of labels where there are any, see `on_device`.
        batch: rows a step.
        room: rows that there is room for on the device; the number of them where None.
    """

    sources: tuple[Source, ...]
    batch: int
    room: int | None = None


class Programs:
    """Programs that train and validate a model.

    They are compiled when they first meet rows of a shape, and stay; those of another model with
    the same parts may not be used, as TensorFlow's are bound to the model's variables.

    Args:
        vae: compiled, in Keras's sense.
    """

    def __init__(self, vae: Any) -> None:
        self.vae = vae
        self._call: Callable[..., Any]
        if keras.backend.backend() == "jax":
            self._train, self._test = (
                _jax_program(vae, s) for s in (vae.train_step, vae.test_step)
            )
            self._call = _call_jax
        else:
            self._train, self._test = _tensorflow_train(vae), _tensorflow_test(vae)
            self._call = _call_tensorflow

    @contextlib.contextmanager
    def running(self, train: Epochs, validation: Epochs) -> Iterator[None]:
        """Lets the model's `fit` train and validate by these programs, within a `with` block.

        `fit` must be given training and validation data of one element an epoch: the order of the
        rows, whole numbers (rows,), in a tuple.
        """
        vae = self.vae
        vae.train_function = functools.partial(self._call, self._train, train)
        vae.test_function = functools.partial(self._call, self._test, validation)
        try:
            yield
        finally:
            vae.train_function = vae.test_function = None  # Keras makes its own where there is none


def on_device(*arrays: Rows, room: int | None = None) -> tuple[Source, ...]:
    """Puts rows on the device; of windows the table, from which they are cut when taken.

    With `room` for so many rows of an array, further ones are zeros that no order names, so that
    other rows, fewer or more, are trained on by the same programs.
    """
    return tuple(_source(array, room) for array in arrays)


def bytes_on_device(*arrays: Rows) -> int:
    """Memory that `on_device` takes."""
    stored = ((a.table, a.starts) if isinstance(a, Windows) else (a,) for a in arrays)
    return sum(each.nbytes for parts in stored for each in parts)


def take(sources: tuple[Source, ...], order: Tensor) -> tuple[Tensor, ...]:
    """Takes the rows of these numbers out of each source: a batch, as `train_step` is given it."""
    return tuple(_take(source, order) for source in sources)


def cut(order: Array, batch: int) -> list[Array]:
    """Cuts an order into the batches of one size, (batches, batch), and the last, (1, rows).

    >>> [part.tolist() for part in cut(np.arange(5), 2)]
    [[[0, 1], [2, 3]], [[4]]]
    """
    whole = len(order) // batch * batch
    parts = order[:whole].reshape(-1, batch), order[None, whole:]
    return [part for part in parts if part.size]


def _source(array: Rows, room: int | None) -> Source:
    if not isinstance(array, Windows):
        return (ops.convert_to_tensor(_filled(array, room)),)
    offsets = np.arange(array.window, dtype=np.int32)
    parts = (array.table, array.starts.astype(np.int32), offsets)
    return tuple(ops.convert_to_tensor(part) for part in parts)


def _filled(array: Array, room: int | None) -> Array:
    """Array with zeros below, up to so many rows."""
    missing = 0 if room is None else max(room - len(array), 0)
    return np.concatenate([array, np.zeros((missing, *array.shape[1:]), array.dtype)])


def _take(source: Source, order: Tensor) -> Tensor:
    if len(source) == 1:
        return ops.take(source[0], order, axis=0)
    table, starts, offsets = source
    return ops.take(table, ops.take(starts, order, axis=0)[:, None] + offsets, axis=0)


def _tensorflow_train(vae: Any) -> Program:
    """Program of all batches of one size by XLA, and one of the last batch by TensorFlow itself.

    (XLA would take as long again to compile that one step, which is a small part of an epoch.)
    """
    import tensorflow as tf

    @tf.function(jit_compile=True, autograph=False)
    def whole(sources: Any, orders: Tensor, count: Tensor, scaling: Any) -> dict[str, Tensor]:
        with _scaled(vae, scaling):
            steps = _each(count, lambda i: vae.train_step(take(sources, orders[i])))
        return _results(vae, steps)

    @tf.function(reduce_retracing=True, autograph=False)
    def last(sources: Any, order: Tensor, scaling: Any) -> dict[str, Tensor]:
        with _scaled(vae, scaling):
            return dict(vae.train_step(take(sources, order)))

    def train(epochs: Epochs, order: Tensor) -> dict[str, Tensor]:
        count = len(order) // epochs.batch
        rows, most = count * epochs.batch, max(count, (epochs.room or 0) // epochs.batch)
        logs: dict[str, Tensor] = {}
        if count:
            orders = tf.reshape(order[:rows], (count, epochs.batch))
            orders = tf.pad(orders, [[0, most - count], [0, 0]])
            logs = whole(epochs.sources, orders, tf.constant(count), _scaling(vae))
        return last(epochs.sources, order[rows:], _scaling(vae)) if rows < len(order) else logs

    return train


def _tensorflow_test(vae: Any) -> Program:
    """Program of all batches, without XLA, which would take longer to compile it than it saves."""
    import tensorflow as tf

    @tf.function(reduce_retracing=True, autograph=False)
    def whole(sources: Any, order: Tensor, batch: int, scaling: Any) -> dict[str, Tensor]:
        def step(i: Tensor) -> Any:
            return vae.test_step(take(sources, order[i * batch : (i + 1) * batch]))

        with _scaled(vae, scaling):
            steps = _each((tf.shape(order)[0] + batch - 1) // batch, step)
        return _results(vae, steps)

    def test(epochs: Epochs, order: Tensor) -> dict[str, Tensor]:
        return whole(epochs.sources, order, epochs.batch, _scaling(vae))

    return test


def _each(count: Any, step: Callable[[Tensor], Any]) -> list[str]:
    """Runs the steps of these numbers in a loop of the graph; returns the names of their losses."""
    import tensorflow as tf

    names: list[str] = []

    def one(number: Tensor) -> Tensor:
        names[:] = step(number)
        return number + 1

    tf.while_loop(lambda number: number < count, one, [tf.constant(0)], parallel_iterations=1)
    return names


def _results(vae: Any, names: list[str]) -> dict[str, Tensor]:
    means = vae.get_metrics_result()
    return {name: means[name] for name in names}


def _call_tensorflow(program: Program, epochs: Epochs, iterator: Any) -> Any:
    import tensorflow as tf

    (order,) = next(iterator)
    try:
        return program(epochs, tf.cast(order, tf.int32))
    except tf.errors.InvalidArgumentError as error:
        error.add_note(ADVICE)
        raise


def _jax_program(vae: Any, step: Step) -> Program:
    import jax

    @functools.partial(jax.jit, donate_argnums=0)
    def whole(state: Any, sources: Any, orders: Tensor, scaling: Any) -> Any:
        def one(state: Any, order: Tensor) -> Any:
            logs, state = step(state, take(sources, order))
            return state, logs

        with _scaled(vae, scaling):
            state, logs = jax.lax.scan(one, state, orders)
        return {name: values[-1] for name, values in logs.items()}, state

    def program(state: Any, epochs: Epochs, order: Array) -> Any:
        logs: dict[str, Tensor] = {}
        for orders in cut(order, epochs.batch):
            logs, state = whole(state, epochs.sources, orders, _scaling(vae))
        return logs, state

    return program


def _call_jax(program: Program, epochs: Epochs, state: Any, iterator: Any) -> Any:
    (order,) = next(iterator)
    return program(state, epochs, np.asarray(order, np.int32))


def _scaling(vae: Any) -> tuple[Tensor, ...]:
    """Numbers of the model's `Scaling`, which are no variables; none of another layer."""
    scaling = vae.preprocessing
    if type(scaling) is not Scaling:
        return ()
    return tuple(ops.convert_to_tensor(each) for each in (scaling.offset, scaling.scale))


def _scaled(vae: Any, scaling: tuple[Tensor, ...]) -> Any:
    """Context in which the model's `Scaling` computes with these numbers."""
    return vae.preprocessing.numbers(*scaling) if scaling else contextlib.nullcontext()
