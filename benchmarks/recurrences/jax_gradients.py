"""Gradients of recurrences in JAX: ``jax.vjp`` through the compiled scans."""

from collections.abc import Mapping

import jax

from benchmarks.recurrences.kernels.contracts import inside, rounded_once, rounding
from benchmarks.recurrences.kernels.frame import Float64, arrays_of
from benchmarks.recurrences.kernels.in_jax import FORMS, JAX
from rnn_goldens import Unsupported
from rnn_goldens.cells.recurrence import RecurrenceCase


def jax_gradients(
    case: RecurrenceCase, cotangents: Mapping[str, Float64], precision: str, contract: str
) -> dict[str, Float64]:
    """Return the gradients of the sum of cotangents times outputs by each input, weight and initial state.

    Raises:
        Unsupported: the recurrence has no scan in JAX, or sequences are packed.
    """
    if case.cell not in FORMS or case.offsets is not None:
        raise Unsupported(f"{case.cell} is not implemented, or sequences are packed")
    dtype, roundings = inside(precision), rounding(precision, contract, JAX.stored)
    with jax.enable_x64(True):
        x = {name: JAX.array(array, dtype) for name, array in arrays_of(case, precision).items()}
        given = {name.removeprefix("d_"): JAX.array(array, dtype) for name, array in cotangents.items()}

        @jax.jit
        def gradients(x: dict[str, jax.Array]) -> dict[str, jax.Array]:
            outputs, back = jax.vjp(lambda x: FORMS[case.cell](case.config, x, roundings), x)
            zeros = {name: jax.numpy.zeros_like(array) for name, array in outputs.items()}
            (found,) = back({**zeros, **given})
            return dict(found)

        return {name: rounded_once(JAX.numpy(array), precision) for name, array in gradients(x).items()}
