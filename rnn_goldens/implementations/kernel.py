"""Declares how a kernel takes its arrays, where the names of its parameters do not say it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from rnn_goldens.conventions.kernel_convention import Kernel, KernelConvention
from rnn_goldens.conventions.kernels import KERNELS, PLAIN
from rnn_goldens.errors import UnknownName, WrongUse


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
            ``window``, ``float32``, ``slots``, ``slots_by_step`` and ``in_place``, as in docs/kernel-layouts.md.

    Raises:
        UnknownName: no such library, or no such value of a part of the layout.
        WrongUse: no such part of a layout.
    """
    base = _convention_of(function, like) if like else PLAIN
    try:
        own = replace(base.layout, **layout)
    except TypeError as error:
        raise WrongUse(f"a kernel's layout: {str(error).rpartition('()')[2].strip()}") from None
    both = replace(base, names={**base.names, **(names or {})}, flags={**base.flags, **(flags or {})}, layout=own)
    return Kernel(function, both)


def _convention_of(function: Callable[..., Any], library: str) -> KernelConvention:
    """Return the convention of a library that a function follows by its parameters."""
    known = [one for one in KERNELS if one.library == library]
    if not known:
        raise UnknownName("library", library, sorted({one.library for one in KERNELS}), plural="libraries")
    parameters = inspect.signature(function).parameters
    if found := next((one for one in known if one.is_of(parameters, one.package)), None):
        return found
    wanted = "; or ".join(", ".join(one.signs) for one in known)
    raise WrongUse(
        f"{getattr(function, '__name__', function)} has no parameters {wanted}, as kernels of {library} have"
    )
