"""How libraries call kernels of recurrences: their names of arrays, the order of axes, and flags that must be set.

A function follows a convention if it has the parameters that only this convention has. docs/implementations.md has the
table for readers.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from rnn_goldens.golden.recurrences import BY_HEAD, BY_KEY, RECURRENCES

OFFSETS = "offsets"


@dataclass(frozen=True)
class KernelConvention:
    """How a library calls its kernels.

    Attributes:
        library: the name of the library.
        cells: the recurrences that it computes by this convention.
        signs: parameters that together only this convention has.
        names: our name of an array, a state or the offsets, by the library's.
        flags: the value of each flag that must be set.
        by_key: the parameter that takes a decay by key; "" if it is the same as for a decay by head.
        decays: the only decay that a kernel takes, by a part of its name.
        words: the library's value of an option, by our word.
        with_key_heads: parts of the names of the kernels that take fewer key heads than heads; () if all do.
        is_time_last: whether time is the last axis of inputs and outputs: (batch, d, time).
        lacking: by feature, what the kernels do not have.
    """

    library: str
    cells: tuple[str, ...]
    signs: tuple[str, ...]
    names: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, object] = field(default_factory=dict)
    by_key: str = ""
    decays: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[object, object] = field(default_factory=dict)
    with_key_heads: tuple[str, ...] = ()
    is_time_last: bool = False
    lacking: Mapping[str, str] = field(default_factory=dict)

    def ours(self, parameter: str) -> str:
        """Return our name of what a parameter receives."""
        return "g" if parameter == self.by_key else self.names.get(parameter, parameter)

    def refused(self, function: str, features: Collection[str], decay: str | None) -> Iterator[str]:
        """Yield what a golden needs and a function does not have.

        Args:
            function: the name of the function.
            features: the features of the golden.
            decay: ``head`` or ``key``; None for a recurrence without decay.
        """
        yield from (what for feature, what in self.lacking.items() if feature in features)
        if "grouped-values" in features and self.with_key_heads and not any(p in function for p in self.with_key_heads):
            yield _KEYS_EACH
        only = next((taken for part, taken in self.decays.items() if part in function), None)
        if decay is not None and only not in (None, decay):
            yield f"a decay by {decay}: its decay is by {only}"

    def to_kernel(self, array: Any) -> Any:  # noqa: ANN401 - an array of any library
        """Return an input, (batch, time, …), with its axes in the order of the library."""
        for axis in range(1, array.ndim - 1) if self.is_time_last else ():
            array = array.swapaxes(axis, axis + 1)
        return array

    def from_kernel(self, array: Any) -> Any:  # noqa: ANN401 - an array of any library
        """Return an output with its axes in our order."""
        for axis in reversed(range(1, array.ndim - 1)) if self.is_time_last else ():
            array = array.swapaxes(axis, axis + 1)
        return array


_ATTENTION = tuple(cell for cell, of in RECURRENCES.items() if "d_k" in of.sizes)
_A_STATE_EACH = "several query heads for each head: it has a state for each query head"
_KEYS_EACH = "several heads for each key head: it has a key for each head"
_A_BETA_EACH = "one beta for all heads"

_CU_SEQLENS = {"cu_seqlens": OFFSETS}
"""What many kernels call the offsets."""

KERNELS = (
    KernelConvention(
        "transformers",
        _ATTENTION,
        signs=("query", "output_final_state"),
        names={"query": "q", "key": "k", "value": "v"},
        flags={"output_final_state": True},
        decays={"gated_delta_rule": BY_HEAD},
        lacking={
            "grouped": _A_STATE_EACH,
            "grouped-values": "several heads for each key head: the caller repeats queries and keys",
            "one-beta": _A_BETA_EACH,
        },
    ),
    KernelConvention(
        "flash-linear-attention",
        _ATTENTION,
        signs=("output_final_state",),
        names=_CU_SEQLENS,
        flags={"output_final_state": True},
        by_key="gk",
        with_key_heads=("gated_delta_rule", "kda"),
        decays={"simple_gla": BY_HEAD, "_gla": BY_KEY, "kda": BY_KEY, "chunk_gated_delta_rule": BY_HEAD},
        lacking={"grouped": _A_STATE_EACH, "one-beta": _A_BETA_EACH},
    ),
    KernelConvention(
        "mamba_ssm",
        ("selective_scan",),
        signs=("delta_softplus",),
        names={"delta": "dt"},
        flags={"delta_softplus": True, "return_last_state": True},
        is_time_last=True,
    ),
    KernelConvention(
        "causal_conv1d",
        ("causal_conv",),
        signs=("return_final_states",),
        names={"initial_states": "state"},
        flags={"return_final_states": True},
        words={"none": None},
        is_time_last=True,
    ),
)
"""The known conventions. The first one of which a function has the signs is its own."""

PLAIN = KernelConvention("rnn-goldens", tuple(RECURRENCES), signs=(), names=_CU_SEQLENS)
"""Our own names and axes."""


def kernel_convention(parameters: Collection[str]) -> KernelConvention:
    """Return the convention of a function, given the names of its parameters."""
    return next((one for one in KERNELS if all(sign in parameters for sign in one.signs)), PLAIN)
