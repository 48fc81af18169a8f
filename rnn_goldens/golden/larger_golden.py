"""Embeds a golden in larger sizes: its numbers are scattered into larger arrays, and its values and tolerances stay.

A sum with zeros rounds no further, so a golden with 2 keys checks a kernel that takes 128. Added units, inputs and keys
have zero weights and inputs. What does not mix with others is copied, so that every place is checked: an added row,
packed sequence, head, value or channel has the numbers of one of the golden's. The cotangents of copies are zero.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from math import isqrt, log
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.errors import UnknownName, Unsupported, WrongUse
from rnn_goldens.golden.data import GoldenData
from rnn_goldens.golden.embedding import (
    NOT_A_SIZE,
    Axis,
    Embedding,
    axes_of_heads,
    axis_in_groups,
    grown_axis,
    is_copied,
    of_cell,
    parts_of,
)
from rnn_goldens.golden.expected import Gradients, output_of
from rnn_goldens.golden.precision import PRECISIONS, whole_number
from rnn_goldens.golden.recurrence_config import AnyConfig, RecurrenceConfig
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.golden.rounding_profile import IEEE, Profile
from rnn_goldens.golden.shapes import BATCH, SEQUENCE, SEQUENCES, TIME, Blocks, is_custom_cell
from rnn_goldens.golden.stored_arrays import Float64, GoldenArrays, sequence_slices
from rnn_goldens.golden.tolerance import with_arrays

EXACT = {"rnn_relu", "rnn_leaky_relu", "rnn_thresholded_relu", "rnn_softsign", *RECURRENCES} - {"slstm"}
"""Cells whose added units are exactly 0: only products with 0."""

SIZES_OF_UNITS = ("hidden_size", "proj_size", "d")

EXPECTED, ACCUMULATION = "expected", "accumulation"
"""Kinds of arrays: expected values, and coefficients of a tolerance."""

ANY_VALUE = 1e300
"""A coefficient of a tolerance that any finite number meets."""

ROUNDOFFS = 10.0
"""The largest error of any other added unit, in roundoffs of the accumulation: a fast tanh need not give 0 for 0."""


class Added(NamedTuple):
    """The output of an added unit, and the coefficient of its error by storing intermediate results."""

    value: float = 0.0
    storage: float = 0.0


ADDED = {
    "rnn_sigmoid": Added(0.5, 1.25),
    "rnn_hard_sigmoid": Added(0.5, 0.5),
    "rnn_affine": Added(0.25, 0.25),
    "rnn_softplus": Added(log(2), 2.5),
    "rnn_elu": Added(0.0, 0.75),
    "lstm_activations": Added(0.0, 0.75),
}
"""The cells whose activations of 0 are stored with a rounding error, or are not 0."""

T = TypeVar("T", bound=GoldenData)


def embed(golden: T, sizes: Mapping[str, int]) -> T:
    """Return a golden in larger sizes, with the same id; the golden itself without sizes.

    Raises:
        UnknownName: the golden has no such size; ``sizes_of`` has those that can grow.
        WrongUse: a size is not a positive integer, or the golden is embedded already.
        Unsupported: a size is smaller than the golden's, nothing is known about zeros in a custom cell, or the profile
            of a network is for its own size only.
    """
    if not sizes:
        return golden
    if golden.embedding is not None:
        raise WrongUse(f"{golden.id} is embedded in {golden.embedding} already")
    if golden.config.derives_profiles:
        require_own_size(golden.profile, is_embedded=True)
    if is_custom_cell(golden.cell):
        raise Unsupported(f"{golden.cell} is a custom cell or recurrence: what it returns for zeros is unknown")
    checked = _checked(golden, sizes)
    axes = _grown_axes(golden, checked)
    config, factor = _config(golden, axes)
    larger, embedding = _Larger(golden, axes, factor), Embedding(golden, checked, axes, factor)
    return replace(
        golden,
        config=config,
        stored=larger.arrays(),
        tolerance=with_arrays(golden.tolerance, larger.of_outputs),
        gradients=None if golden.gradients is None else larger.gradients(golden.gradients),
        stored_states=None,
        embedding=embedding,
    )


def require_own_size(profile: Profile, *, is_embedded: bool) -> None:
    """Raise Unsupported for an embedded network under a profile whose tolerances are derived for the own size."""
    if is_embedded and profile.arithmetic != IEEE:
        raise Unsupported(f"the profile {profile.arithmetic} is derived for a golden's own size: it cannot be embedded")


def original(golden: GoldenData) -> GoldenData:
    """Return the golden before it was embedded; the golden itself if it was not."""
    if golden.embedding is None:
        return golden
    before: GoldenData = golden.embedding.original
    return replace(before, dtype=golden.dtype, outputs=golden.outputs, profile=golden.profile)


def gathered(golden: GoldenData, arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """Return a golden's own elements of outputs or gradients by name; an array of another shape as it is."""
    if golden.embedding is None:
        return dict(arrays)
    found, shapes = dict(arrays), golden.shapes.every
    for name, array in arrays.items():
        if array.shape == shapes.get(name):
            for number, (blocks, size) in enumerate(_axes(golden, name)):
                if size in golden.embedding.axes:
                    found[name] = found[name].take(golden.embedding.axes[size].own_in(blocks), number)
            if name == "q":  # a gradient: outputs have other names
                found[name] = found[name] * golden.embedding.factor
    return found


