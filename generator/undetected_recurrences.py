"""The deviations of recurrences, of both passes, that no golden detects, and why."""

from rnn_goldens.corpus.kill_matrix import Undetected
from rnn_goldens.deviations.recurrences.edits import ATTENTION, DELTA, GATED
from rnn_goldens.generator.undetected_outputs import HALF, SINGLE_AND_HALF, undetected
from rnn_goldens.golden.recurrences import RECURRENCES

ELEVEN_BITS = "float16 has three bits more than bfloat16, to which outputs are rounded"
ONE_ROUNDING = "a state is rounded once in {} steps, by less than the tolerance after all of them"

UNDETECTED_RECURRENCES: tuple[Undetected, ...] = (
    *undetected(
        ("output_in_float16",), HALF, "outputs are rounded to this precision once anyway", *ATTENTION, allowed=True
    ),
    *undetected(("state_kept_in_float16",), ("bfloat16",), ELEVEN_BITS, "rg_lru"),
    *undetected(
        ("small_decay_flushed_to_zero",),
        HALF,
        "a decay below e^-10 leaves less of the state than the last rounding of outputs",
        "gated_linear_attention",
    ),
    *undetected(("beta_in_bfloat16",), HALF, "beta is exact in this precision", *DELTA, allowed=True),
    *undetected(
        ("output_truncated_to_bfloat16",),
        ("bfloat16",),
        "an output is off by at most one unit, and rounding by half of one: it fails, but with a margin below two",
        *RECURRENCES,
    ),
    *undetected(("chunk_state_in_float16",), ("bfloat16",), ONE_ROUNDING.format(64), *GATED),
    *undetected(("chunk_state_in_float16_in_chunks_of_32",), HALF, ONE_ROUNDING.format(32), "gated_delta"),
    *undetected(("state_cotangent_in_float16",), ("bfloat16",), ELEVEN_BITS, "short_conv"),
    *undetected(
        ("recurrence_weights_added_up_in_bfloat16",),
        ("bfloat16",),
        "the gradient of a decay adds up few terms: it fails, but with a margin below two",
        "retention",
    ),
    *undetected(
        ("rg_lru_root_slope_clipped",),
        SINGLE_AND_HALF,
        "1 - a² cancels where its root is clipped, so the tolerance is as large as the gradient",
        "rg_lru",
    ),
)
