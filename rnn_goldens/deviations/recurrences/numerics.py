"""Arithmetic of lower precision than declared, approximations, and overflow of recurrences."""

from functools import partial

import numpy as np

from rnn_goldens.cells import Array
from rnn_goldens.cells.chunked import Chunk
from rnn_goldens.cells.matrix_primitives import MatrixArithmetic
from rnn_goldens.cells.notation import Operand, Term, exp
from rnn_goldens.cells.recurrence_equations import linear_attention
from rnn_goldens.cells.recurrence_notation import Terms
from rnn_goldens.deviations.low_precision import toward_zero
from rnn_goldens.deviations.recurrences.chunks import ChunkKernel, in_smaller_chunks, replaced
from rnn_goldens.deviations.recurrences.edits import (
    ATTENTION,
    CELLS,
    DELTA,
    GATED,
    Change,
    Edit,
    in_arrays,
    in_equations,
    in_outputs,
)
from rnn_goldens.deviations.recurrences.equation_parts import attention
from rnn_goldens.deviations.table_rows import for_each, table
from rnn_goldens.golden.precision import PRECISIONS

HALF = ("bfloat16", "float16")

WITH_EXPONENTIAL = (*GATED, "selective_scan", "rg_lru")
"""The recurrences whose state decays by an exponential."""


WITH_SUMS = tuple(cell for cell in CELLS if cell != "causal_conv")
"""The recurrences whose state is a sum over time, which rounding changes."""

_truncated = toward_zero("bfloat16")


def rounded(name: str, values: Array) -> Array:
    """Return values rounded to a precision, in an array of the same type."""
    return PRECISIONS[name].round(values.astype(np.float64)).astype(values.dtype)


class _Rounding(MatrixArithmetic):
    """Primitives with one that rounds."""

    def __init__(self, rounded: Change) -> None:
        self.rounded = rounded

    def summed(self, S: Array, q: Array) -> Array:
        """The product of query and state, of which each term and each sum is rounded."""
        total = np.zeros((*S.shape[:-2], S.shape[-1], q.shape[-1]), q.dtype)
        for row in range(q.shape[-2]):
            total = self.rounded(total + self.rounded(S[..., row, :, None] * q[..., row, None, :]))
        return total


def _rounded(a: Term) -> Term:
    return Term("rounded", (a,))


class _StatesRounded(_Rounding):
    def stored(self, state: Array, name: str) -> Array:
        """The state, rounded, except for the stabilizer m."""
        return state if name == "m" else self.rounded(state)


class _OperandsRounded(_Rounding):
    def matmul(self, a: Array, b: Array) -> Array:
        """The product of rounded matrices."""
        return super().matmul(self.rounded(a), self.rounded(b))

    def outer(self, a: Array, b: Array) -> Array:
        """The outer product of rounded columns."""
        return super().outer(self.rounded(a), self.rounded(b))


class _Decay(MatrixArithmetic):
    """Primitives with another factor of the state."""

    def __init__(self, change: Change) -> None:
        self.change = change

    def kept_factor(self, a: Array) -> Array:
        """The factor of the state, changed."""
        return self.change(a)


def _approximated(decay: Array) -> Array:
    fraction, _ = np.frexp(decay)
    return np.asarray(decay * (1 + decay.dtype.type(2**-9) * np.sin(2 * np.pi * fraction).astype(decay.dtype)))


def _flushed(decay: Array) -> Array:
    return np.where(decay < decay.dtype.type(2.0 ** PRECISIONS["float16"].min_exponent), 0, decay)


def _summed(q: Term, k: Term, v: Term, S: Term, *, scale: Operand, **gates: Term) -> tuple[Terms, Terms]:
    _, (S,) = linear_attention(q, k, v, S, scale=scale, **gates)
    return (scale * Term("summed", (S, q)),), (S,)


def _next_state_in(name: str, right: ChunkKernel, x: Chunk, new: Array, S: Array) -> Array:
    after = right.next_state(x, new, S)
    return rounded(name, after) if x.start + x.steps < right.case.time else after


