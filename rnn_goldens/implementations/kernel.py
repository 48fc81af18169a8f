"""Declares how a kernel takes its arrays, where the names of its parameters do not say it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from rnn_goldens.conventions.kernel_convention import Kernel, KernelConvention, KernelLayout
from rnn_goldens.conventions.kernels import KERNELS, PLAIN, of_other_cells
from rnn_goldens.errors import UnknownName, WrongUse
from rnn_goldens.golden.recurrences import RECURRENCES
from rnn_goldens.implementations.recurrence_function import name_of, names_of, parameters_of

ALIASES = {"fla": "flash-linear-attention"}
"""Short names of libraries."""


def kernel(
    function: Callable[..., Any],
    like: str = "",
    *,
    names: Mapping[str, str] | None = None,
    flags: Mapping[str, object] | None = None,
    **layout: Any,  # noqa: ANN401 - names, flags and parameters
) -> Kernel:
    """Return a kernel that is called by the convention of a library, or in a layout of its own.

    ::

        prefill = rnn_goldens.kernel(chunk_gated_delta_rule, "flashinfer")
        mine = rnn_goldens.kernel(my_kernel, order="batch head time", decay="log2", state="value key", scale="one")

    ``rnn-goldens check my:prefill --cell gated_delta`` and ``adapt`` take it like any function.

    Args:
        function: the kernel: its parameters are named after arrays of a recurrence, or as ``names`` say.
        like: a library of docs/kernel-layouts.md; "" for names and layout of goldens.
        names: our name of an array, or ``offsets``, by the function's: ``{"query": "q", "cu_seqlens": "offsets"}``.
        flags: values of parameters that must be set: ``{"use_qk_l2norm": False}``.
        layout: what differs from the library's layout: ``order``, ``state``, ``decay``, ``scale``, ``heads``,
            ``window``, ``integers``, ``float32``, ``slots``, ``slots_by_step``, ``in_place``: docs/kernel-layouts.md.

    Raises:
        UnknownName: no such library, parameter, array, or part of a layout, or value of one.
        WrongUse: the function has not the parameters of the library's kernels, or parts of the layout exclude each
            other.
    """
    if not callable(function):
        raise WrongUse(f"a kernel is a function, not {function!r}")
    declared = function.conventions if isinstance(function, Kernel) else (PLAIN,)
    function = function.function if isinstance(function, Kernel) else function
    parameters = parameters_of(function)
    bases = _conventions_of(function, parameters, ALIASES.get(like, like)) if like else declared
    try:
        own = [replace(base.layout, **layout) for base in bases]
    except TypeError:
        parts = [part.name for part in fields(KernelLayout)]
        wrong = next(part for part in layout if part not in parts)
        raise UnknownName("part of a kernel's layout", wrong, parts, plural="parts") from None
    names, flags = dict(names or {}), dict(flags or {})
    slots = [layout["slots"]] if layout.get("slots") else []
    for parameter in (*names, *flags, *slots):
        if parameter not in parameters:
            raise UnknownName(f"parameter of {name_of(function)}", parameter, list(parameters), plural="parameters")
    known = sorted({name for of in RECURRENCES.values() for name in names_of(of)})
    for ours in (*names.values(), *layout.get("float32", ())):
        if ours not in known:
            raise UnknownName("array, state or option", ours, known, plural="names")
    changed = (
        replace(base, names={**base.names, **names}, flags={**base.flags, **flags}, layout=of)
        for base, of in zip(bases, own, strict=True)
    )
    return Kernel(function, tuple(changed))


def _conventions_of(
    function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter], library: str
) -> tuple[KernelConvention, ...]:
    """Return the conventions of a library that a function follows by its parameters."""
    known = [one for one in KERNELS if one.library == library]
    if not known:
        raise UnknownName("library", library, sorted({one.library for one in KERNELS}), plural="libraries")
    if found := of_other_cells(one for one in known if one.is_of(parameters, one.package)):
        return found
    nearest = min(known, key=lambda one: sum(sign not in parameters for sign in one.signs))
    missing = [sign for sign in nearest.signs if sign not in parameters]
    raise WrongUse(
        f"{name_of(function)} has no parameter {', '.join(missing)}, as {library}'s {nearest.functions} has: "
        "leave the library out, and declare what differs from the layout of goldens"
    )
