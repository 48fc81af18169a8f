"""``Golden``, which users check implementations with, and ``Inputs``, which implementations receive."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn, Self

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.comparison.actual import actual_gradients, actual_outputs, gradients_by_name
from rnn_goldens.comparison.array_conversion import refuse_own_arrays
from rnn_goldens.comparison.call_patterns import OF_ANY, Backward, compare_calls, compare_gradient_calls
from rnn_goldens.comparison.returned import outputs_of
from rnn_goldens.comparison.states import StatesAt, state_differences
from rnn_goldens.comparison.verdict import GoldenMismatch, Verdict, Verdicts, verdict_on
from rnn_goldens.conventions import convention as convention_named
from rnn_goldens.diagnosis.call_causes import CallCauses
from rnn_goldens.diagnosis.search import diagnosed
from rnn_goldens.golden.data import GoldenData, InputsData
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS
from rnn_goldens.golden.expected_states import states_after_steps
from rnn_goldens.golden.larger_golden import embed, require_own_size
from rnn_goldens.golden.precision import PRECISIONS
from rnn_goldens.golden.rounding_profile import FLOAT32, IEEE, Profile, profile_named
from rnn_goldens.golden.shapes import OutputNames
from rnn_goldens.golden.tolerance import Derived

if TYPE_CHECKING:
    from rnn_goldens.cells.steps import Step


_FROM = "from the inputs, the initial states and the weights"
_IT, _THEM = (f"which an implementation does not receive: it must compute {what}" for what in ("it", "them"))


def _withheld(*why: str) -> Any:  # noqa: ANN401 - a property
    def refuse(inputs: "Inputs") -> NoReturn:
        """Raise AttributeError: implementations do not receive expected values."""
        raise AttributeError(" ".join(why).format(id=inputs.id))

    return property(refuse)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Inputs(InputsData):
    """Model inputs in one precision: a golden without its expected values. This is what an implementation receives."""

    def weights_as(self, convention: str) -> dict[str, NDArray[Any]]:
        """Return the weights with the names, shapes and order of another convention.

        Args:
            convention: ``torch``, ``keras``, ``onnx``, ``flax``, or ``textbook``: ``W_xh`` (input, hidden), ``W_hh``
                and ``b``, as in ``x @ W_xh + h @ W_hh + b``.

        Raises:
            UnknownName: no such convention.
            Unsupported: the convention cannot represent this golden.
        """
        weights = convention_named(convention).from_torch(self.cell, self.network, self.stored.weights)
        return {name: self._cast(array) for name, array in weights.items()}

    def weights_from(self, convention: str, weights: Mapping[str, Any]) -> dict[str, NDArray[np.float64]]:
        """Convert weights for this golden's configuration from another convention to PyTorch's.

        Args:
            convention: as for ``weights_as``.
            weights: array-likes of any library, named and shaped like the result of ``weights_as``; or nested, as in
                Flax and JAX: ``{"l0": {"ii": {"kernel": …`` means ``l0/ii/kernel``. A level ``params`` around all
                others is ignored, and a single layer may omit ``l0``.

        Returns:
            The weights in float64, which represents every value of the four precisions exactly. If the convention has
            one bias where PyTorch has two, one of PyTorch's is that bias and the other is zero.

        Raises:
            UnknownName: no such convention.
            Unsupported: the convention cannot represent such a network, or the network cannot represent these weights.
            WrongUse: an array is missing, unknown, not numeric or of another shape; or the weights are not a mapping.
        """
        return dict(convention_named(convention).to_torch(self.cell, self.network, weights, self.layout))

    def gradients_from(self, convention: str, gradients: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
        """Convert gradients of another convention's weights to gradients of PyTorch's weights, for ``check_gradients``.

        Args:
            convention: as for ``weights_as``.
            gradients: array-likes of any library, each named and shaped like its weight from ``weights_as``; or nested.

        Returns:
            The gradients, rounded to the golden's precision if they were more precise. If the convention has one bias
            where PyTorch has two, the gradient of that bias is returned for both.

        Raises:
            UnknownName: no such convention.
            Unsupported: the convention cannot represent such a network.
            WrongUse: an array is unknown, not numeric or of another shape.
            TypeError: an array is less precise than the golden's precision.
        """
        least = PRECISIONS[self.dtype]
        found = convention_named(convention).gradients_to_torch(self.cell, self.network, self.layout, gradients, least)
        return {name: self._cast(array) for name, array in found.items()}

    expected = _withheld("the expected values of {id} are not given to an implementation: it must compute them", _FROM)
    out = _withheld("out of {id} is an expected value,", _IT, _FROM)
    h_n = _withheld("h_n of {id} is an expected value,", _IT, _FROM)
    c_n = _withheld("c_n of {id} is an expected value,", _IT, _FROM)
    gradients = _withheld("the gradients of {id} are expected values,", _THEM, "from the cotangents")
    expected_states = _withheld("the states of {id} after every step are expected values,", _THEM, _FROM)


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Golden(GoldenData, Inputs):
    """A golden in one precision: model inputs and expected values. Its arrays are read-only."""

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: ANN401 - IPython's protocol
        """Print the golden as itself when IPython shows it, or Hypothesis a test's arguments."""
        printer.text(repr(self))

    def for_implementation(self) -> Inputs:
        """Return the inputs for an implementation: deep copies, without expected values."""
        return Inputs(**self.input_fields())

    def in_profile(self, *names: str) -> Self:
        """Return a copy under a profile, which says which rounding errors are allowed; the default for no names.

        Args:
            names: ``tf32`` or ``wgsl``, for networks in float32; ``step``, ``operands-stored`` or ``all-stored``, for
                recurrences. See docs/numerics.md.

        Raises:
            UnknownName: there is no such profile.
            WrongUse: two names exclude each other, or the profile does not define this golden's precision.
            Unsupported: no tolerance can be derived under this profile.
        """
        return self._under(profile_named(names))

    def in_precision(self, dtype: object) -> Self:
        """Return a copy in another precision, as ``Inputs.in_precision``; its profile remains.

        Raises:
            UnknownName: the precision does not exist, or this golden does not support it.
            WrongUse, Unsupported: as ``in_profile``.
        """
        other = super().in_precision(dtype)
        return other if other.profile.arithmetic == IEEE else other._under(other.profile)

    def _under(self, profile: Profile) -> Self:
        """Return a copy under a profile. Only tolerances in float32 depend on the profile's arithmetic."""
        profile.require([self.dtype])
        changed: dict[str, Any] = {"profile": profile}
        if profile.arithmetic == IEEE:
            if isinstance(self.tolerance, Derived):
                changed["tolerance"] = self.tolerance.stored
            if self.gradients is not None and isinstance(self.gradients.tolerance, Derived):
                changed["gradients"] = replace(self.gradients, tolerance=self.gradients.tolerance.stored)
        elif not self.config.derives_profiles:
            from rnn_goldens.error_analysis.network_bounds import require_tf32

            if self.dtype == FLOAT32:
                require_tf32(self, profile)
        elif self.dtype == FLOAT32:
            from rnn_goldens.error_analysis.network_bounds import network_tolerance

            require_own_size(profile, is_embedded=self.embedding is not None)
            changed["tolerance"] = network_tolerance(self, None, profile.arithmetic)
            if (gradients := self.gradients) is not None and FLOAT32 in gradients.precisions:
                tolerance = network_tolerance(self, gradients, profile.arithmetic)
                changed["gradients"] = replace(gradients, tolerance=tolerance)
        return replace(self, **changed)

    def embedded(self, **sizes: int) -> Self:
        """Return this golden in larger sizes, with the same id, values and tolerances: ``embedded(d_k=128, heads=4)``.

        Its numbers are scattered into the larger arrays. Added units, inputs and keys have zero weights and inputs; an
        added row of a batch, packed sequence, head, value or channel is a copy of one of the golden's.

        Args:
            **sizes: ``hidden_size``, ``input_size`` and ``batch`` of a network; the sizes of a recurrence, and
                ``batch``, or ``sequences`` if they are packed. Query heads grow with ``heads``.

        Raises:
            UnknownName: the golden has no such size.
            WrongUse: a size is not an integer, or the golden is embedded already.
            Unsupported: a size is smaller than the golden's, the golden is unbatched and has no batch, or it is of a
                custom cell, or of a network under ``tf32`` or ``wgsl``.
        """
        return embed(self, sizes)

    @cached_property
    def expected_states(self) -> Mapping[str, NDArray[Any]]:
        """Expected states after every step by name, (time + 1, axes of one state…); index 0 is the initial state.

        Of a network ``h`` and, for an LSTM, ``c``: index n is the state after n of a direction's own steps, and steps
        beyond a sequence's length repeat its last state. Of a recurrence ``S`` and so on; of packed sequences an array
        for each, without the axis of sequences: ``S_0``, ``S_1``.

        Raises:
            Unsupported: the golden does not store them, and ``certify(golden, states=True)`` returns it with them; it
                is embedded; or they have no tolerance under its profile.
        """
        return MappingProxyType({name: self._cast(array) for name, array in states_after_steps(self).values.items()})

    def steps(self) -> tuple["Step", ...]:
        """Return every time step of each layer and direction: pre-activations, gates and states.

        The steps are computed on each call, in float64, so they are not correctly rounded like ``out``. They are in the
        order of computation. Example: ``[s.gates["f"] for s in golden.steps() if s.layer == 0]``.

        Raises:
            WrongUse: the cell is a custom cell whose equations are not available, or have changed since it was
                certified.
            Unsupported: the golden is of a recurrence.
        """
        from rnn_goldens.cells import case_of, require_equations
        from rnn_goldens.cells.steps import steps_of

        require_equations(self)
        _ = self.network  # raises
        return steps_of(case_of(self, np.float64))

    def compare(
        self,
        out: object,
        h_n: object = None,
        c_n: object = None,
        *,
        outputs: OutputNames = None,
        states_at: StatesAt = None,
    ) -> Verdict:
        """Compare outputs with this golden. Returns a verdict, and raises no error if they differ.

        If they differ, every known deviation runs on the same inputs, and the verdict's message lists those that
        explain the difference. This takes about 0.05 s; ``rnn_goldens.comparison.verdict.compare`` only compares.

        Args:
            out: array-like of any library, shaped like ``self.out``; or all outputs: a tuple, as a torch layer returns
                it, ``compare(layer(x, h0))``, or a mapping by name, ``compare({"out": …, "h_n": …})``.
            h_n: array-like shaped like ``self.h_n``; or a tuple of all last states, such as the pair
                ``(h_n, c_n)`` that ``nn.LSTM`` returns.
            c_n: array-like shaped like ``self.c_n``, for an LSTM.
            outputs: names of the outputs to compare, as in ``compare(out, outputs=["out"])``; all if None.
            states_at: states after some steps to compare, too, by step and name as in ``expected_states``:
                ``{64: {"S": S}}``. Each has the shape of one step.

        Raises:
            UnknownName: no such output or state.
            WrongUse: ``states_at`` has another structure, or a step that the golden does not have.
            Unsupported: ``states_at`` is given, but the golden has no ``expected_states``.
        """
        actual = actual_outputs(self.comparing(outputs), out, h_n, c_n)
        return diagnosed(actual, verdict_on(actual, states=state_differences(self, states_at)))

    def check(
        self,
        out: object,
        h_n: object = None,
        c_n: object = None,
        *,
        outputs: OutputNames = None,
        states_at: StatesAt = None,
    ) -> None:
        """Raise GoldenMismatch unless the outputs, and states, are right. Takes the arguments of ``compare``.

        Raises:
            GoldenMismatch: an output or a state is wrong.
            WrongUse: an output or a state is this golden's own array, or as for ``compare``.
            UnknownName, Unsupported: as for ``compare``.
        """
        __tracebackhide__ = True
        with self._reading():
            refuse_own_arrays(self, out, h_n, c_n, states_at)
            verdict = self._compared(out, h_n, c_n, outputs=outputs, states_at=states_at)
        self._judge(verdict)

    def _reading(self) -> AbstractContextManager[None]:
        """Return a context manager for reading what an implementation returned, which may raise any error."""
        return nullcontext()

    def _compared(self, *found: object, outputs: OutputNames = None, states_at: StatesAt = None) -> Verdict:
        return self.compare(*found, outputs=outputs, states_at=states_at)

    def _judge(self, verdict: Verdict, of: str = OUTPUTS) -> None:  # noqa: ARG002 - for subclasses
        """Raise GoldenMismatch for a failed verdict on outputs or on gradients."""
        __tracebackhide__ = True
        if not verdict.passed:
            raise GoldenMismatch(verdict)

    def check_fails(
        self, out: object, h_n: object = None, c_n: object = None, *, outputs: OutputNames = None
    ) -> Verdict:
        """Check that the outputs are wrong, for a network that is known to fail. Takes the arguments of ``compare``.

        Returns:
            The verdict; its message says what is wrong.

        Raises:
            AssertionError: the outputs are right, or none of them is numeric, so that nothing is compared.
            WrongUse: an output is this golden's own array.
            UnknownName: no such output.
        """
        __tracebackhide__ = True
        refuse_own_arrays(self, out, h_n, c_n)
        verdict = self.compare(out, h_n, c_n, outputs=outputs)
        if verdict.passed:
            raise AssertionError(
                f"{self.id} in {self.dtype}: the outputs are right, but check_fails expects wrong ones"
            )
        if not any(found.dtype for found in verdict.differences.values()):
            missing = next(iter(verdict.differences.values()))
            raise AssertionError(
                f"{self.id} in {self.dtype}: check_fails compared nothing: {missing.output} {missing.problem}"
            )
        return verdict

    def compare_gradients(self, gradients: object = None, /, **named: object) -> Verdict:
        """Compare gradients with this golden's. Returns a verdict, and raises no error if they differ.

        Actual and expected gradients are those of the loss Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n, with factors from
        ``cotangents``. If they differ, known deviations of the backward pass, then of the forward pass, run on the same
        inputs.

        Args:
            gradients: array-likes of any library by name, each shaped like its array: ``x``, ``h0`` and ``c0`` where
                the golden has an initial state, and every weight and bias under PyTorch's name. Or a torch module after
                ``backward()``: the ``.grad`` of its parameters is compared.
            **named: more gradients by name: ``compare_gradients(module, x=x.grad)``.

        Returns:
            The verdict: differences by name; ``not_checked`` lists the arrays for which no gradient was passed.

        Raises:
            WrongUse: this golden was loaded without gradients.
            UnknownName: this golden's gradients cannot be checked in this precision.
            TypeError: the argument does not contain gradients by name.
        """
        return self._compared_gradients(gradients_by_name(self, gradients, named))

    def _compared_gradients(
        self, by_name: Mapping[str, Any], meaning: str = "", run: Callable[[Any], Sequence[Any]] | None = None
    ) -> Verdict:
        """Return the verdict on gradients by name, with its diagnosis, and the meaning of wrong ones in its message."""
        actual = actual_gradients(self, by_name)
        verdict = verdict_on(actual, meaning)
        if verdict.passed:
            return verdict
        return diagnosed(actual, verdict, meaning=meaning, outputs=run and self._outputs_of(run, self.compare))

    def _outputs_of(self, run: Callable[[Any], Sequence[Any]], compare: Callable[..., Verdict]) -> Verdict | None:
        """Return the verdict on the outputs of an implementation whose gradients are checked; None if it raises."""
        try:
            return compare(*outputs_of(run(replace(self, gradients=None).for_implementation()), self))
        except Exception:  # the gradients are checked; their failure is reported anyway
            return None

    def check_gradients(self, gradients: object = None, /, **named: object) -> Verdict:
        """Raise GoldenMismatch unless all given gradients are right. Takes the arguments of ``compare_gradients``.

        Returns:
            The verdict; ``not_checked`` lists the arrays for which no gradient was passed.

        Raises:
            GoldenMismatch: a gradient is wrong, or none was given.
            WrongUse: a gradient is this golden's own array, or this golden was loaded without gradients.
            UnknownName, TypeError: as for ``compare_gradients``.
        """
        __tracebackhide__ = True
        by_name = gradients_by_name(self, gradients, named)
        with self._reading():
            refuse_own_arrays(self, *by_name.values())
            verdict = self._compared_gradients(by_name)
        self._judge(verdict, GRADIENTS)
        return verdict

    def check_gradient_calls(self, backward: Backward, run: Callable[[Any], Sequence[Any]] | None = None) -> None:
        """Raise GoldenMismatch unless ``backward`` returns the right gradients twice in a row.

        Args:
            backward: a function of this golden's inputs: it takes ``cotangents``, ``x``, states and weights from them
                and returns gradients by name, as ``check_gradients`` takes them.
            run: a function of the same inputs that returns the outputs, as for ``check_calls``. It is called if the
                gradients are wrong; if the outputs are wrong, too, the message says so first.
        """
        __tracebackhide__ = True
        for _, verdict in compare_gradient_calls(self, backward, partial(self._compared_gradients, run=run)):
            self._judge(verdict, GRADIENTS)

    def compare_calls(
        self, run: Callable[[Any], Any], calls: Sequence[str] | str | None = None, *, outputs: OutputNames = None
    ) -> Verdicts:
        """Call an implementation once and in each call pattern, and return the verdicts.

        Args:
            run: a function that returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n). Its argument is the inputs of
                this golden, or some of their rows or steps; it must use the ``x``, states and weights of its argument.
            calls: names of ``rnn_goldens.comparison.call_patterns``. If None, ``twice``, ``rows``, ``chunks``,
                ``steps``, ``weights`` and ``views``; patterns that do not apply to the golden are skipped.
            outputs: names of the outputs to compare, as for ``compare``; for out alone, ``run`` may return only out.

        Returns:
            A list: the verdict of a single call, then one for each call pattern, up to the first failure. The list is
            true if all of them passed.

        Raises:
            UnknownName: no such call pattern or output.
            TypeError: ``run`` did not return outputs.
            WrongUse: ``run`` returned this golden's own arrays.
        """
        golden = self.comparing(outputs)
        patterns = OF_ANY if calls is None else calls
        return Verdicts(verdict for _, verdict in golden.compared(run, patterns))

    def compared(
        self, run: Callable[[Any], Sequence[Any]], calls: Sequence[str] | str
    ) -> Iterator[tuple[str, Verdict]]:
        """Yield ``once`` and the verdict of a single call, then the name and verdict of each call pattern."""
        return compare_calls(self, run, self.compare, calls, explain=CallCauses().explained)

    def check_calls(
        self, run: Callable[[Any], Any], calls: Sequence[str] | str | None = None, *, outputs: OutputNames = None
    ) -> None:
        """Raise GoldenMismatch unless all verdicts of ``compare_calls`` pass. Takes the arguments of that method."""
        __tracebackhide__ = True
        for verdict in self.compare_calls(run, calls, outputs=outputs):
            self._judge(verdict)
