"""A golden of a recurrence in the layout of a library's kernels, for arrays in files."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Golden
from rnn_goldens.conventions.kernel_convention import OF_LAYOUT, OFFSETS, KernelConvention
from rnn_goldens.conventions.kernels import KERNELS
from rnn_goldens.errors import UnknownName, Unsupported
from rnn_goldens.export.exported_golden import allowed, expected, inputs
from rnn_goldens.implementations.array_library import NUMPY
from rnn_goldens.implementations.kernel_arrays import KernelArrays

Groups = Mapping[str, Mapping[str, NDArray[Any]]]
"""Arrays by name, by group: weights, inputs, expected, tolerance."""


def simplest_convention(library: str, cell: str) -> KernelConvention:
    """Return the convention of a library's kernels of all time steps, without a pool and with the decay as an array."""
    of_library = [one for one in KERNELS if one.library == library]
    if not of_library:
        raise UnknownName("library", library, sorted({one.library for one in KERNELS}), plural="libraries")
    for one in of_library:
        layout = one.layout
        is_simple = not (layout.is_by_step or layout.slots or layout.decay == "A_log" or layout.window != "past")
        if cell in one.cells and is_simple:
            return one
    raise Unsupported(f"{library} has no kernel of {cell} with all time steps, and without a pool, in the table")


def arrays_in_layout(golden: Golden, library: str) -> Groups:
    """Return the arrays of a golden in the layout of a library, under our names."""
    convention = simplest_convention(library, golden.cell)
    decay = golden.config.get("decay", "head") if "g" in golden.inputs else None
    if lacking := next(convention.refused(f"{golden.cell}_rule", golden.features, decay), None):
        raise Unsupported(f"{library} does not have {lacking}")
    kernel = KernelArrays(convention, golden.for_implementation(), NUMPY, NUMPY.maker(golden.dtype))
    options = golden.recurrence.recurrence.options
    scale = golden.recurrence.option("scale") if "scale" in options else 1.0
    scale = golden.config["d_k"] ** -0.5 if scale is None else scale
    given = kernel.given({**golden.inputs, **golden.states, OFFSETS: golden.offsets, "scale": scale})
    names = (*inputs(golden), *OF_LAYOUT, *((OFFSETS,) if given[OFFSETS] is not None else ()))
    return {
        "weights": golden.weights,
        "inputs": {name: np.asarray(given[name]) for name in dict.fromkeys(names) if name in given},
        "expected": {name: kernel.expected(name, array) for name, array in expected(golden).items()},
        "tolerance": {name: kernel.expected(name, array) for name, array in allowed(golden).items()},
    }
