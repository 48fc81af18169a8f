"""What a golden is: a scenario with its certified answer, its tolerance and where it came from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.precision import PRECISIONS, precision
from rnn_goldens.shapes import Config, state_names, state_shape
from rnn_goldens.tolerance import Tolerance

if TYPE_CHECKING:
    from rnn_goldens.verdict import Verdict

Float64 = NDArray[np.float64]

DERIVED_FEATURES = ("bias", "state", "multilayer", "bidirectional", "lengths", "unbatched", "exact")
"""Features that follow from what a golden holds."""

DECLARED_FEATURES = ("long", "degenerate", "saturated", "chaotic")
"""Features that a scenario states of itself."""

CORE = "core"
"""The feature of the smallest set of goldens that alone exposes every deviation: given by the index of a corpus."""

FEATURES = (*DERIVED_FEATURES, *DECLARED_FEATURES, CORE)


@dataclass(frozen=True, eq=False, kw_only=True)
class Asked:
    """What is asked, as stored: float64 (lengths int64), read-only; None where the scenario gives none.

    Attributes:
        weights: PyTorch's names; shapes from ``shapes.weight_shapes``.
        x: (batch, time, input), or (time, input) if unbatched.
        h0, c0: (layers·directions, batch, hidden), without the batch axis if unbatched.
        lengths: (batch,), the number of time steps of each sequence.
    """

    weights: Mapping[str, Float64]
    x: Float64
    h0: Float64 | None = None
    c0: Float64 | None = None
    lengths: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        """Hold read-only views: whoever made the arrays may go on writing to theirs."""
        views = {name: _read_only(value) for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        vars(self).update(views, weights={name: _read_only(array) for name, array in self.weights.items()})

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self.__post_init__()  # a copy of a read-only array can be written to

    def copied(self) -> Self:
        """The same in memory of its own: that an array is read-only does not keep ``torch.from_numpy`` from writing."""
        own = {f.name: _copy(getattr(self, f.name)) for f in fields(self)}
        return type(self)(**own)


@dataclass(frozen=True, eq=False, kw_only=True)
class Arrays(Asked):
    """What is asked and what is expected.

    Attributes:
        out: (batch, time, directions·hidden).
        h_n, c_n: like h0.
    """

    out: Float64
    h_n: Float64
    c_n: Float64 | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Question:
    """What an implementation is handed: a golden in one precision, without what is expected.

    Its arrays are read-only; their dtype is the precision's.

    Attributes:
        id: stable name, ``folder/name``.
        title: a few words.
        purpose: what it is there to show or to expose.
        documented_in: where the scenario is documented.
        cell: ``rnn_tanh``, ``rnn_relu``, ``lstm`` or ``gru``, with PyTorch's equations.
        config: the arguments ``nn.RNN`` would take.
        features: tags to select by, see ``FEATURES``.
        precisions: the precisions it can be checked in.
        stored: the float64 arrays, whatever the precision.
        dtype: ``float64``, ``float32``, ``bfloat16`` (in float32 arrays, NumPy has none) or ``float16``.
    """

    id: str
    title: str
    purpose: str
    documented_in: str
    cell: str
    config: Config
    features: tuple[str, ...]
    precisions: tuple[str, ...]
    stored: Asked
    dtype: str = "float64"

    def in_precision(self, dtype: object) -> Self:
        """Return the same in another precision.

        Args:
            dtype: its name, or what NumPy, torch or ml_dtypes has for it: ``np.float32``, ``torch.bfloat16``.

        Raises:
            UnknownName: no such precision, or this golden does not support it.
        """
        from rnn_goldens.errors import UnknownName

        name = precision_name(dtype)
        if name not in self.precisions:
            raise UnknownName(f"precision of {self.id}", name, self.precisions, plural=f"Precisions of {self.id}")
        return replace(self, dtype=name)

    @cached_property
    def weights(self) -> Mapping[str, NDArray[Any]]:
        """PyTorch's names and shapes: ``weight_ih_l0`` (gates·hidden, input), ``bias_hh_l1_reverse`` and so on."""
        return MappingProxyType({name: self._cast(array) for name, array in self.stored.weights.items()})

    def weights_as(self, convention: str) -> dict[str, NDArray[Any]]:
        """Return the weights as another convention names, shapes and orders them.

        Args:
            convention: ``torch``, ``keras``, ``onnx``, ``flax``, or ``textbook``: ``W_xh`` (input, hidden), ``W_hh``
                and ``b``, as in ``x @ W_xh + h @ W_hh + b``.

        Raises:
            UnknownName: no such convention.
            Unsupported: the convention can not hold what this golden has.
        """
        from rnn_goldens.conventions import convention as named

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
        from rnn_goldens.conventions import convention as named

        return dict(named(convention).to_torch(self.cell, self.config, weights))

    @cached_property
    def x(self) -> NDArray[Any]:
        """Input, (batch, time, input); (time, input) if unbatched."""
        return self._cast(self.stored.x)

    @cached_property
    def h0(self) -> NDArray[Any]:
        """Initial hidden state, (layers·directions, batch, hidden); zeros where the scenario gives none."""
        return self._cast(np.zeros(self.state_shape) if self.stored.h0 is None else self.stored.h0)

    @cached_property
    def c0(self) -> NDArray[Any]:
        """Initial cell state of an LSTM, like ``h0``."""
        self._require_cell_state("c0")
        return self._cast(np.zeros(self.state_shape) if self.stored.c0 is None else self.stored.c0)

    @property
    def initial_state(self) -> NDArray[Any] | tuple[NDArray[Any], NDArray[Any]] | None:
        """Exactly what ``nn.RNN`` takes as its second argument: None where the scenario gives none."""
        if self.stored.h0 is None:
            return None
        return (self.h0, self.c0) if "c" in state_names(self.cell) else self.h0

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """Time steps of each sequence, (batch,), or None where all have as many as ``x``."""
        return self.stored.lengths

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
    def batch_shape(self) -> tuple[int, ...]:
        """(batch,), or () if unbatched."""
        return self.stored.x.shape[:-2]

    @property
    def state_shape(self) -> tuple[int, ...]:
        """Shape of every initial and last state."""
        return state_shape(self.config, self.batch_shape)

    def __getstate__(self) -> dict[str, Any]:
        """What a copy needs: the arrays that were cast so far are cast again."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def _cast(self, array: Float64) -> NDArray[Any]:
        rounded = PRECISIONS[self.dtype].round(array)
        rounded.flags.writeable = False
        return rounded

    def _require_cell_state(self, name: str) -> None:
        if "c" not in state_names(self.cell):
            raise AttributeError(f"{self.id} is a golden for {self.cell}, which has no {name}; only an lstm has")

    def _withheld(self, name: str) -> AttributeError:
        return AttributeError(
            f"{name} of {self.id} is what is expected, and an implementation is not handed it: "
            "it is to compute it, from x, h0 and the weights"
        )

    def __repr__(self) -> str:
        kind = "Question" if type(self) is Question else "Golden"
        return f"<{kind} {self.id} in {self.dtype}: {self.cell}, x {self.stored.x.shape}>"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class Golden(Question):
    """A golden in one precision: what is asked, and what is expected.

    Attributes:
        tolerance: how far a correct implementation can be off.
        provenance: what made it; not part of its content.
        stored: the float64 arrays, whatever the precision.
    """

    tolerance: Tolerance
    provenance: Mapping[str, str]
    stored: Arrays

    @cached_property
    def out(self) -> NDArray[Any]:
        """Expected hidden state of the last layer at every step, (batch, time, directions·hidden)."""
        return self._cast(self.stored.out)

    @cached_property
    def h_n(self) -> NDArray[Any]:
        """Expected last hidden state of every layer and direction, (layers·directions, batch, hidden)."""
        return self._cast(self.stored.h_n)

    @cached_property
    def c_n(self) -> NDArray[Any]:
        """Expected last cell state of an LSTM, like ``h_n``."""
        self._require_cell_state("c_n")
        assert self.stored.c_n is not None
        return self._cast(self.stored.c_n)

    def copied(self) -> Self:
        """The same golden in memory of its own."""
        return replace(self, stored=self.stored.copied())

    def question(self) -> Question:
        """What an implementation is handed: this golden without what is expected, in memory of its own."""
        asked = {f.name: getattr(self.stored, f.name) for f in fields(Asked)}
        said = {f.name: getattr(self, f.name) for f in fields(Question) if f.name != "stored"}
        return Question(**said, stored=Asked(**asked).copied())

    def compare(self, out: object, h_n: object = None, c_n: object = None) -> "Verdict":
        """Compare outputs with this golden, without raising.

        Where they differ every known deviation is asked the same, to name those that would explain it in the verdict's
        message: some 0.05 s. ``rnn_goldens.verdict.compare`` compares alone.

        Args:
            out: array-like of any library, shaped like ``self.out``.
            h_n: array-like shaped like ``self.h_n``; for an LSTM also the pair ``(h_n, c_n)``, as ``nn.LSTM`` has it.
            c_n: array-like shaped like ``self.c_n``, for an LSTM.
        """
        from rnn_goldens.diagnosis import diagnosed
        from rnn_goldens.verdict import compare

        return diagnosed(self, compare(self, out, h_n, c_n), out, h_n, c_n)

    def check(self, out: object, h_n: object = None, c_n: object = None) -> None:
        """Raise GoldenMismatch unless the outputs, given as for ``compare``, are right.

        Raises:
            GoldenMismatch: they are not.
            WrongUse: one of them is this golden's own array.
        """
        __tracebackhide__ = True
        from rnn_goldens.errors import GoldenMismatch
        from rnn_goldens.own_arrays import refuse_own

        refuse_own(self, out, h_n, c_n)
        verdict = self.compare(out, h_n, c_n)
        if not verdict.passed:
            raise GoldenMismatch(verdict)

    def check_fails(self, out: object, h_n: object = None, c_n: object = None) -> "Verdict":
        """Check that outputs, given as for ``compare``, are wrong: for a network that is known to be.

        Returns:
            The verdict: its message says what is wrong with them.

        Raises:
            AssertionError: they are right.
            WrongUse: one of them is this golden's own array.
        """
        __tracebackhide__ = True
        from rnn_goldens.own_arrays import refuse_own

        refuse_own(self, out, h_n, c_n)
        verdict = self.compare(out, h_n, c_n)
        if verdict.passed:
            raise AssertionError(
                f"{self.id} in {self.dtype}: the outputs are right, and check_fails asks for wrong ones"
            )
        return verdict

    def compare_calls(
        self, run: Callable[[Any], Sequence[Any]], calls: Sequence[str] | str | None = None
    ) -> list["Verdict"]:
        """Call an implementation in several ways, and compare each with this golden, without raising.

        Args:
            run: a function of a golden that returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n). It is given
                questions, which are this golden and parts of it without what is expected: it has to take inputs,
                states and weights from its argument.
            calls: ``twice``, ``rows``, ``chunks``, ``weights``, ``views``: ``rnn_goldens.calls`` says what each does.
                All of them if None; those that this golden can not be asked are left out.

        Returns:
            A verdict a way, the first of a single call; none after one that did not pass.

        Raises:
            UnknownName: no such way of calling.
        """
        from rnn_goldens.calls import WAYS, compare_calls

        return [verdict for _, verdict in compare_calls(self, run, tuple(WAYS) if calls is None else calls)]

    def check_calls(self, run: Callable[[Any], Sequence[Any]], calls: Sequence[str] | str | None = None) -> None:
        """Raise GoldenMismatch unless the outputs are right in each of several ways to call ``run``, as above."""
        __tracebackhide__ = True
        from rnn_goldens.errors import GoldenMismatch

        for verdict in self.compare_calls(run, calls):
            if not verdict.passed:
                raise GoldenMismatch(verdict)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, out {self.stored.out.shape}>"

    def handed_out(self) -> dict[str, list[NDArray[Any]]]:
        """The expected arrays that may have been looked at, by name: those that were cast, and as they are stored."""
        held = {name: (vars(self).get(name), getattr(self.stored, name)) for name in ("out", "h_n", "c_n")}
        return {name: [array for array in arrays if array is not None] for name, arrays in held.items()}


def precision_name(dtype: object) -> str:
    """The name of a precision that is given by name, or as NumPy, torch or ml_dtypes has it.

    Raises:
        UnknownName: no such precision.
        TypeError: nothing that names one.
    """
    if isinstance(dtype, str) or type(dtype).__module__ == "torch":
        return precision(str(dtype).removeprefix("torch.")).name
    try:
        if dtype is None:  # which NumPy takes for float64
            raise TypeError
        return precision(np.dtype(dtype).name).name  # type: ignore[call-overload]
    except TypeError:
        raise TypeError(f"dtype names a precision, such as 'float32' or np.float32; {dtype!r} does not") from None


def _copy(value: Any) -> Any:  # noqa: ANN401 - an array, a mapping of arrays, or None
    if isinstance(value, Mapping):
        return {name: array.copy() for name, array in value.items()}
    return value if value is None else value.copy()


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    view = array.view()
    view.flags.writeable = False
    return view


def derived_features(config: Config, *, state: bool, lengths: bool, unbatched: bool, exact: bool) -> tuple[str, ...]:
    """Features that follow from what a golden holds, in the order of ``DERIVED_FEATURES``."""
    holds = (config.bias, state, config.num_layers > 1, config.bidirectional, lengths, unbatched, exact)
    return tuple(feature for feature, there in zip(DERIVED_FEATURES, holds, strict=True) if there)
