"""Graphs of one bundle, in one precision, each opened when it is first used."""

import threading

from numpy.typing import ArrayLike

from vae_runtime.bundle import Bundle
from vae_runtime.rows.arrays import ArrayCheck, LatentCheck, RowCheck

from . import Backend, Session, format_of
from .chunks import Answers, Feeds, Question, ask


class Graphs:
    """Graphs of one bundle, which answer for any number of rows. Safe to share between threads.

    Args:
        bundle: of the graphs.
        backend: runs them.
        precision: of their files.
        format: of their files; where None, the first of the backend's that the bundle has.
    """

    def __init__(
        self, bundle: Bundle, backend: Backend, precision: str, format: str | None = None
    ) -> None:
        self._bundle, self._backend, self._precision = bundle, backend, precision
        self.format = format_of(backend, bundle.manifest, precision) if format is None else format
        x, z = RowCheck(bundle.manifest.model), LatentCheck(bundle.manifest.model)
        self._checks: dict[str, tuple[str, ArrayCheck]] = {
            "encoder": ("x", x),
            "decoder": ("z", z),
            "scorer": ("x", x),
            "classifier": ("x", x),
            "replacements": ("x", x),
        }
        self._sessions: dict[str, Session] = {}
        self._questions: dict[tuple[str, tuple[str, ...]], Question] = {}
        self._opening = threading.Lock()

    def ask(
        self, role: str, outputs: tuple[str, ...], rows: ArrayLike, shared: Feeds | None = None
    ) -> Answers:
        """Runs the graph of this role on rows of x, or of z for the decoder; gives its outputs.

        Args:
            role: "encoder", "decoder", "scorer", "classifier" or "replacements".
            outputs: by name.
            rows: (batch, ...).
            shared: inputs that are the same for all rows.

        Returns:
            An array (batch, ...) for each output.

        Raises:
            ValueError: the rows do not fit the graph.
            BundleError: the graph is not what the manifest describes.
        """
        question = self._questions.get((role, outputs))
        if question is None:
            question = Question(self.session(role), outputs, *self._checks[role])
            self._questions[role, outputs] = question
        if shared is not None:
            question.check_shared(shared)
        chunk, workers = self._backend.chunk, self._backend.workers
        rows = question.check.as_array(rows)
        return ask(question, rows, shared, chunk=chunk, workers=workers)

    def session(self, role: str) -> Session:
        """The graph of this role, opened once however many threads ask for it."""
        with self._opening:
            if role not in self._sessions:
                self._sessions[role] = self._backend.open(
                    self._bundle, role, self._precision, self.format
                )
            return self._sessions[role]
