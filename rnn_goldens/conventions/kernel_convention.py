"""What a convention of kernels consists of: names of arrays, their layout, and flags that must be set."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from rnn_goldens.errors import UnknownName, WrongUse

OFFSETS = "offsets"

CHOICES: Mapping[str, Mapping[str, str]] = {
    "order": {
        "batch time head": "(B, T, H, …)",
        "batch head time": "(B, H, T, …)",
        "batch channel time": "(B, D, T), (B, H, D, T)",
        "tokens head": "(tokens, H, …) and offsets",
        "1 tokens head": "(1, tokens, H, …) and offsets",
        "batch head": "(B, H, …), one time step",
        "batch 1 head": "(B, 1, H, …), one time step",
    },
    "state": {"key value": "(N, H, K, V)", "value key": "(N, H, V, K)"},
    "decay": {
        "ln": "g",
        "log2": "g log2 e",
        "factor": "e^g",
        "A_log": "a, b, A_log, dt_bias",
    },
    "scale": {"given": "an argument, or 1/√K", "one": "none"},
    "heads": {"adjacent": "as repeat_interleave", "tiled": "as repeat"},
    "integers": {"int64": "int64", "int32": "int32"},
    "window": {
        "past": "(B, D, W - 1)",
        "width": "(B, D, W), column 0 is ignored",
        "circular": "(B, D, W - 1), a ring",
    },
}
"""For each part of a layout its values, the first one that of goldens, and what they mean."""

KEYS_EACH = "several heads for each key head: it has a key for each head"
"""What a kernel without key heads does not have."""

GATES = {"a": "g", "b": "beta"}
"""Parameters from which a kernel computes decay and beta itself."""

OF_LAYOUT = ("A_log", "dt_bias", "cache_seqlens")
"""Parameters that only a layout gives a meaning."""


@dataclass(frozen=True)
class KernelLayout:
    """How a kernel arranges arrays. The defaults are those of goldens; ``CHOICES`` has the values of most attributes.

    Attributes:
        order: the axes of inputs and outputs.
        state: the last two axes of an attention's state.
        decay: how a decay is given.
        scale: how the scale is given.
        heads: where the heads that share a query, key or value lie.
        window: how the last inputs of a convolution are kept.
        integers: the type of offsets, slots and cache_seqlens.
        float32: arrays that are float32 in half precisions, too.
        slots: the parameter that takes the place of each sequence's state in a pool; "" without a pool.
        slots_by_step: whether the parameter takes a place for each time step, too: (sequences, time steps).
        in_place: whether the function changes the state that it is given, and need not return it; None if it may do
            either.
    """

    order: str = "batch time head"
    state: str = "key value"
    decay: str = "ln"
    scale: str = "given"
    heads: str = "adjacent"
    window: str = "past"
    integers: str = "int64"
    float32: tuple[str, ...] = ()
    slots: str = ""
    slots_by_step: bool = False
    in_place: bool | None = False

    def __post_init__(self) -> None:
        for name, choices in CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                raise UnknownName(f"{name} of a kernel", str(value), list(choices), plural="values")
        if isinstance(self.float32, str):
            raise WrongUse(f"float32 of a kernel is a tuple of names, as in float32=({self.float32!r},)")
        if self.slots_by_step and not self.slots:
            raise WrongUse("slots_by_step of a kernel needs slots, the parameter that takes the places of states")
        if self.window == "circular" and not self.is_by_step:
            raise WrongUse('window="circular" of a kernel needs a call for each time step: order="batch head"')

    @property
    def is_by_step(self) -> bool:
        """True if the function computes one time step."""
        return self.order in ("batch head", "batch 1 head")

    @property
    def is_by_tokens(self) -> bool:
        """True if the sequences lie one after the other, whether the golden is packed or not."""
        return self.order in ("tokens head", "1 tokens head")

    def __str__(self) -> str:
        changed = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return ", ".join(f"{name}={value!r}" for name, value in changed.items())


@dataclass(frozen=True)
class KernelConvention:
    """How a library calls its kernels.

    Attributes:
        library: the name of the library.
        functions: the functions that follow it, for readers.
        cells: the recurrences that it computes by this convention.
        signs: parameters that together only this convention has.
        package: the top-level package that defines the functions, if other packages use the same parameters.
        without: parameters that functions of another convention have.
        names: our name of an array, a state or the offsets, by the library's.
        flags: the value of each flag that must be set.
        layout: how the kernels arrange arrays.
        by_key: the parameter that takes a decay by key; "" if it is the same as for a decay by head.
        decays: the only decay that a kernel takes, by a part of its name.
        values: by the library's parameter, a function that returns its value, given all values by our names.
        keywords: further arguments, which functions take by ``**kwargs``.
        carried: options that ``values`` put into a parameter for another option, too.
        with_key_heads: parts of the names of the kernels that take fewer key heads than heads; () if all do.
        lacking: by feature, what the kernels do not have.
        run: how the real functions were run, and their version; "" if only their signatures are known.
        version: the version whose signatures are known.
    """

    library: str
    functions: str
    cells: tuple[str, ...]
    signs: tuple[str, ...]
    package: str = ""
    without: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[str, object] = field(default_factory=dict)
    layout: KernelLayout = KernelLayout()
    by_key: str = ""
    decays: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Callable[[Mapping[str, Any]], object]] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    with_key_heads: tuple[str, ...] = ()
    lacking: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    version: str = ""

    def is_of(self, parameters: Collection[str], package: str) -> bool:
        """Return whether a function with these parameters, of this top-level package, follows the convention."""
        has = all(sign in parameters for sign in self.signs) and not any(name in parameters for name in self.without)
        return has and self.package in ("", package)

    def ours(self, parameter: str) -> str:
        """Return our name of what a parameter receives."""
        return "g" if parameter == self.by_key else self.names.get(parameter, parameter)

    def value(self, parameter: str, values: Mapping[str, Any]) -> object:
        """Return the value of a parameter or keyword, given all values by our names."""
        if parameter in self.values:
            return self.values[parameter](values)
        return self.flags[parameter] if parameter in self.flags else values[self.ours(parameter)]

    def refused(self, function: str, features: Collection[str], decay: str | None) -> Iterator[str]:
        """Yield what a golden needs and a function does not have; ``decay`` is ``head``, ``key`` or None."""
        yield from (what for feature, what in self.lacking.items() if feature in features)
        if "grouped-values" in features and self.with_key_heads and not any(p in function for p in self.with_key_heads):
            yield KEYS_EACH
        only = next((taken for part, taken in self.decays.items() if part in function), None)
        if decay is not None and only not in (None, decay):
            yield f"a decay by {decay}: its decay is by {only}"


@dataclass(frozen=True)
class Kernel:
    """A function and its declared conventions, each of other recurrences. Calling it calls the function."""

    function: Callable[..., Any]
    conventions: tuple[KernelConvention, ...]

    def __call__(self, *arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - those of the function
        """Call the function."""
        return self.function(*arguments, **named)