OF_STEPS = table(
    make=in_equations,
    cells=ATTENTION,
    reports={
        "state_kept_in_bfloat16": ("ollama#15865",),
        "state_kept_in_float16": ("TensorRT-Model-Connect PR725", "llm-scaler#559"),
    },
)(
    **for_each(
        HALF,
        "state_kept_in_{}",
        "Keeps the state in {} between steps.",
        lambda name: Edit(operations=_StatesRounded(partial(rounded, name))),
        {"cells": WITH_SUMS},
    ),
    state_truncated_to_bfloat16=(
        "Keeps the state in bfloat16 between steps, rounded toward zero.",
        Edit(operations=_StatesRounded(_truncated)),
        {"cells": WITH_SUMS, "stands_for": ("vllm-ascend PR10785",)},
    ),
    operands_truncated_to_bfloat16=(
        "Rounds the factors of matrix products to bfloat16 toward zero.",
        Edit(operations=_OperandsRounded(_truncated)),
        {"cells": (*ATTENTION, "selective_scan", "slstm")},
    ),
    output_truncated_to_bfloat16=(
        "Rounds the outputs to bfloat16 toward zero.",
        Edit(outputs=lambda case, found: found | {n: _truncated(found[n]) for n in case.config.recurrence.outputs}),
        {"cells": CELLS, "stands_for": ("tt-metal PR19882", "tinygrad PR11848")},
    ),
    **for_each(
        HALF,
        "output_summed_in_{}",
        "Rounds each term and each sum of the product of query and state to {}.",
        lambda name: in_equations(_summed, _Rounding(partial(rounded, name))),
    ),
    output_in_float16=(
        "Returns the outputs in float16, where large ones overflow.",
        in_outputs(o=partial(rounded, "float16")),
        {"stands_for": ("vllm#54308",)},
    ),
    decayed_state_in_float16=(
        "Rounds the decayed state to float16.",
        attention.wrong(decayed=lambda x: _rounded(exp(x.g) * x.S)),
        _Rounding(partial(rounded, "float16")),
        {"cells": GATED, "stands_for": ("cudnn-frontend#916",)},
    ),
    **for_each(
        HALF,
        "decay_in_{}",
        "Rounds the factor of the state to {}.",
        lambda name: Edit(operations=_Decay(partial(rounded, name))),
        {"cells": (*WITH_EXPONENTIAL, "min_gru")},
    ),
    decay_approximated=(
        "Computes the factor of the state by an approximation with relative errors up to 2^-9.",
        Edit(operations=_Decay(_approximated)),
        {"cells": WITH_EXPONENTIAL},
    ),
    small_decay_flushed_to_zero=(
        "Takes zero for factors of the state below 2^-14, the smallest normal number of float16.",
        Edit(operations=_Decay(_flushed)),
        {"cells": GATED},
    ),
    beta_in_bfloat16=(
        "Rounds beta to bfloat16.",
        in_arrays(beta=partial(rounded, "bfloat16")),
        {"cells": DELTA, "stands_for": ("vllm PR53877", "sglang PR40362", "LightLLM PR1579")},
    ),
    held_value_in_bfloat16=(
        "Rounds what the state holds for the key to bfloat16.",
        attention.wrong(removed=lambda x: _rounded(x.removed)),
        _Rounding(partial(rounded, "bfloat16")),
        {"cells": DELTA},
    ),
)

CHUNKED_MODELS = ("gated_delta_net", "kda", "mamba2")
"""Recurrences of models with a decay that kernels compute in chunks."""

OF_CHUNKS = table(cells=GATED)(
    **for_each(
        HALF,
        "decay_sums_in_{}",
        "Rounds the sums of the log-decays of a chunk to {}.",
        lambda name: replaced(sums=lambda right, x: rounded(name, right.sums(x))),
    ),
    **for_each(
        HALF,
        "chunk_state_in_{}",
        "Keeps the state in {} between chunks.",
        lambda name: replaced(next_state=partial(_next_state_in, name)),
        {"cells": ATTENTION, "needs": ("several_chunks",)},
    ),
    inverse_in_bfloat16=(
        "Rounds the inverse of I + A to bfloat16.",
        replaced(inverse=lambda right, x, gram: rounded("bfloat16", right.inverse(x, gram))),
        {"cells": DELTA},
    ),
    decays_between_steps_factored=(
        "Computes the decay between two steps as e^G_i e^-G_j, which overflows if the decay over a chunk is strong.",
        replaced(decay=lambda _right, later, earlier, causal: np.exp(later) * np.exp(-earlier) * causal),
        {"cells": (*GATED, *CHUNKED_MODELS), "stands_for": ("executorch PR21417", "cudnn-frontend PR1017")},
    ),
    exponential_before_mask=(
        "Multiplies decays to later steps by zero, after an exponential that overflows if the decay is strong.",
        replaced(decay=lambda _right, later, earlier, causal: np.exp(later - earlier) * causal),
        {"cells": (*GATED, *CHUNKED_MODELS), "stands_for": ("transformers PR48455",)},
    ),
)

DEVIATIONS = (*OF_STEPS, *OF_CHUNKS, *in_smaller_chunks(OF_CHUNKS))
