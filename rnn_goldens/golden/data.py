"""What is stored of a golden, in one precision: a question, and a golden, which is a question with its answer."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.arrays import Arrays, Asked, AskedBackward, Float64
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected
from rnn_goldens.golden.gradients import COTANGENTS, Gradients
from rnn_goldens.golden.precision import PRECISIONS, precision_name
from rnn_goldens.golden.shapes import LAYOUTS, Config, Layout, chosen_outputs, output_shapes, state_shape
from rnn_goldens.golden.tolerance import Tolerance


@dataclass(frozen=True, eq=False, kw_only=True)
class QuestionData:
    """What an implementation is handed: a golden in one precision, without what is expected.

    Its arrays are read-only; their dtype is the precision's.

    Attributes:
        id: stable name, ``folder/name``.
        title: a few words.
        purpose: what it is there to show or to expose.
        documented_in: where the scenario is documented.
        cell: ``rnn_tanh``, ``rnn_relu``, ``lstm`` or ``gru``, with PyTorch's equations; or one of someone's own,
            ``package.module:function``.
        config: the arguments ``nn.RNN`` would take.
        features: tags to select by, see ``FEATURES``.
        precisions: the precisions it can be checked in.
        stored: the float64 arrays, whatever the precision.
        dtype: ``float64``, ``float32``, ``bfloat16`` (in float32 arrays, NumPy has none) or ``float16``.
        own_layout: the gates and states of a cell of someone's own; None of ours.
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
    own_layout: Layout | None = None

    @property
    def layout(self) -> Layout:
        """Gates and states of its cell."""
        return self.own_layout or LAYOUTS[self.cell]

    def in_precision(self, dtype: object) -> Self:
        """Return the same in another precision.

        Args:
            dtype: its name, or what NumPy, torch or ml_dtypes has for it: ``np.float32``, ``torch.bfloat16``.

        Raises:
            UnknownName: no such precision, or this golden does not support it.
        """
        return replace(self, dtype=self.held(dtype))

    def held(self, dtype: object) -> str:
        """The name of a precision, given as for ``in_precision``; raises UnknownName if this is not to be had in it."""
        name = precision_name(dtype)
        if name not in self.precisions:
            raise UnknownName(f"precision of {self.id}", name, self.precisions, plural=f"Precisions of {self.id}")
        return name

    @cached_property
    def weights(self) -> Mapping[str, NDArray[Any]]:
        """PyTorch's names and shapes: ``weight_ih_l0`` (gates·hidden, input), ``bias_hh_l1_reverse`` and so on."""
        return MappingProxyType({name: self._cast(array) for name, array in self.stored.weights.items()})

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
        return (self.h0, self.c0) if "c" in self.layout.states else self.h0

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """Time steps of each sequence, (batch,), or None where all have as many as ``x``."""
        return self.stored.lengths

    @cached_property
    def cotangents(self) -> Mapping[str, NDArray[Any]]:
        """What a backward pass begins with: ``d_out``, ``d_h_n`` and, of an LSTM, ``d_c_n``, shaped as the outputs.

        Always all of them: zeros where the scenario gives none.

        Raises:
            AttributeError: no gradients are asked; the message says why, and how to ask for them.
        """
        given = self._given_cotangents
        if given is None:
            raise AttributeError(self._no_cotangents())
        shapes = output_shapes(self.layout, self.config, self.stored.x.shape)
        arrays = {name: given.get(name) for name, output in COTANGENTS.items() if output in shapes}
        return MappingProxyType(
            {name: self._cast(np.zeros(shapes[COTANGENTS[name]]) if a is None else a) for name, a in arrays.items()}
        )

    @property
    def asks_gradients(self) -> bool:
        """Whether there are cotangents, and gradients are asked for them in this precision."""
        return self._given_cotangents is not None

    @property
    def _given_cotangents(self) -> Mapping[str, Float64] | None:
        return self.stored.cotangents if isinstance(self.stored, AskedBackward) else None

    def _no_cotangents(self) -> str:
        return (
            f"{self.id} has no cotangents here: it was loaded without gradients; load(…, gradients=True) has them, "
            "read(…, gradients=True), and the marker rnn_goldens(gradients=True)"
        )

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
        if "c" not in self.layout.states:
            raise AttributeError(f"{self.id} is a golden for {self.cell}, which has no {name}")

    def _repr_html_(self) -> str:
        """What a notebook shows: what it is for, what it holds, and the shapes of its arrays."""
        from rnn_goldens.golden.as_html import table

        return table(f"{self.id} in {self.dtype}", self._facts())

    def _facts(self) -> list[tuple[str, object]]:
        weights = ", ".join(f"{name} {array.shape}" for name, array in self.stored.weights.items())
        initial = {"h0": self.stored.h0, "c0": self.stored.c0}
        states = [(name, array.shape) for name, array in initial.items() if array is not None]
        lengths = [] if self.lengths is None else [("lengths", self.lengths.tolist())]
        return [
            ("purpose", self.purpose),
            ("cell", self.cell),
            ("config", ", ".join(f"{name}={value}" for name, value in dict(self.config).items())),
            ("features", ", ".join(self.features)),
            ("precisions", ", ".join(self.precisions)),
            ("x", self.stored.x.shape),
            *states,
            *lengths,
            ("weights", weights),
        ]

    def __repr__(self) -> str:
        kind = "Golden" if isinstance(self, GoldenData) else "Question"
        return f"<{kind} {self.id} in {self.dtype}: {self.cell}, x {self.stored.x.shape}>"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GoldenData(QuestionData):
    """A golden in one precision: what is asked, and what is expected.

    Attributes:
        tolerance: how far a correct implementation can be off.
        provenance: what made it; not part of its content.
        stored: the float64 arrays, whatever the precision.
        corpus: where commands find it: what ``--corpus`` takes, "" if they find it without; None if it is nowhere.
        gradients: what is stored of its gradients; None if there are none, or they were not asked for.
        outputs: the names of the outputs that alone are compared; () if all are.
    """

    tolerance: Tolerance
    provenance: Mapping[str, str]
    stored: Arrays
    corpus: str | None = None
    gradients: Gradients | None = None
    outputs: tuple[str, ...] = ()

    def comparing(self, outputs: str | Iterable[str] | None) -> Self:
        """The same golden, of which these outputs alone are compared; as it is if None.

        Raises:
            UnknownName: there is no such output.
            WrongUse: out is not among them.
        """
        return self if outputs is None else replace(self, outputs=chosen_outputs(outputs))

    @property
    def not_compared(self) -> tuple[str, ...]:
        """The names of its other outputs."""
        return tuple(name for name in self.layout.outputs if self.outputs and name not in self.outputs)

    def expected(self, of: str = OUTPUTS) -> Expected:
        """The expected values of ``outputs``, those that are compared, or of ``gradients``.

        Raises:
            WrongUse: it was loaded without gradients.
            UnknownName: its gradients cannot be checked in this precision.
        """
        if of == GRADIENTS:
            gradients = self.checkable_gradients()
            return Expected(gradients.expected, gradients.tolerance, self.dtype)
        names = [name for name in self.layout.outputs if name not in self.not_compared]
        return Expected({name: getattr(self.stored, name) for name in names}, self.tolerance, self.dtype)

    def checkable_gradients(self) -> Gradients:
        """What is stored of its gradients; raises as ``expected``."""
        stored = self.gradients
        if stored is None:
            raise WrongUse(
                f"{self.id} was loaded without gradients: load(…, gradients=True) has them, read(…, gradients=True), "
                "and the marker rnn_goldens(gradients=True)"
            )
        if self.dtype not in stored.precisions:
            whose = f"of the gradients of {self.id}"
            raise UnknownName(f"precision {whose}", self.dtype, stored.precisions, plural=f"Precisions {whose}")
        return stored

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

    def _facts(self) -> list[tuple[str, object]]:
        expected = {"out": self.stored.out, "h_n": self.stored.h_n, "c_n": self.stored.c_n}
        shapes = [(name, array.shape) for name, array in expected.items() if array is not None]
        gradients = [] if self.gradients is None else [("gradients", ", ".join(self.gradients.expected))]
        return [*super()._facts(), *shapes, ("tolerance", self.tolerance.in_words), *gradients]

    def copied(self, **others: Any) -> Self:  # noqa: ANN401 - fields
        """The same golden in memory of its own, some of its fields others."""
        if "gradients" not in others and self.gradients is not None:
            others["gradients"] = self.gradients.copied()
        others["provenance"] = dict(self.provenance)
        return replace(self, stored=self.stored.copied(), tolerance=self.tolerance.copied(), **others)

    def asked(self) -> dict[str, Any]:
        """The fields of a question, without what is expected, in memory of its own."""
        said = {f.name: getattr(self, f.name) for f in fields(QuestionData)}
        return {**said, "stored": self.asked_arrays().copied()}

    def asked_arrays(self) -> Asked:
        """What is asked, as stored: with cotangents, if gradients can be checked in this precision."""
        given: dict[str, Any] = {f.name: getattr(self.stored, f.name) for f in fields(Asked)}
        cotangents = self._given_cotangents
        return Asked(**given) if cotangents is None else AskedBackward(**given, cotangents=cotangents)

    @property
    def _given_cotangents(self) -> Mapping[str, Float64] | None:
        if self.gradients is None or self.dtype not in self.gradients.precisions:
            return None
        return self.gradients.cotangents

    def _no_cotangents(self) -> str:
        if self.gradients is None:
            return super()._no_cotangents()
        held = ", ".join(self.gradients.precisions)
        return f"gradients of {self.id} can be checked in {held}, and not in {self.dtype}: it has no cotangents there"

    def question(self) -> QuestionData:
        """What an implementation is handed."""
        return QuestionData(**self.asked())

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, out {self.stored.out.shape}>"

    def handed_out(self) -> dict[str, list[NDArray[Any]]]:
        """The expected arrays that may have been looked at, by name: those that were cast, and as they are stored."""
        held = {name: (vars(self).get(name), getattr(self.stored, name)) for name in ("out", "h_n", "c_n")}
        found = {name: [array for array in arrays if array is not None] for name, arrays in held.items()}
        gradients = {} if self.gradients is None else self.gradients.expected
        return {**found, **{f"gradient of {name}": [array] for name, array in gradients.items()}}
