"""Scenarios at the sizes that kernels ship: full arrays, so that all tiles, chunks and warps have work.

They are a corpus of their own, ``kernels``: too large for the built-in one, and too slow for its kill matrix.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from rnn_goldens.deviations.recurrences.edits import ATTENTION
from rnn_goldens.generator.index import CorpusIdentity
from rnn_goldens.generator.scenario_base import DeclaredInputs
from rnn_goldens.generator.scenarios import templates as networks
from rnn_goldens.generator.scenarios.recurrences import Call, Variant, draw_attention, draw_scan
from rnn_goldens.generator.scenarios.recurrences.templates import Arrays
from rnn_goldens.golden.features import KERNEL_SIZE
from rnn_goldens.golden.precision import PRECISIONS, SupportedOnly
from rnn_goldens.golden.shapes import Config

IDENTITY = CorpusIdentity("kernels", "1.0.0")
"""The identity of the corpus. Its version is counted like that of the built-in one."""


def _smaller(drawn: Arrays) -> Arrays:
    """Return recurrent weights with which gates of many units are not saturated."""
    return {name: array * (8 / array.shape[-1]) for name, array in drawn.items() if name.startswith("R_")}


_GRADIENTS = "All outputs have cotangents: gradients at the size of a kernel."
_ONE_HEAD = {"heads": 1, "query_heads": 1}

_OF_ATTENTION = (
    Variant(
        "64-by-64",
        "d_k and d_v of 64 in 129 steps: two chunks of 64, or one of 128, and a step.",
        Call({**_ONE_HEAD, "d_k": 64, "d_v": 64}, time=129),
        gradient_purpose=_GRADIENTS,
    ),
    Variant(
        "128-by-128",
        "d_k and d_v of 128 in 257 steps: four chunks of 64, or two of 128, and a step.",
        Call({**_ONE_HEAD, "d_k": 128, "d_v": 128}, time=257),
    ),
    Variant(
        "packed-128-by-64",
        "Packed sequences of 133, 4 and 135 steps, which start inside chunks of 64; d_k is 128, d_v 64.",
        Call({**_ONE_HEAD, "d_k": 128, "d_v": 64}, offsets=(0, 133, 137, 272)),
    ),
)

_OF_SCANS: Mapping[str, tuple[Variant, ...]] = {
    "selective_scan": (
        Variant(
            "64-by-16",
            "64 channels with states of 16, in 129 steps from zero: mamba_ssm has no initial state.",
            Call({"d": 64, "n": 16}, time=129, state=False),
        ),
        Variant("64-by-128", "64 channels with states of 128, in 40 steps.", Call({"d": 64, "n": 128}, time=40)),
        Variant(
            "packed-64-by-16",
            "64 channels with states of 16; packed sequences of 35, 3 and 37 steps, which start inside chunks of 16.",
            Call({"d": 64, "n": 16}, offsets=(0, 35, 38, 75)),
        ),
        Variant(
            "gradients-64-by-16",
            "64 channels with states of 16 from zero, in 17 steps: a chunk of 16 and a step.",
            Call({"d": 64, "n": 16}, time=17, state=False),
            gradient_purpose=_GRADIENTS,
        ),
    ),
    **{
        cell: tuple(
            Variant(name, f"256 channels in {time} steps.", Call({"d": 256}, time=time), gradient_purpose=_GRADIENTS)
            for name, time in (("256-channels", 33), ("256-channels-257-steps", 257))
        )
        for cell in ("rg_lru", "min_gru")
    },
    "slstm": tuple(
        Variant(name, purpose, Call(sizes, time=time), change=_smaller, gradient_purpose=_GRADIENTS)
        for name, purpose, sizes, time in (
            ("64-units", "Two heads of 64 units in 33 steps.", {"heads": 2, "d": 64}, 33),
            ("128-units", "A head of 128 units in 129 steps.", {"heads": 1, "d": 128}, 129),
        )
    ),
    "causal_conv": (
        Variant(
            "64-channels",
            "64 channels and four taps in 257 steps.",
            Call({"channels": 64, "width": 4, "past": 3}, time=257),
            gradient_purpose=_GRADIENTS,
        ),
        Variant(
            "packed-64-channels",
            "64 channels and four taps; packed sequences of 133, 2 and 135 steps, one shorter than the window.",
            Call({"channels": 64, "width": 4, "past": 3}, offsets=(0, 133, 135, 270)),
            gradient_purpose=_GRADIENTS,
        ),
    ),
}

_NETWORK = networks.Variant(
    "256-units",
    "256 units",
    "256 units, a batch of 16 and 64 steps: full tiles in every dimension.",
    networks.Call(Config(input_size=64, hidden_size=256), batch=16, time=64, state=True),
    precisions=SupportedOnly(PRECISIONS),
    declared=("long",),
)
_AMPLITUDE = 0.125
"""Of weights. Sums of 256 terms are then about one."""


_WITHOUT_DECAY = Variant(
    "gradients-64-by-32",
    "d_k of 64 and d_v of 32 in 65 steps: a chunk of 64 and a step.",
    Call({**_ONE_HEAD, "d_k": 64, "d_v": 32}, time=65),
    gradient_purpose=_GRADIENTS,
)
"""Of the delta rule: no error decays, so that certifying gradients of 64 by 64 in 129 steps took 1,000 CPU seconds."""


def _of_attention(cell: str) -> Iterator[Variant]:
    if cell != "delta_rule":
        yield from _OF_ATTENTION
        return
    yield from (replace(variant, gradient_purpose="") for variant in _OF_ATTENTION)
    yield _WITHOUT_DECAY


def _scenarios() -> Iterator[DeclaredInputs]:
    for cell in ATTENTION:
        for variant in _of_attention(cell):
            yield variant.scenario(cell, draw_attention, "kernels/")
    for cell, variants in _OF_SCANS.items():
        for variant in variants:
            yield variant.scenario(cell, draw_scan, "kernels/")
    for cell in ("gru", "lstm"):
        yield _NETWORK.scenario(f"kernels/{networks.FOLDERS[cell]}", cell, networks.rounded(_AMPLITUDE))


def scenarios() -> tuple[DeclaredInputs, ...]:
    """Return all scenarios of the corpus."""
    return tuple(
        replace(one, precisions=SupportedOnly(PRECISIONS), declared=(*(one.declared or ()), KERNEL_SIZE))
        for one in _scenarios()
    )
