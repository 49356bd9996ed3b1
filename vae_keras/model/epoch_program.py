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
    """

    sources: tuple[Source, ...]
    batch: int


class Programs:
    """Programs that train and validate a model.

    They are compiled when they first meet rows of a shape, and stay; those of another model with
    the same parts may not be used, as TensorFlow's are bound to the model's variables.

    Args:
        vae: compiled, in Keras's sense.
    """

    def __init__(self, vae: Any) -> None:
        compiled = _tensorflow_program, _jax_program
        make = compiled[keras.backend.backend() == "jax"]
        self.vae, self.train, self.test = vae, make(vae, vae.train_step), make(vae, vae.test_step)

    @contextlib.contextmanager
    def running(self, train: Epochs, validation: Epochs) -> Iterator[None]:
        """Lets the model's `fit` train and validate by these programs, within a `with` block.

        `fit` must be given training and validation data of one element an epoch: the order of the
        rows, whole numbers (rows,), in a tuple.
        """
        vae, jax = self.vae, keras.backend.backend() == "jax"
        called = _call_jax if jax else _call_tensorflow
        vae.train_function = functools.partial(called, vae, self.train, train)
        vae.test_function = functools.partial(called, vae, self.test, validation)
        try:
            yield
        finally:
            vae.train_function = vae.test_function = None  # Keras makes its own where there is none


def on_device(*arrays: Rows) -> tuple[Source, ...]:
    """Puts rows on the device; of windows the table, from which they are cut when taken."""
    return tuple(_source(array) for array in arrays)


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


def _source(array: Rows) -> Source:
    if not isinstance(array, Windows):
        return (ops.convert_to_tensor(array),)
    offsets = np.arange(array.window, dtype=np.int32)
    parts = (array.table, array.starts.astype(np.int32), offsets)
    return tuple(ops.convert_to_tensor(part) for part in parts)


def _take(source: Source, order: Tensor) -> Tensor:
    if len(source) == 1:
        return ops.take(source[0], order, axis=0)
    table, starts, offsets = source
    return ops.take(table, ops.take(starts, order, axis=0)[:, None] + offsets, axis=0)


def _tensorflow_program(vae: Any, step: Step) -> Program:
    import tensorflow as tf

    @tf.function(jit_compile=True, autograph=False)
    def program(sources: Any, orders: Tensor, scaling: Any) -> dict[str, Tensor]:
        names: list[str] = []

        def one(number: Tensor) -> Tensor:
            names[:] = step(take(sources, orders[number]))
            return number + 1

        with _scaled(vae, scaling):
            tf.while_loop(lambda number: number < orders.shape[0], one, [tf.constant(0)])
        results = vae.get_metrics_result()
        return {name: results[name] for name in names}

    return program


def _call_tensorflow(vae: Any, program: Program, epochs: Epochs, iterator: Any) -> Any:
    import tensorflow as tf

    (order,), logs = next(iterator), {}
    for orders in cut(order.numpy(), epochs.batch):
        try:
            logs = program(epochs.sources, tf.constant(orders, tf.int32), _scaling(vae))
        except tf.errors.InvalidArgumentError as error:
            error.add_note(ADVICE)
            raise
    return logs


def _jax_program(vae: Any, step: Step) -> Program:
    import jax

    @functools.partial(jax.jit, donate_argnums=0)
    def program(state: Any, sources: Any, orders: Tensor, scaling: Any) -> Any:
        def one(state: Any, order: Tensor) -> Any:
            logs, state = step(state, take(sources, order))
            return state, logs

        with _scaled(vae, scaling):
            state, logs = jax.lax.scan(one, state, orders)
        return {name: values[-1] for name, values in logs.items()}, state

    return program


def _call_jax(vae: Any, program: Program, epochs: Epochs, state: Any, iterator: Any) -> Any:
    (order,), logs = next(iterator), {}
    for orders in cut(np.asarray(order), epochs.batch):
        logs, state = program(state, epochs.sources, orders.astype(np.int32), _scaling(vae))
    return logs, state


def _scaling(vae: Any) -> tuple[Tensor, ...]:
    """Numbers of the model's `Scaling`, which are no variables; none of another layer."""
    scaling = vae.preprocessing
    if type(scaling) is not Scaling:
        return ()
    return tuple(ops.convert_to_tensor(each) for each in (scaling.offset, scaling.scale))


def _scaled(vae: Any, scaling: tuple[Tensor, ...]) -> Any:
    """Context in which the model's `Scaling` computes with these numbers."""
    return vae.preprocessing.numbers(*scaling) if scaling else contextlib.nullcontext()
