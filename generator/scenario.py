"""What a scenario is: a question to a recurrent network, declared in code, and why it is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnn_goldens.cells import DEFINED, Case, Cell
from rnn_goldens.cells.own import own_cell, require_fits, require_written
from rnn_goldens.conventions import convention
from rnn_goldens.encoding.semantics import question_problems
from rnn_goldens.errors import RnnGoldensError, Unsupported, WrongUse
from rnn_goldens.generator import from_keras, scenario_fields
from rnn_goldens.generator.cotangents import cotangent_problems
from rnn_goldens.generator.given_weights import config_of, named_weights
from rnn_goldens.generator.scenario_fields import (
    declared_of,
    precisions_of,
    require_gradient_purpose,
    require_id,
    require_names,
    require_words,
)
from rnn_goldens.golden.precision import PRECISIONS, Precision, WhereHeld
from rnn_goldens.golden.shapes import CELLS, Config, is_own_cell, state_shape
from rnn_goldens.judging.outputs import NotNumbers, read

if TYPE_CHECKING:
    import keras
    import torch

SMALLEST = 2.0**-14
"""float16's smallest normal number: what is smaller some implementations take for zero."""


LARGEST_LENGTH = 2.0**53
"""From here on float64 does not tell whole numbers apart."""


class Refused(RnnGoldensError):
    """A scenario that can not become a golden; the message says which and why."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenario:
    """A question to a recurrent network. Arrays are array-likes of any library; shapes are batch-first.

    Attributes:
        id: ``folder/name``, of small letters, digits and dashes; it names this question for ever.
        purpose: what it is there to show or to expose: a sentence.
        cell: ``rnn_tanh``, ``rnn_relu``, ``lstm`` or ``gru``, with PyTorch's equations; or one of your own,
            ``package.module:function``: a function in the notation of ``rnn_goldens.cells.notation``.
        weights: by name, in a convention; or a ``.npz`` or ``.safetensors`` file of them; or a layer of Keras, or
            several that are one network, with the convention ``keras``.
        x: the input, (batch, time, input), or (time, input) if unbatched.
        config: the arguments ``nn.RNN`` would take, also as a mapping; if None it follows from weights with PyTorch's
            names, and from layers of Keras.
        convention: how the weights are named and shaped: ``torch``, ``textbook``, ``keras``, ``onnx`` or ``flax``;
            they are stored as ``torch``.
        prefix: what the names of the weights begin with, such as ``"encoder.rnn."``, or ``"params/cell/"`` of nested
            ones; others are left out.
        h0: the initial state, (layers·directions, batch, hidden); zeros if None.
        c0: likewise, for an LSTM; where one is given, the other is.
        lengths: time steps of each sequence, (batch,).
        d_out: a cotangent of out, shaped as out: with one, or more, the golden has certified gradients of
            Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n too. Numbers of each of the precisions.
        d_h_n: likewise of the last hidden state.
        d_c_n: likewise of the last cell state, of a cell that has one.
        gradient_purpose: what these cotangents are there to show or to expose: a sentence.
        precisions: those it is asked in; weights, inputs and states have to be numbers of each of them. Any float32
            numbers will do for ``["float64", "float32"]``. One that is named and can not be held to a tolerance is
            refused; of the default, all four, it falls out.
        declared: features that do not follow from the configuration: ``long``, ``degenerate``, ``saturated``,
            ``chaotic``. Of the last two it is found out which are so if None, and held to be so otherwise.
        title: a few words; the name, if there are none.
        documented_in: where the scenario comes from.
    """

    id: str
    purpose: str
    cell: str
    weights: "Mapping[str, Any] | str | PathLike[str] | keras.Layer | Sequence[keras.Layer]"
    x: ArrayLike
    config: Config | Mapping[str, Any] | None = None
    convention: str = "torch"
    prefix: str = ""
    h0: ArrayLike | None = None
    c0: ArrayLike | None = None
    lengths: ArrayLike | None = None
    d_out: ArrayLike | None = None
    d_h_n: ArrayLike | None = None
    d_c_n: ArrayLike | None = None
    gradient_purpose: str = ""
    precisions: Sequence[str] = WhereHeld(PRECISIONS)
    declared: tuple[str, ...] | None = None
    title: str = ""
    documented_in: str = "its scenario"

    def __post_init__(self) -> None:
        require_id(self.id)
        require_words(self.id, "purpose", self.purpose, "a sentence: what this is there to show")
        require_words(self.id, "documented_in", self.documented_in, "where the scenario comes from, in words")
        require_names(self.id, self.cell, self.convention, self.prefix)
        require_gradient_purpose(self.id, self.gradient_purpose, self.given_cotangents)
        object.__setattr__(self, "precisions", precisions_of(self.id, self.precisions))
        object.__setattr__(self, "declared", declared_of(self.id, self.declared))
        if self.title == "":
            object.__setattr__(self, "title", self.id.rpartition("/")[2].replace("-", " "))
        require_words(self.id, "title", self.title, "a few words; the name, if there are none")

    @classmethod
    def from_torch(
        cls,
        module: "torch.nn.RNNBase",
        x: ArrayLike,
        state: Any = None,  # noqa: ANN401 - a tensor, or a pair of them
        *,
        id: str,  # noqa: A002 - as of the class
        purpose: str,
        lengths: ArrayLike | None = None,
        **fields: Any,  # noqa: ANN401 - the others
    ) -> "Scenario":
        """What a layer of torch's is asked: its weights and configuration, and inputs as it takes them.

        Args:
            module: an ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``.
            x: its input: (time, batch, input) if it is not ``batch_first``.
            state: its second argument: ``h0``, or ``(h0, c0)`` of an LSTM.
            id: as of the class, as are the others. Without ``precisions`` float64 and the module's own are
                asked, where they can be held to a tolerance.
            purpose: likewise.
            lengths: likewise.
            **fields: likewise.

        Raises:
            Refused: it is another module, or does what no golden asks: a projection, or dropout in training; or a
                field says something else than the module.
        """
        from rnn_goldens.generator.from_torch import fields_of, require_of_module

        try:
            found = fields_of(module, x, state)
            require_of_module(found, fields)
        except WrongUse as error:
            raise Refused(f"{id}: {error}") from None
        return cls(id=id, purpose=purpose, lengths=lengths, **{**found, **fields})

    @cached_property
    def shape(self) -> Config:
        """The configuration, given or read off the weights. Raises Refused if it can be neither."""
        try:
            if self.config is not None:
                return scenario_fields.config_of(self.config)
            if from_keras.is_of_keras(self.weights) and self.convention == "keras":
                return from_keras.config_of(self.weights)
            if self.convention != "torch" and not from_keras.is_of_keras(self.weights):
                raise WrongUse(f"weights as {self.convention} has them do not say what network they are of: say config")
            return scenario_fields.config_of(config_of(self._named, self.prefix))
        except RnnGoldensError as error:
            raise Refused(f"{self.id}: {error}") from None

    @cached_property
    def defined(self) -> Cell:
        """The cell that is named. Raises Refused if there is none, or its equations are not right."""
        if self.cell in DEFINED:
            return DEFINED[self.cell]
        module, colon, _ = self.cell.partition(":")
        if colon and not all(part.isidentifier() for part in module.split(".")):
            raise Refused(
                f"{self.id}: cell {self.cell!r}: {module!r} is no module's name, which is of letters, digits and _: "
                "rename the file"
            )
        if not is_own_cell(self.cell):
            raise Refused(
                f"{self.id}: no cell {self.cell!r}. Cells: {', '.join(CELLS)}; or your own, package.module:function"
            )
        try:
            cell = own_cell(self.cell)
            require_written(cell, biased=self.shape.bias)
            require_fits(cell, self.shape)
        except WrongUse as error:
            raise Refused(f"{self.id}: {error}") from None
        return cell

    @cached_property
    def torch_weights(self) -> dict[str, NDArray[np.float64]]:
        """The weights under PyTorch's names, in C order. Raises Refused if one is wrong, or not exact."""
        layout = self.defined.layout
        try:
            weights = convention(self.convention).to_torch(self.cell, self.shape, self._named, layout)
        except (Unsupported, RnnGoldensError) as error:
            raise Refused(f"{self.id}: {str(error).removeprefix(f'{self.id}: ')}") from None
        return {name: self._exact(name, array) for name, array in weights.items()}

    @cached_property
    def inputs(self) -> dict[str, NDArray[Any]]:
        """x, h0, c0 and lengths, those that are given. Raises Refused if one is of another shape, or not exact."""
        if self.x is None:
            raise Refused(f"{self.id}: x is None; it is the input, (batch, time, input)")
        given = {"x": self.x, "h0": self.h0, "c0": self.c0}
        arrays: dict[str, NDArray[Any]] = {
            name: self._exact(name, self._read(name, value)) for name, value in given.items() if value is not None
        }
        if self.lengths is not None:
            lengths = self._read("lengths", self.lengths)
            if (odd := lengths[~(np.abs(lengths) < LARGEST_LENGTH) | (lengths != np.rint(lengths))]).size:
                raise Refused(f"{self.id}: lengths holds {odd[0]}, no whole number of time steps")
            arrays["lengths"] = lengths.astype(np.int64)
        if found := question_problems(self.defined.layout, self.shape, self.torch_weights, arrays):
            raise Refused(f"{self.id}: {'; '.join(found)}")
        return arrays

    @property
    def given_cotangents(self) -> dict[str, ArrayLike]:
        """By name, those that are given."""
        named = {"d_out": self.d_out, "d_h_n": self.d_h_n, "d_c_n": self.d_c_n}
        return {name: value for name, value in named.items() if value is not None}

    @cached_property
    def cotangents(self) -> dict[str, NDArray[np.float64]]:
        """The same as arrays. Raises Refused if one has another shape, is not exact, or all of them are zero."""
        read = {name: self._exact(name, self._read(name, value)) for name, value in self.given_cotangents.items()}
        if found := cotangent_problems(self.defined.layout, self.shape, self.inputs["x"].shape, read):
            raise Refused(f"{self.id}: {'; '.join(found)}")
        return read

    def in_arrays(self) -> "Scenario":
        """The same question in NumPy's arrays, under PyTorch's names: what any process can be sent. Raises Refused."""
        given: Mapping[str, ArrayLike] = {**self.inputs, **self.cotangents}
        return replace(
            self,
            weights=self.torch_weights,
            convention="torch",
            prefix="",
            config=self.shape,
            x=given["x"],
            h0=given.get("h0"),
            c0=given.get("c0"),
            lengths=given.get("lengths"),
            d_out=given.get("d_out"),
            d_h_n=given.get("d_h_n"),
            d_c_n=given.get("d_c_n"),
        )

    def case(self, cell: Cell | None = None) -> Case:
        """The question, in float64, to the cell that is named or to another one.

        Raises:
            Refused: a number is not exact in each precision that is asked, or something has another shape.
        """
        weights, inputs, cell = self.torch_weights, self.inputs, cell or self.defined
        zeros = np.zeros(state_shape(self.shape, inputs["x"].shape[:-2]))
        state = tuple(inputs.get(f"{name}0", zeros) for name in cell.states)
        return Case(cell, self.shape, weights, inputs["x"], state, inputs.get("lengths"), "h0" in inputs)

    @cached_property
    def _named(self) -> Mapping[str, Any]:
        if from_keras.is_of_keras(self.weights):
            if self.convention != "keras":
                raise WrongUse(
                    f"the weights are layers of Keras, not as {self.convention} has them: say convention='keras'"
                )
            from_keras.require_of_cell(self.weights, self.cell)
        return named_weights(self.weights, self.prefix)

    def _read(self, name: str, value: object) -> NDArray[np.float64]:
        try:
            return read(value).values
        except NotNumbers as reason:
            raise Refused(f"{self.id}: {name} {reason}") from None

    def _exact(self, name: str, array: NDArray[np.float64]) -> NDArray[np.float64]:
        """One golden serves several precisions, so what goes in has to be a number in each of them."""
        if not np.isfinite(array).all():
            raise Refused(f"{self.id}: {name} holds NaN or infinity")
        held = {name: not _unfit(array, precision).any() for name, precision in PRECISIONS.items()}
        for asked in self.precisions:
            if not held[asked]:
                raise Refused(f"{self.id}: {name} holds {_why(array, PRECISIONS[asked])}{_remedy(held)}")
        return np.ascontiguousarray(array)


def _unfit(array: NDArray[np.float64], precision: Precision) -> NDArray[np.bool_]:
    """Which numbers are not of a precision, or so small in float16 that some implementations take them for zero."""
    small = (array != 0) & (np.abs(array) < SMALLEST) if precision.name == "float16" else np.zeros(1, bool)
    with np.errstate(over="ignore"):
        return np.asarray(small | (precision.round(array) != array))


def _why(array: NDArray[np.float64], precision: Precision) -> str:
    unfit = _unfit(array, precision)
    first, others = array[unfit][0], int(unfit.sum()) - 1
    more = f" (and {others} more such)" if others else ""
    if precision.name == "float16" and abs(first) < SMALLEST:
        return f"{first}{more}, which is below float16's normal numbers"
    return f"{first}{more}, which is no {precision.name} number"


def _remedy(held: Mapping[str, bool]) -> str:
    could = [name for name, fits in held.items() if fits]
    return f"; ask only in those that hold all of it: precisions={could}" if could else ""
