"""The data of a golden in one precision: ``InputsData``, and ``GoldenData``, which adds the expected values."""

from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.built_in_cells import DIALECTS, LAYOUTS
from rnn_goldens.golden.call import ALONE, Call
from rnn_goldens.golden.embedding import Embedding
from rnn_goldens.golden.expected import GRADIENTS, OUTPUTS, Expected, ExpectedStates, Gradients
from rnn_goldens.golden.precision import INTEGERS, NUMBER_TYPES, PRECISIONS, precision_name
from rnn_goldens.golden.recurrence_config import AnyConfig, RecurrenceConfig
from rnn_goldens.golden.rounding_profile import DEFAULT, Profile
from rnn_goldens.golden.shapes import TIME, ArrayShapes, Axes, Blocks, Config, Layout, Shape, chosen_outputs
from rnn_goldens.golden.stored_arrays import BackwardInputArrays, Float64, GoldenArrays, InputArrays
from rnn_goldens.golden.tolerance import Tolerance, in_use

_WITHOUT_GRADIENTS = (
    "was loaded without gradients; use load(…, gradients=True), read(…, gradients=True) or the marker "
    "rnn_goldens(gradients=True)"
)


@dataclass(frozen=True, eq=False, kw_only=True)
class InputsData:
    """Model inputs in one precision: a golden without its expected values.

    The arrays are read-only and have the dtype of the precision.

    Attributes:
        id: permanent identifier, ``folder/name``.
        title: a short title.
        purpose: what the golden shows or detects.
        documented_in: where the scenario is documented.
        cell: ``rnn_tanh``, ``rnn_relu``, ``lstm`` or ``gru``, with PyTorch's equations; a dialect; a custom cell,
            ``package.module:function``; or a recurrence such as ``gated_delta``.
        config: the arguments of ``nn.RNN``; sizes and options of a recurrence.
        features: tags for selection, see ``FEATURES``.
        precisions: the precisions that the golden can be checked in.
        stored: the arrays as stored: float64 for every precision.
        dtype: ``float64``, ``float32``, ``bfloat16`` (in float32 arrays: NumPy has no bfloat16) or ``float16``; of an
            integer golden the type of inputs and outputs, ``int8`` or ``int16``.
        custom_layout: gates, states and weights of a custom cell; None for a built-in cell.
        embedding: how the golden was embedded in larger sizes, without the golden itself; None if it was not.
        call: how this call reads and writes states that are kept between calls.
    """

    id: str
    title: str
    purpose: str
    documented_in: str
    cell: str
    config: AnyConfig
    features: tuple[str, ...]
    precisions: tuple[str, ...]
    stored: InputArrays
    dtype: str = "float64"
    custom_layout: Layout | None = None
    embedding: Embedding | None = None
    call: Call = ALONE

    @cached_property
    def layout(self) -> Layout:
        """Gates, states and weights of the cell."""
        if isinstance(self.config, RecurrenceConfig):
            return self.config.recurrence.layout
        return self.custom_layout or LAYOUTS[self.cell]

    @property
    def is_network(self) -> bool:
        """True for a network with layers and directions, False for a recurrence."""
        return isinstance(self.config, Config)

    @property
    def is_integer(self) -> bool:
        """True for an LSTM of integers, in which nothing is rounded but by its definition."""
        return self.dtype in INTEGERS

    @property
    def is_wide_inside(self) -> bool:
        """Whether correct implementations compute in a wider precision than their inputs and outputs have."""
        return self.config.is_wide_inside and NUMBER_TYPES[self.dtype].bits < PRECISIONS["float32"].bits

    @property
    def network(self) -> Config:
        """The configuration of a network. Raises Unsupported for a recurrence."""
        if not isinstance(self.config, Config):
            raise Unsupported(f"{self.id} is a golden for {self.cell}, a recurrence, which has no layers")
        return self.config

    @property
    def recurrence(self) -> RecurrenceConfig:
        """The configuration of a recurrence. Raises Unsupported for a network."""
        if not isinstance(self.config, RecurrenceConfig):
            raise Unsupported(f"{self.id} is a golden for {self.cell}, a network of layers, not a recurrence")
        return self.config

    @cached_property
    def shapes(self) -> ArrayShapes:
        """The shapes of all arrays."""
        return self.config.shapes(self.layout, self.stored.inputs, self.stored.offsets)

    @property
    def options(self) -> Mapping[str, Any]:
        """Options of a dialect, such as ``{"linear_before_reset": 0}``; empty for other cells."""
        return DIALECTS[self.cell].options if self.cell in DIALECTS else {}

    def in_precision(self, dtype: object) -> Self:
        """Return a copy in another precision.

        Args:
            dtype: a name, or a dtype of NumPy, torch or ml_dtypes: ``np.float32``, ``torch.bfloat16``. An integer
                golden has one type, and is returned in it for any floating-point precision.

        Raises:
            UnknownName: the precision does not exist, or this golden does not support it.
        """
        return replace(self, dtype=self.precision_name(dtype))

    def precision_name(self, dtype: object) -> str:
        """Return the name of the precision ``dtype``; raise UnknownName if this golden does not support it."""
        name = precision_name(dtype)
        if self.precisions[0] in INTEGERS and name in PRECISIONS:
            return self.precisions[0]
        if name not in self.precisions:
            raise UnknownName(f"precision of {self.id}", name, self.precisions, plural=f"Precisions of {self.id}")
        return name

    @cached_property
    def weights(self) -> Mapping[str, NDArray[Any]]:
        """Weights with PyTorch's names and shapes: ``weight_ih_l0`` (gates·hidden, input), ``bias_hh_l1_reverse``."""
        return MappingProxyType({name: self._cast(array, name) for name, array in self.stored.weights.items()})

    @cached_property
    def inputs(self) -> Mapping[str, NDArray[Any]]:
        """Inputs by name: x of a network; q, k, v, and so on of a recurrence."""
        return MappingProxyType({name: self._cast(array, name) for name, array in self.stored.inputs.items()})

    @property
    def x(self) -> NDArray[Any]:
        """Input, (batch, time, input); (time, input) if unbatched."""
        return self._one_of("inputs", self.inputs, "x")

    @cached_property
    def states(self) -> Mapping[str, NDArray[Any]]:
        """Initial states by name, ``h0`` first: (layers·directions, batch, hidden); zeros if the scenario has none.

        A recurrence has (sequences, …), such as ``S0``, (batch, heads, d_k, d_v). Without them, the h0 of an integer
        golden is its zero point.
        """
        shapes, zero = self.shapes.initial, self.config.zero_of
        stored = self.stored.states or {name: np.full(shape, zero(name)) for name, shape in shapes.items()}
        return MappingProxyType({name: self._cast(stored[name], name) for name in shapes})

    @property
    def given_states(self) -> Mapping[str, NDArray[Any]]:
        """Initial states by name; empty where the scenario defines none."""
        return self.states if self.stored.states else {}

    @property
    def h0(self) -> NDArray[Any]:
        """Initial hidden state, (layers·directions, batch, hidden); zeros where the scenario defines none."""
        return self._one_of("states", self.states, "h0")

    @property
    def c0(self) -> NDArray[Any]:
        """Initial cell state of an LSTM, like ``h0``."""
        self._require_cell_state("c0")
        return self.states["c0"]

    @property
    def initial_state(self) -> NDArray[Any] | tuple[NDArray[Any], ...] | None:
        """The second argument of ``nn.RNN``: h0, or a tuple of all states; None where the scenario defines none."""
        if not self.stored.states:
            return None
        first, *others = self.states.values()
        return (first, *others) if others else first

    @property
    def lengths(self) -> NDArray[np.int64] | None:
        """Time steps of each sequence, (batch,), or None where every sequence is as long as ``x``."""
        return self.stored.lengths

    @property
    def offsets(self) -> NDArray[np.int64] | None:
        """Where each packed sequence of a recurrence starts, and the end of the last one; None without packing."""
        return self.stored.offsets

    @cached_property
    def cotangents(self) -> Mapping[str, NDArray[Any]]:
        """Inputs of the backward pass: ``d_out``, ``d_h_n`` and, for an LSTM, ``d_c_n``, each shaped like its output.

        All of them are present. A cotangent that the scenario does not define is zero.

        Raises:
            AttributeError: there are no gradients to check; the message says why.
        """
        defined = self._defined_cotangents
        if defined is None:
            raise AttributeError(self._no_cotangents())
        arrays = self.shapes.cotangents
        return MappingProxyType(
            {name: self._cast(defined.get(name, np.zeros(shape))) for name, shape in arrays.items()}
        )

    @property
    def has_cotangents(self) -> bool:
        """True if there are cotangents, so that gradients can be checked in this precision."""
        return self._defined_cotangents is not None

    @property
    def _defined_cotangents(self) -> Mapping[str, Float64] | None:
        return self.stored.cotangents if isinstance(self.stored, BackwardInputArrays) else None

    def _no_cotangents(self) -> str:
        return f"{self.id} has no cotangents: it {_WITHOUT_GRADIENTS}"

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """(batch,), or () if unbatched."""
        name, array = next(iter(self.stored.inputs.items()))
        return array.shape[: self.axes(name).index(TIME)]

    @property
    def time(self) -> int:
        """The number of time steps; of all packed sequences together."""
        name, array = next(iter(self.stored.inputs.items()))
        return int(array.shape[self.axes(name).index(TIME)])

    @property
    def sequences(self) -> int:
        """The number of sequences: of the batch, or packed."""
        return len(self.offsets) - 1 if self.offsets is not None else (*self.batch_shape, 1)[0]

    def axes(self, name: str) -> Axes:
        """Return the names of the axes of an input, state, output or weight, or of its gradient."""
        return self.config.axes(name, self.layout, batched=self._is_batched)

    def blocks(self, name: str) -> tuple[Blocks, ...]:
        """Return, for each axis of an array, its number of blocks and the name of their size."""
        return self.config.blocks(name, self.layout, batched=self._is_batched)

    @property
    def _is_batched(self) -> bool:
        first = next(iter(self.stored.inputs.values()))
        return first.ndim > 2  # noqa: PLR2004 - with a batch axis

    def axis(self, name: str, axis: str) -> int | None:
        """Return which axis of an array has a name; None if none has it."""
        axes = self.axes(name)
        return axes.index(axis) if axis in axes else None

    @property
    def state_shape(self) -> Shape:
        """The shape of the first state."""
        return next(iter(self.shapes.initial.values()))

    def __getstate__(self) -> dict[str, Any]:
        """Return the fields only: a copy computes its cast arrays again."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    def rounded(self, array: Float64, name: str = "") -> NDArray[Any]:
        """Return an array in the precision; of an integer golden, in the type of the array with this name."""
        of_name = self.config.type_of(name) if name and self.is_integer else self.dtype
        return NUMBER_TYPES[of_name].round(array)

    def _cast(self, array: Float64, name: str = "") -> NDArray[Any]:
        rounded = self.rounded(array, name)
        rounded.flags.writeable = False
        return rounded

    def _one_of(self, kind: str, arrays: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
        if name not in arrays:
            raise AttributeError(f"{self.id} is a golden for {self.cell}: its {kind} are {', '.join(arrays)}")
        return arrays[name]

    def _require_cell_state(self, name: str) -> None:
        if "c" not in self.layout.states or name not in (*self.layout.initial, *self.layout.outputs):
            raise AttributeError(f"{self.id} is a golden for {self.cell}, which has no {name}")

    def _repr_html_(self) -> str:
        """Return what a notebook displays: purpose, configuration and the shapes of the arrays."""
        return html_table(f"{self.id} in {self.dtype}", self._facts())

    def _facts(self) -> list[tuple[str, object]]:
        weights = ", ".join(f"{name} {array.shape}" for name, array in self.stored.weights.items())
        states = [(name, array.shape) for name, array in self.stored.states.items()]
        integers = {"lengths": self.lengths, "offsets": self.offsets}
        lengths = [(name, array.tolist()) for name, array in integers.items() if array is not None]
        inputs = [(name, array.shape) for name, array in self.stored.inputs.items()]
        return [
            ("purpose", self.purpose),
            ("cell", self.cell),
            ("config", ", ".join(f"{name}={value}" for name, value in dict(self.config).items())),
            ("features", ", ".join(self.features)),
            ("precisions", ", ".join(self.precisions)),
            *inputs,
            *states,
            *lengths,
            ("weights", weights),
        ]

    def __repr__(self) -> str:
        kind = "Golden" if isinstance(self, GoldenData) else "Inputs"
        name, array = next(iter(self.stored.inputs.items()))
        return f"<{kind} {self.id} in {self.dtype}: {self.cell}, {name} {array.shape}>"


@dataclass(frozen=True, eq=False, kw_only=True, repr=False)
class GoldenData(InputsData):
    """A golden in one precision: model inputs and expected values.

    Attributes:
        tolerance: the largest error of a correct implementation.
        provenance: versions of the libraries that certified and confirmed the golden; not part of its content.
        stored: the arrays as stored: float64 for every precision.
        corpus: the value of ``--corpus`` for the golden's corpus, "" for the default; None without a corpus.
        gradients: the stored gradients; None if there are none or they were not loaded.
        stored_states: the states after every step that the outputs do not hold; None if they are not stored.
        outputs: names of the outputs to compare; () for all of them.
        profile: which rounding errors are allowed.
        embedding: how the golden was embedded in larger sizes, with the golden; None if it was not.
    """

    tolerance: Tolerance
    provenance: Mapping[str, str]
    stored: GoldenArrays
    corpus: str | None = None
    gradients: Gradients | None = None
    stored_states: ExpectedStates | None = None
    outputs: tuple[str, ...] = ()
    profile: Profile = DEFAULT

    def comparing(self, outputs: str | Iterable[str] | None) -> Self:
        """Return a copy that compares only these outputs; return this golden if ``outputs`` is None.

        Args:
            outputs: the golden's names, such as ``o`` and ``S_n``; ``out`` is the first output of any golden. Names of
                last states that it does not have are ignored if it has one of them: ``c_n`` of a GRU.

        Raises:
            UnknownName: no such output, or the golden has none of the last states.
            WrongUse: the names do not include out.
        """
        if outputs is None:
            return self
        first, *last = self.layout.outputs
        asked = [outputs] if isinstance(outputs, str) else [*outputs]
        chosen = chosen_outputs("out" if name == first else name for name in asked)
        unknown = [name for name in chosen if name not in ("out", *last)]
        if unknown and unknown == [name for name in chosen if name != "out"]:
            raise UnknownName(f"output of {self.id}", unknown[0], self.layout.outputs, plural=f"Outputs of {self.id}")
        return replace(self, outputs=tuple(first if name == "out" else name for name in chosen))

    @cached_property
    def not_compared(self) -> tuple[str, ...]:
        """Names of the outputs that are not compared."""
        return tuple(name for name in self.layout.outputs if self.outputs and name not in self.outputs)

    def expected_of(self, of: str = OUTPUTS) -> Expected:
        """Return the expected values of the compared ``outputs``, or of ``gradients``.

        Raises:
            WrongUse: the golden was loaded without gradients.
            UnknownName: its gradients cannot be checked in this precision.
        """
        if of == GRADIENTS:
            gradients = self.checkable_gradients()
            return Expected(gradients.expected, in_use(gradients.tolerance, self.profile, self.dtype), self.dtype)
        names = [name for name in self.layout.outputs if name not in self.not_compared]
        values = {name: self.stored.expected[name] for name in names}
        return Expected(values, in_use(self.tolerance, self.profile, self.dtype), self.dtype)

    def checkable_gradients(self) -> Gradients:
        """Return the stored gradients. Raises the same errors as ``expected_of(GRADIENTS)``."""
        stored = self.gradients
        if stored is None:
            raise WrongUse(f"{self.id} {_WITHOUT_GRADIENTS}")
        if self.dtype not in stored.precisions:
            subject = f"of the gradients of {self.id}"
            raise UnknownName(f"precision {subject}", self.dtype, stored.precisions, plural=f"Precisions {subject}")
        return stored

    @cached_property
    def expected(self) -> Mapping[str, NDArray[Any]]:
        """Expected outputs by name: ``out``, ``h_n`` and, for an LSTM, ``c_n``."""
        return MappingProxyType({name: self._cast(self.stored.expected[name], name) for name in self.layout.outputs})

    @property
    def out(self) -> NDArray[Any]:
        """Expected hidden state of the last layer at every step, (batch, time, directions·hidden)."""
        return self._one_of("outputs", self.expected, "out")

    @property
    def h_n(self) -> NDArray[Any]:
        """Expected last hidden state of every layer and direction, (layers·directions, batch, hidden)."""
        return self._one_of("outputs", self.expected, "h_n")

    @property
    def c_n(self) -> NDArray[Any]:
        """Expected last cell state of an LSTM, like ``h_n``."""
        self._require_cell_state("c_n")
        return self.expected["c_n"]

    def _facts(self) -> list[tuple[str, object]]:
        shapes = [(name, array.shape) for name, array in self.stored.expected.items()]
        gradients = [] if self.gradients is None else [("gradients", ", ".join(self.gradients.expected))]
        stored = {} if self.stored_states is None else self.stored_states.values
        states = [(f"{name} after every step", array.shape) for name, array in stored.items()]
        return [*super()._facts(), *shapes, *states, ("tolerance", self.tolerance.in_words), *gradients]

    def copied(self, **changes: Any) -> Self:  # noqa: ANN401 - fields
        """Return a deep copy, with other values for some fields."""
        copies = {
            name: deepcopy(getattr(self, name)) for name in ("tolerance", "gradients", "stored_states", "provenance")
        }
        return replace(self, **{"stored": self.stored.copied(), **copies, **changes})

    def input_fields(self) -> dict[str, Any]:
        """Return the fields of ``InputsData``: deep copies, without expected values."""
        inputs = {f.name: getattr(self, f.name) for f in fields(InputsData)}
        embedding = self.embedding and replace(self.embedding, original=None)
        return {**inputs, "embedding": embedding, "stored": self.input_arrays().copied()}

    def input_arrays(self) -> InputArrays:
        """Return the inputs as stored, with cotangents if gradients can be checked in this precision."""
        arrays: dict[str, Any] = {f.name: getattr(self.stored, f.name) for f in fields(InputArrays)}
        cotangents = self._defined_cotangents
        return InputArrays(**arrays) if cotangents is None else BackwardInputArrays(**arrays, cotangents=cotangents)

    @property
    def _defined_cotangents(self) -> Mapping[str, Float64] | None:
        if self.gradients is None or self.dtype not in self.gradients.precisions:
            return None
        return self.gradients.cotangents

    def _no_cotangents(self) -> str:
        if self.gradients is None:
            return super()._no_cotangents()
        checkable = ", ".join(self.gradients.precisions)
        return f"{self.id} has no cotangents in {self.dtype}: its gradients can be checked in {checkable} only"

    def for_implementation(self) -> InputsData:
        """Return the inputs, without expected values."""
        return InputsData(**self.input_fields())

    def __repr__(self) -> str:
        name, array = next(iter(self.stored.expected.items()))
        return f"{super().__repr__()[:-1]}, {name} {array.shape}>"

    def expected_arrays(self) -> dict[str, list[NDArray[Any]]]:
        """Return the expected arrays by name: each stored array and, if it was computed, its cast array."""
        cast = vars(self).get("expected", {})
        found = {name: [array, *([cast[name]] if cast else [])] for name, array in self.stored.expected.items()}
        gradients = {} if self.gradients is None else self.gradients.expected
        found |= {f"gradient of {name}": [array] for name, array in gradients.items()}
        states = [vars(self).get("expected_states", {}), self.stored_states.values if self.stored_states else {}]
        names = dict.fromkeys(name for arrays in states for name in arrays)
        return found | {f"{name} after every step": [of[name] for of in states if name in of] for name in names}


def html_table(heading: str, rows: Iterable[Sequence[object]], columns: Sequence[str] = ()) -> str:
    """Return a table of facts in escaped HTML, for notebooks, with a heading.

    The first entry of a row is its title; ``columns`` are the column titles.
    """
    from html import escape

    left = ' style="text-align: left"'
    parts = [f"<table><caption{left}><b>{escape(heading)}</b></caption>"]
    if columns:
        parts.append(f"<tr>{''.join(f'<th{left}>{escape(column)}</th>' for column in columns)}</tr>")
    for title, *values in rows:
        fields = "".join(f"<td{left}>{escape(str(value))}</td>" for value in values)
        parts.append(f"<tr><th{left}>{escape(str(title))}</th>{fields}</tr>")
    return "".join([*parts, "</table>"])
