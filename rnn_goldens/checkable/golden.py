"""The golden that a user gets, and the question that an implementation gets: data, and what can be done with them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.conventions import convention as named
from rnn_goldens.conventions.gradients import gradients_to_torch
from rnn_goldens.diagnosis.explanations import diagnosed
from rnn_goldens.golden.data import GoldenData, QuestionData
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.shapes import OutputNames
from rnn_goldens.judging.calls import WAYS, Backward, compare_calls, compare_gradient_calls
from rnn_goldens.judging.given import gradients_by_name, gradients_given, outputs_given
from rnn_goldens.judging.outputs import outputs_of
from rnn_goldens.judging.own_arrays import refuse_own
from rnn_goldens.judging.verdict import GoldenMismatch, Verdict, verdict_on

if TYPE_CHECKING:
    from rnn_goldens.cells.steps import Step


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Question(QuestionData):
    """What an implementation is handed: a golden in one precision, without what is expected."""

    def weights_as(self, convention: str) -> dict[str, NDArray[Any]]:
        """Return the weights as another convention names, shapes and orders them.

        Args:
            convention: ``torch``, ``keras``, ``onnx``, ``flax``, or ``textbook``: ``W_xh`` (input, hidden), ``W_hh``
                and ``b``, as in ``x @ W_xh + h @ W_hh + b``.

        Raises:
            UnknownName: no such convention.
            Unsupported: the convention can not hold what this golden has.
        """
        weights = named(convention).from_torch(self.cell, self.config, self.stored.weights)
        return {name: self._cast(array) for name, array in weights.items()}

    def weights_from(self, convention: str, weights: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        """The way back: another convention's weights, of a network like this golden's, under PyTorch's names.

        Args:
            convention: as for ``weights_as``.
            weights: array-likes of any library, named and shaped as ``weights_as`` gives them; or nested, as Flax and
                JAX have them: ``{"l0": {"ii": {"kernel": …`` is ``l0/ii/kernel``, as is ``{"params": {"l0": …``; a
                single layer's may do without ``l0``.

        Returns:
            float64, which holds every value of the four precisions exactly. Where the convention has one bias for
            PyTorch's two, it is the one, and the other is zero.

        Raises:
            UnknownName: no such convention.
            Unsupported: the convention can not hold the weights of such a network, or the network not these weights.
            WrongUse: an array is missing, is one too many, is no array of numbers or has another shape; or
                the weights are no mapping.
        """
        return dict(named(convention).to_torch(self.cell, self.config, weights, self.layout))

    def gradients_from(self, convention: str, gradients: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Gradients by another convention's weights, under PyTorch's names, as ``check_gradients`` takes them.

        Args:
            convention: as for ``weights_as``.
            gradients: array-likes of any library, each named and shaped as its weight is by ``weights_as``; or nested.

        Returns:
            In the golden's precision, exactly as they were given, unless that is more precise. Where the convention has
            one bias for PyTorch's two, its gradient is that of either.

        Raises:
            UnknownName: no such convention.
            Unsupported: the convention can not hold the weights of such a network.
            WrongUse: an array is one too many, is no array of numbers or has another shape.
            TypeError: one is less precise than the golden's precision.
        """
        least = PRECISIONS[self.dtype]
        found = gradients_to_torch(named(convention), self.cell, self.config, self.layout, gradients, least)
        return {name: self._cast(array) for name, array in found.items()}

    @property
    def out(self) -> NDArray[Any]:
        """Not to be had; raises AttributeError, which says why."""
        raise self._withheld("out")

    @property
    def h_n(self) -> NDArray[Any]:
        """Not to be had; raises AttributeError, which says why."""
        raise self._withheld("h_n")

    @property
    def c_n(self) -> NDArray[Any]:
        """Not to be had; raises AttributeError, which says why."""
        raise self._withheld("c_n")

    @property
    def gradients(self) -> Any:  # noqa: ANN401 - nothing
        """Not to be had; raises AttributeError, which says why."""
        raise AttributeError(
            f"the gradients of {self.id} are what is expected, and an implementation is not handed them: "
            "it is to compute them, from cotangents"
        )

    def _withheld(self, name: str) -> AttributeError:
        return AttributeError(
            f"{name} of {self.id} is what is expected, and an implementation is not handed it: "
            "it is to compute it, from x, h0 and the weights"
        )


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Golden(GoldenData, Question):
    """A golden in one precision: what is asked, and what is expected. Its arrays are read-only."""

    def question(self) -> Question:
        """What an implementation is handed: this golden without what is expected, in memory of its own."""
        return Question(**self.asked())

    def steps(self) -> tuple["Step", ...]:
        """What happens inside, step by step: for each layer, direction and time what the gates get and give, the state.

        Computed when it is asked, in float64 with the definition's own equations, so not rounded correctly as ``out``
        is. In the order of computing: ``[s.gates["f"] for s in golden.steps() if s.layer == 0]``.

        Raises:
            WrongUse: the cell is of someone's own, and its equations are not here, or not those that it was certified
                with.
        """
        from rnn_goldens.cells import case_of, require_equations
        from rnn_goldens.cells.steps import steps_of

        require_equations(self)
        return steps_of(case_of(self, np.float64))

    def compare(self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None) -> Verdict:
        """Compare outputs with this golden, without raising.

        Where they differ every known deviation is asked the same, to name those that would explain it in the verdict's
        message: some 0.05 s. ``rnn_goldens.judging.verdict.compare`` compares alone.

        Args:
            out: array-like of any library, shaped like ``self.out``; or one tuple with the others too, as a layer of
                torch's returns it: ``compare(layer(x, h0))``.
            h_n: array-like shaped like ``self.h_n``; for an LSTM also the pair ``(h_n, c_n)``, as ``nn.LSTM`` has it.
            c_n: array-like shaped like ``self.c_n``, for an LSTM.
            outputs: the names of those that are compared, all if None: ``compare(out, outputs=["out"])``.

        Raises:
            UnknownName: there is no such output.
        """
        given = outputs_given(self.comparing(outputs), out, h_n, c_n)
        return diagnosed(given, verdict_on(given))

    def check(self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None) -> None:
        """Raise GoldenMismatch unless the outputs, given as for ``compare``, are right.

        Raises:
            GoldenMismatch: they are not.
            WrongUse: one of them is this golden's own array.
            UnknownName: there is no such output.
        """
        __tracebackhide__ = True
        refuse_own(self, out, h_n, c_n)
        verdict = self.compare(out, h_n, c_n, outputs=outputs)
        if not verdict.passed:
            raise GoldenMismatch(verdict)

    def check_fails(
        self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None
    ) -> Verdict:
        """Check that outputs, given as for ``compare``, are wrong: for a network that is known to be.

        Returns:
            The verdict: its message says what is wrong with them.

        Raises:
            AssertionError: they are right.
            WrongUse: one of them is this golden's own array.
            UnknownName: there is no such output.
        """
        __tracebackhide__ = True
        refuse_own(self, out, h_n, c_n)
        verdict = self.compare(out, h_n, c_n, outputs=outputs)
        if verdict.passed:
            raise AssertionError(
                f"{self.id} in {self.dtype}: the outputs are right, and check_fails asks for wrong ones"
            )
        return verdict

    def compare_gradients(self, gradients: object = None, /, **named: object) -> Verdict:
        """Compare gradients with this golden's, without raising.

        They are those of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n, whose factors are ``cotangents``. Where they differ
        every known deviation of the backward pass is asked the same, then those of the forward pass.

        Args:
            gradients: by name, array-likes of any library, each shaped as its array: ``x``, ``h0`` and ``c0`` where an
                initial state is given, and every weight and bias under PyTorch's name. Or a torch module after
                ``backward()``, of which the ``.grad`` of its parameters count.
            **named: the same, or others: ``compare_gradients(module, x=x.grad)``.

        Returns:
            The verdict: differences by name, and in ``not_checked`` the names that were left out: they have not passed.

        Raises:
            WrongUse: this golden was loaded without gradients.
            UnknownName: its gradients can not be checked in this precision.
            TypeError: what was given is no gradients by name.
        """
        return self._compared_gradients(gradients_by_name(self, gradients, named))

    def _compared_gradients(
        self, by_name: Mapping[str, Any], said: str = "", run: Callable[[Any], Sequence[Any]] | None = None
    ) -> Verdict:
        """The verdict on gradients by name, diagnosed.

        Args:
            by_name: the gradients.
            said: what it means if they are wrong.
            run: what gives the outputs that they are of.
        """
        given = gradients_given(self, by_name)
        verdict = verdict_on(given, said)
        if verdict.passed:
            return verdict
        return diagnosed(given, verdict, said=said, outputs=run and self._outputs_of(run, self.compare))

    def _outputs_of(self, run: Callable[[Any], Sequence[Any]], compare: Callable[..., Verdict]) -> Verdict | None:
        """What becomes of the outputs of an implementation that was asked for gradients; None if it gives none."""
        try:
            return compare(*outputs_of(run(replace(self, gradients=None).question()), self))
        except Exception:  # what it gives are gradients, and of them is told
            return None

    def check_gradients(self, gradients: object = None, /, **named: object) -> Verdict:
        """Raise GoldenMismatch unless all gradients that are given, as for ``compare_gradients``, are right.

        Returns:
            The verdict, which says in ``not_checked`` what was left out.

        Raises:
            GoldenMismatch: one is wrong, or none was given.
            WrongUse: one of them is this golden's own array; or as of ``compare_gradients``.
        """
        __tracebackhide__ = True
        given = gradients_by_name(self, gradients, named)
        refuse_own(self, *given.values())
        verdict = self._compared_gradients(given)
        if not verdict.passed:
            raise GoldenMismatch(verdict)
        return verdict

    def check_gradient_calls(self, backward: Backward, run: Callable[[Any], Sequence[Any]] | None = None) -> None:
        """Raise GoldenMismatch unless ``backward`` gives the right gradients, twice in a row.

        Args:
            backward: a function of a question, which is this golden without what is expected: it takes ``cotangents``,
                inputs, states and weights from there and returns gradients by name, as ``check_gradients`` takes them.
            run: a function of the same that returns the outputs, as for ``check_calls``: where gradients are wrong it
                is asked for those, and if they are wrong, too, that is said first.
        """
        __tracebackhide__ = True

        def compared(given: Mapping[str, Any], said: str) -> Verdict:
            return self._compared_gradients(given, said, run)

        for _, verdict in compare_gradient_calls(self, backward, compared):
            if not verdict.passed:
                raise GoldenMismatch(verdict)

    def compare_calls(
        self, run: Callable[[Any], Any], calls: Sequence[str] | str | None = None, *, outputs: OutputNames = None
    ) -> list[Verdict]:
        """Call an implementation in several ways, and compare each with this golden, without raising.

        Args:
            run: a function of a golden that returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n). It is given
                questions, which are this golden and parts of it without what is expected: it has to take inputs,
                states and weights from its argument.
            calls: ``twice``, ``rows``, ``chunks``, ``weights``, ``views``: ``rnn_goldens.judging.calls`` says
                what each does. All of them if None; those that this golden can not be asked are left out.
            outputs: the names of those that are compared, as for ``compare``; of out alone, ``run`` may return that.

        Returns:
            A verdict a way, the first of a single call; none after one that did not pass.

        Raises:
            UnknownName: no such way of calling.
        """
        golden = self.comparing(outputs)
        return [verdict for _, verdict in golden.compared(run, tuple(WAYS) if calls is None else calls)]

    def compared(
        self, run: Callable[[Any], Sequence[Any]], calls: Sequence[str] | str
    ) -> Iterator[tuple[str, Verdict]]:
        """The same, one way after the other, with its name."""
        return compare_calls(self, run, self.compare, calls)

    def check_calls(
        self, run: Callable[[Any], Any], calls: Sequence[str] | str | None = None, *, outputs: OutputNames = None
    ) -> None:
        """Raise GoldenMismatch unless the outputs are right in each of several ways to call ``run``, as above."""
        __tracebackhide__ = True
        for verdict in self.compare_calls(run, calls, outputs=outputs):
            if not verdict.passed:
                raise GoldenMismatch(verdict)