def sizes_of(golden: GoldenData) -> dict[str, int]:
    """Return the sizes that can grow, by name: of the configuration, and ``batch``, or ``sequences`` if packed."""
    sequences = {_of_sequences(golden): golden.sequences} if golden.batch_shape else {}
    sizes = {**golden.config, **sequences}
    return {name: sizes[name] for name in golden.layout.growing if name in sizes}


def _of_sequences(golden: GoldenData) -> str:
    return BATCH if golden.offsets is None else SEQUENCES


def having(golden: GoldenData, sizes: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Return those of some sizes that a golden has: ``batch``, or ``sequences`` of a golden that is packed.

    ``batch`` without ``sequences`` is returned for packed sequences, too, so that they are refused.
    """
    found = dict(of_cell(golden.cell, sizes))
    if golden.offsets is None:
        found.pop(SEQUENCES, None)
    elif SEQUENCES in found:
        found.pop(BATCH, None)
    return found


def _checked(golden: GoldenData, sizes: Mapping[str, int]) -> dict[str, int]:
    before, checked = sizes_of(golden), dict[str, int]()
    for name, size in sizes.items():
        if name == BATCH and name not in before:
            what = "an unbatched golden" if golden.offsets is None else "a golden of packed sequences"
            raise Unsupported(f"{what} has no batch that could grow")
        if name not in before:
            raise UnknownName(f"size of {golden.id}", name, before, plural=f"Sizes of {golden.id} that can grow")
        if (whole := whole_number(size)) is None:
            raise WrongUse(f"{name} is {size!r}, but must be an integer")
        if whole < 1:
            raise WrongUse(f"{name}={whole} {NOT_A_SIZE}")
        if whole < before[name]:
            raise Unsupported(f"{name}={whole} is smaller than the golden's")
        checked[name] = whole
    return checked


def _grown_axes(golden: GoldenData, sizes: Mapping[str, int]) -> dict[str, Axis]:
    """Return each axis that grows, by the name of its size; query and key heads of heads, and steps of sequences."""
    before, axes = sizes_of(golden), dict[str, Axis]()
    for name, size in sizes.items():
        if name in ("d", "heads") and "groups" in golden.config:
            axes[name] = axis_in_groups(golden.id, golden.cell, name, golden.config, size)
        elif name == "heads":
            axes |= axes_of_heads(golden.id, golden.cell, golden.config, size)
        else:
            axes[name] = grown_axis(golden.id, golden.cell, name, before[name], size)
    if SEQUENCES in axes and golden.offsets is not None:
        steps = [np.arange(golden.time)[steps] for steps in sequence_slices(golden.offsets)]
        axes[TIME] = parts_of(axes[SEQUENCES], steps)
    return axes


def _config(golden: GoldenData, axes: Mapping[str, Axis]) -> tuple[AnyConfig, float]:
    """Return the larger configuration, and the factor of q with which an attention keeps its default scale.

    The default scale is 1/√d_k. Where √(larger d_k / d_k) is a power of two, q is multiplied by it, without rounding;
    else the configuration has the scale of the golden.
    """
    of_inputs = (BATCH, SEQUENCES, TIME)
    sizes: dict[str, Any] = {name: len(axis.source) for name, axis in axes.items() if name not in of_inputs}
    config = golden.config.grown(sizes)
    if not isinstance(config, RecurrenceConfig) or "d_k" not in config or config.option("scale") is not None:
        return config, 1.0
    before, after = golden.config["d_k"], config["d_k"]
    root = isqrt(after // before)
    q = golden.stored.inputs["q"] * root
    is_normed = "A_log" in golden.stored.weights  # queries of length one, whatever they are multiplied by
    is_exact = not is_normed and all(PRECISIONS[name].holds(q) for name in golden.precisions)
    if root**2 * before == after and root.bit_count() == 1 and is_exact:
        return config, float(root)
    return config.grown({"scale": before**-0.5}), 1.0


def _axes(golden: GoldenData, name: str) -> list[Blocks]:
    """Return, for each axis of an array, its number of blocks and the name of their size."""
    return [(blocks, _of_sequences(golden) if size == SEQUENCE else size) for blocks, size in golden.blocks(name)]


@dataclass(frozen=True, eq=False)
class _Larger:
    """The arrays of a golden in larger sizes."""

    golden: GoldenData
    axes: Mapping[str, Axis]  # the axes that grow
    factor: float  # what q is multiplied by

    @property
    def _is_exact(self) -> bool:
        """Whether added units are exactly 0."""
        return self.golden.cell in EXACT

    def scattered(
        self, name: str, array: NDArray[Any], fill: float = 0.0, *, of_columns: float | None = None, copies: bool = True
    ) -> NDArray[Any]:
        """Return an array in the larger shape, with ``fill`` in added elements.

        ``of_columns`` is in added columns of weights, where the rows are not added; ``fill`` if None. Without
        ``copies``, what does not mix is 0.
        """
        axes = list(enumerate(_axes(self.golden, name)))
        for number, (blocks, size) in reversed(axes):
            if size not in self.axes:
                continue
            axis = self.axes[size]
            places = axis.blocks(blocks)
            array = array.take(places, number)
            is_column = number == len(axes) - 1 > 0
            _put(array, number, places < 0, of_columns if is_column and of_columns is not None else fill)
            if not copies and is_copied(self.golden.cell, size):
                _put(array, number, ~np.isin(np.arange(len(places)), axis.own), 0.0)
        return array

    def arrays(self) -> GoldenArrays:
        """Return the stored arrays."""
        stored = self.golden.stored
        inputs = {name: self.scattered(name, array) for name, array in stored.inputs.items()}
        if self.factor != 1:
            inputs["q"] *= self.factor
        return GoldenArrays(
            weights={name: self.scattered(name, array) for name, array in stored.weights.items()},
            inputs=inputs,
            states={name: self.scattered(name, array) for name, array in stored.states.items()},
            lengths=self._lengths,
            offsets=self._offsets,
            expected={name: self.of_outputs(EXPECTED, name, array) for name, array in stored.expected.items()},
        )

    @property
    def _lengths(self) -> NDArray[np.int64] | None:
        lengths = self.golden.lengths
        return lengths if lengths is None or BATCH not in self.axes else lengths[self.axes[BATCH].source]

    @property
    def _offsets(self) -> NDArray[np.int64] | None:
        offsets = self.golden.offsets
        if offsets is None or SEQUENCES not in self.axes:
            return offsets
        return np.concatenate([[0], np.cumsum(np.diff(offsets)[self.axes[SEQUENCES].source])])

    def of_outputs(self, kind: str, name: str, array: Float64) -> Float64:
        """Return expected outputs, or a kind of coefficients of their tolerance. Outputs beyond the lengths are 0."""
        added = ADDED.get(self.golden.cell, Added())
        fill = added.value if kind == EXPECTED else added.storage
        if kind == ACCUMULATION:
            fill = 0.0 if self._is_exact else ROUNDOFFS
        larger = self.scattered(name, array, fill)
        if fill and self._lengths is not None and name == self.golden.layout.result:
            larger = np.where((np.arange(larger.shape[1]) < self._lengths[:, None])[..., None], larger, 0.0)
        return larger

    def of_gradients(self, kind: str, name: str, array: Float64) -> Float64:
        """Return expected gradients, or a kind of coefficients of their tolerance.

        A weight of an added unit's output has a gradient that depends on rounding errors: any value is right.
        """
        reads_units = name in self.golden.stored.weights and _axes(self.golden, name)[-1][1] in SIZES_OF_UNITS
        any_value = ANY_VALUE if kind == ACCUMULATION and not self._is_exact and reads_units else None
        larger = self.scattered(name, array, of_columns=any_value, copies=False)
        return larger / self.factor if name == "q" else larger

    def gradients(self, gradients: Gradients) -> Gradients:
        """Return the gradients in the larger sizes; the cotangents of copies are 0."""
        return replace(
            gradients,
            cotangents={
                name: self.scattered(output_of(name), array, copies=False)
                for name, array in gradients.cotangents.items()
            },
            expected={name: self.of_gradients(EXPECTED, name, array) for name, array in gradients.expected.items()},
            tolerance=with_arrays(gradients.tolerance, self.of_gradients),
        )


def _put(array: NDArray[Any], axis: int, where: NDArray[np.bool_], value: float) -> None:
    array[(slice(None),) * axis + (where,)] = value
