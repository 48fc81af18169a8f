"""Scenarios of recurrences with drawn numbers."""

from dataclasses import replace
from typing import Any

from rnn_goldens.generator.recurrence_scenario import RecurrenceScenario
from rnn_goldens.generator.scenarios.random_numbers import dyadic
from rnn_goldens.generator.scenarios.recurrences import (
    ATTENTION,
    MODELS,
    Call,
    Variant,
    draw_attention,
    draw_model,
    draw_scan,
)
from rnn_goldens.golden.recurrences import RECURRENCES

SIZES: dict[str, dict[str, Any]] = {
    **{cell: {"heads": 2, "query_heads": 2, "d_k": 4, "d_v": 3} for cell in ATTENTION},
    "selective_scan": {"d": 2, "n": 3},
    "slstm": {"heads": 2, "d": 2},
    "rg_lru": {"d": 2},
    "min_gru": {"d": 2},
    "causal_conv": {"channels": 2, "width": 4, "past": 3},
    **{cell: {"heads": 2, "d_k": 3, "d_v": 2} for cell in ("gated_delta_net", "kda", "gated_delta_net_2", "retention")},
    **{cell: {"heads": 2, "d_k": 3, "d_v": 2} for cell in ("generalized_delta", "rwkv7", "rwkv6", "mlstm")},
    "mamba": {"d": 2, "n": 3},
    "mamba2": {"heads": 2, "p": 2, "n": 3},
    "short_conv": {"channels": 2, "width": 4, "past": 3},
}
"""Small sizes of each recurrence."""

SHARED: dict[str, dict[str, Any]] = {
    "key heads": {"heads": 6, "query_heads": 3, "key_heads": 3, "d_k": 2, "d_v": 2},
    "one beta": {"heads": 3, "query_heads": 6, "beta_heads": 1, "d_k": 2, "d_v": 2},
    "groups": {"d": 6, "groups": 2, "n": 2},
}
"""Sizes with which heads or channels share arrays, by what they share."""


def recurrence_scenario(
    cell: str, *, time: int = 5, state: bool = True, offsets: tuple[int, ...] | None = None, **sizes: Any
) -> RecurrenceScenario:
    """Return a scenario of two batch rows, or of packed sequences; ``sizes`` replace those of ``SIZES`` that exist."""
    known = {**SIZES[cell]}
    if "heads" in sizes and "query_heads" in known:
        sizes.setdefault("query_heads", sizes["heads"])
    further = (*RECURRENCES[cell].optional, *RECURRENCES[cell].options)
    known |= {n: s for n, s in sizes.items() if n in known or n in further}
    call = Call(known, batch=2, time=time, state=state, offsets=offsets)
    variant = Variant("made-for-a-test", "Made for a test.", call)
    return variant.scenario(cell, draw_attention if cell in ATTENTION else draw_model if cell in MODELS else draw_scan)


def with_all_cotangents(scenario: RecurrenceScenario) -> RecurrenceScenario:
    """Return the scenario with cotangents of all outputs."""
    cotangents = {name: dyadic(f"{scenario.id} {name}", shape, 1) for name, shape in scenario.shapes.cotangents.items()}
    return replace(scenario, cotangents=cotangents, gradient_purpose="All outputs.")
