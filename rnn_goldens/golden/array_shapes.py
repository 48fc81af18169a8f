"""The shapes of all arrays of a golden, of a network or of a recurrence."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rnn_goldens.golden.recurrences import RecurrenceConfig, RecurrenceLayout
from rnn_goldens.golden.shapes import (
    Config,
    Layout,
    Shape,
    cotangent_of,
    initial_shapes,
    output_shapes,
    weight_shapes,
)


@dataclass(frozen=True)
class ArrayShapes:
    """The shapes of the arrays of a golden, by name.

    Attributes:
        inputs: the inputs at all time steps.
        initial: the initial states.
        weights: the weights.
        outputs: the outputs and the last states.
    """

    inputs: Mapping[str, Shape]
    initial: Mapping[str, Shape]
    weights: Mapping[str, Shape]
    outputs: Mapping[str, Shape]

    @property
    def every(self) -> dict[str, Shape]:
        """The shapes of all arrays."""
        return {**self.inputs, **self.initial, **self.weights, **self.outputs}

    @property
    def cotangents(self) -> dict[str, Shape]:
        """The shapes of the cotangents: those of their outputs."""
        return {cotangent_of(name): shape for name, shape in self.outputs.items()}

    def gradients(self, *, state: bool) -> dict[str, Shape]:
        """Return the shapes of the gradients: of inputs, of the initial states if ``state``, and of weights."""
        return {**self.inputs, **(self.initial if state else {}), **self.weights}


def array_shapes(
    layout: Layout,
    config: Config | RecurrenceConfig,
    inputs: Mapping[str, Any],
    offsets: Any = None,  # noqa: ANN401
) -> ArrayShapes:
    """Return the shapes of the arrays of a golden.

    Args:
        layout: the layout of its cell.
        config: its configuration.
        inputs: its input arrays.
        offsets: an array, for packed sequences; None without packing.
    """
    if isinstance(config, RecurrenceConfig):
        assert isinstance(layout, RecurrenceLayout)
        batch, time = next(iter(inputs.values())).shape[:2]
        sequences = batch if offsets is None else len(offsets) - 1
        return ArrayShapes(
            config.input_shapes(batch, time),
            config.initial_shapes(sequences),
            config.weights,
            config.output_shapes(batch, time, sequences),
        )
    x = inputs["x"].shape
    return ArrayShapes(
        {"x": (*x[:-1], config.input_size)},
        initial_shapes(layout, config, x[:-2]),
        weight_shapes(layout, config),
        output_shapes(layout, config, x),
    )
