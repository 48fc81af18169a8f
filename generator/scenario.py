"""Scenarios: declared inputs for a recurrent network, with a purpose, from which goldens are certified."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rnn_goldens.cells import BUILT_IN_CELLS, Case, Cell
from rnn_goldens.cells.custom_cells import custom_cell, require_fits, require_written
from rnn_goldens.conventions import convention
from rnn_goldens.errors import WrongUse
from rnn_goldens.generator import scenario_fields, weight_sources
from rnn_goldens.generator.correct_algorithms import NetworkForms
from rnn_goldens.generator.scenario_base import DeclaredInputs, GivenArrays
from rnn_goldens.generator.scenario_fields import Refused, refusing, require_names, require_other_names
from rnn_goldens.golden.built_in_cells import CELLS
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.shapes import Config, Layout, is_custom_cell

if TYPE_CHECKING:
    import keras
    import torch


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenario(DeclaredInputs):
    """Declared inputs of a recurrent network. Arrays are array-likes of any library; shapes are batch-first.

    Attributes:
        id: permanent identifier: ``folder/name`` in lower-case letters, digits and dashes.
        purpose: a sentence: what the scenario shows or detects.
        cell: ``rnn_tanh``, ``rnn_relu``, ``lstm`` or ``gru`` (PyTorch's equations); a dialect; or a custom cell,
            ``package.module:function``: a function in the notation of ``rnn_goldens.cells.notation``.
        weights: arrays by name; or a ``.npz`` or ``.safetensors`` file of them; or one or more layers of Keras that
            form one network, with the convention ``keras``.
        x: the input, (batch, time, input), or (time, input) if unbatched.
        config: the arguments of ``nn.RNN``, as a Config or a mapping. If None, it is inferred from weights with
            PyTorch's names or from layers of Keras.
        convention: how the weights are named and shaped: ``torch``, ``textbook``, ``keras``, ``onnx`` or ``flax``. They
            are stored as ``torch``.
        prefix: the beginning of the names of the weights, such as ``"encoder.rnn."``, or ``"params/cell/"`` for nested
            mappings; other weights are ignored.
        h0: the initial state, (layers·directions, batch, hidden); zeros if None.
        c0: the initial cell state of an LSTM; requires h0, and h0 requires it.
        states: the initial values of further states of a custom cell, by name: ``{"n0": …, "m0": …}``. One initial
            state requires all of them.
        lengths: the number of time steps of each sequence, (batch,).
        d_out: the cotangent of out, shaped as out. With at least one cotangent, the golden also has certified gradients
            of Σ d_out·out + Σ d_h_n·h_n + Σ d_c_n·c_n. Must be exact in each of the precisions.
        d_h_n: the cotangent of the last hidden state.
        d_c_n: the cotangent of the last cell state, for a cell that has one.
        d_states: the cotangents of further last states of a custom cell, by name: ``{"d_n_n": …}``.
        gradient_purpose: a sentence: what the cotangents show or detect.
        precisions: the precisions of the golden. Weights, inputs and states must be exact in each of them: any float32
            numbers for ``["float64", "float32"]``. A listed precision whose tolerance cannot be bounded is an error; in
            the default, all four, it is dropped.
        declared: features that do not follow from the configuration: ``long``, ``degenerate``, ``saturated``,
            ``chaotic``. If None, the last two are added where they apply; otherwise declared features must apply.
        title: a short title; the name if empty.
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
    states: Mapping[str, ArrayLike] = field(default_factory=dict)
    lengths: ArrayLike | None = None
    d_out: ArrayLike | None = None
    d_h_n: ArrayLike | None = None
    d_c_n: ArrayLike | None = None
    d_states: Mapping[str, ArrayLike] = field(default_factory=dict)
    gradient_purpose: str = ""
    precisions: Sequence[str] = SupportedOnly(PRECISIONS)
    declared: tuple[str, ...] | None = None
    title: str = ""
    documented_in: str = "its scenario"

    expected_cell = f"{', '.join(CELLS)} or package.module:function"
    by_name = ("states", "d_states")
    cotangent_fields = "d_out, d_h_n or d_c_n"

    def __post_init__(self) -> None:
        super().__post_init__()
        require_names(self.id, self.convention, self.prefix)
        require_other_names(self.id, self.states, ("x", "h0", "c0", "lengths"))
        require_other_names(self.id, self.d_states, ("d_out", "d_h_n", "d_c_n"))

    @classmethod
    def from_torch(
        cls,
        module: "torch.nn.RNNBase",
        x: ArrayLike,
        state: Any = None,  # noqa: ANN401 - a tensor, or a pair of them
        *,
        id: str,  # noqa: A002 - field of the class
        purpose: str,
        lengths: ArrayLike | None = None,
        **fields: Any,  # noqa: ANN401 - other fields
    ) -> "Scenario":
        """Create a scenario from a layer of torch: its weights and configuration, and inputs as for a call.

        Args:
            module: an ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU``.
            x: its input: (time, batch, input) if it is not ``batch_first``.
            state: its second argument: ``h0``, or ``(h0, c0)`` for an LSTM.
            id: the id, as for the class.
            purpose: the purpose, as for the class.
            lengths: the lengths, as for the class.
            **fields: other fields of the class. The default of ``precisions`` is float64 and the module's precision,
                where their tolerances can be bounded.

        Raises:
            Refused: the module is of another class, uses dropout in training mode, or contradicts a field.
        """
        from rnn_goldens.generator.from_torch import fields_of

        with refusing(id):
            all_fields = fields_of(module, x, state, fields)
        return cls(id=id, purpose=purpose, lengths=lengths, **all_fields)

    @property
    def given(self) -> GivenArrays:
        """The arrays as given, without weights."""
        cotangents = {"d_out": self.d_out, "d_h_n": self.d_h_n, "d_c_n": self.d_c_n, **self.d_states}
        return GivenArrays(
            inputs=_without_none({"x": self.x}),
            states=_without_none({"h0": self.h0, "c0": self.c0, **self.states}),
            cotangents=_without_none(cotangents),
            lengths=self.lengths,
        )

    @cached_property
    def shape(self) -> Config:
        """The configuration, given or inferred from the weights. Raises Refused if it cannot be inferred."""
        with refusing(self.id):
            if self.config is not None:
                return scenario_fields.config_of(self.config)
            if weight_sources.is_of_keras(self.weights) and self.convention == "keras":
                return weight_sources.config_of_layers(self.weights)
            if self.convention != "torch" and not weight_sources.is_of_keras(self.weights):
                raise WrongUse(f"the configuration cannot be inferred from weights of {self.convention}: set config")
            return scenario_fields.config_of(weight_sources.config_of(self._named, self.prefix))

    @cached_property
    def defined(self) -> Cell:
        """The cell. Raises Refused if it does not exist, or its equations are not valid."""
        if self.cell in BUILT_IN_CELLS:
            return BUILT_IN_CELLS[self.cell]
        module, colon, _ = self.cell.partition(":")
        if colon and not all(part.isidentifier() for part in module.split(".")):
            raise Refused(
                f"{self.id}: cell {self.cell!r}: {module!r} is not a valid name of a module (letters, digits and _): "
                "rename the file"
            )
        if not is_custom_cell(self.cell):
            raise Refused(
                f"{self.id}: no cell {self.cell!r}. Cells: {', '.join(CELLS)}; or package.module:function for your own"
            )
        with refusing(self.id):
            cell = custom_cell(self.cell)
            require_written(cell, biased=self.shape.bias)
            require_fits(cell, self.shape)
        return cell

    @property
    def layout(self) -> Layout:
        """The layout of the cell. Raises Refused as ``defined`` does."""
        return self.defined.layout

    def named_weights(self) -> Mapping[str, NDArray[np.float64]]:
        """Return the weights under PyTorch's names. Raises Refused if one is invalid."""
        with refusing(self.id):
            for problem in self.shape.problems(self.layout):
                raise WrongUse(f"config: {problem}")
            return convention(self.convention).to_torch(self.cell, self.shape, self._named, self.layout)

    def in_arrays(self) -> Self:
        """Return the scenario with NumPy arrays under PyTorch's names. Raises Refused as ``stored`` does."""
        arrays: dict[str, Any] = self.arrays
        names = ("x", "h0", "c0", "lengths", "d_out", "d_h_n", "d_c_n")
        given: dict[str, Any] = {name: arrays.get(name) for name in names}
        return replace(
            self,
            weights=self.stored.weights,
            convention="torch",
            prefix="",
            config=self.shape,
            states={name: arrays[name] for name in self.states},
            d_states={name: arrays[name] for name in self.d_states},
            **given,
        )

    def case(self) -> Case:
        """Return the inputs in float64. Raises Refused as ``stored`` does."""
        stored, states = self.stored, tuple(self.initial_states.values())
        return Case(self.defined, self.shape, stored.weights, stored.x, states, stored.lengths, bool(stored.states))

    def forms(self) -> NetworkForms:
        """Return the correct algorithms as graphs. Raises Refused as ``stored`` does."""
        return NetworkForms(self.case(), self.stored.cotangents)

    @cached_property
    def _named(self) -> Mapping[str, Any]:
        if weight_sources.is_of_keras(self.weights):
            if self.convention != "keras":
                raise WrongUse(
                    f"the weights are layers of Keras, not of the convention {self.convention}: set convention='keras'"
                )
            weight_sources.require_of_cell(self.weights, self.cell)
        return weight_sources.named_weights(self.weights, self.prefix)


def _without_none(arrays: Mapping[str, ArrayLike | None]) -> dict[str, ArrayLike]:
    return {name: array for name, array in arrays.items() if array is not None}


__all__ = ["Refused", "Scenario"]
