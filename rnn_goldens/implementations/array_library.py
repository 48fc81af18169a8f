"""The library whose arrays a user's function of a recurrence takes: torch, JAX or NumPy.

1. That of the first parameter annotated with a library's type: ``q: torch.Tensor``, ``q: jax.Array``,
   ``q: np.ndarray``.
2. Without such an annotation torch or JAX, if the function's module imports it: ``import torch``,
   ``import jax.numpy as jnp``. A module that imports both needs an annotation.
3. NumPy otherwise.

Arrays are created in the golden's precision: half precisions in torch and JAX, and float16 in NumPy, have the library's
own type; bfloat16 in NumPy has that of ml_dtypes.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, get_args, get_origin

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import WrongUse

TORCH, JAX, NUMPY = "torch", "jax", "numpy"

_ROOTS = {"torch": TORCH, "jax": JAX, "jaxlib": JAX, "numpy": NUMPY, "ml_dtypes": NUMPY}
"""The library that a top-level package belongs to."""

_WRITTEN = {**_ROOTS, "jnp": JAX, "np": NUMPY}
"""The library of the first part of an annotation that is text, such as ``"torch.Tensor"``."""

_FIRST_PART = re.compile(r"\b([A-Za-z_]\w*)\.")


def library_of(function: Callable[..., Any]) -> str:
    """Return ``torch``, ``jax`` or ``numpy``, by the rules above.

    Raises:
        WrongUse: there are no annotations, and the function's module imports torch and JAX.
    """
    code = _code_of(function)
    if annotated := next(_of_annotations(code), None):
        return annotated
    found = {library for value in getattr(code, "__globals__", {}).values() if (library := _of_global(value))}
    if len(found) > 1:
        raise WrongUse(
            f"the module of {name_of(function)} imports torch and JAX: annotate a parameter with the type of its "
            "array, as in q: torch.Tensor, q: jax.Array or q: np.ndarray"
        )
    return found.pop() if found else NUMPY


def name_of(function: Callable[..., Any]) -> str:
    """Return a function's name for messages."""
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__name__", type(function).__name__))


def _code_of(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the user's function inside ``functools.partial``, decorators, and objects that can be called."""
    while isinstance(function, partial):
        function = function.func
    function = inspect.unwrap(function)
    if not inspect.isroutine(function):
        called = getattr(type(function), "forward", type(function).__call__)  # of torch's modules, of other objects
        function = inspect.unwrap(called)
    code: Callable[..., Any] = getattr(function, "__func__", function)
    return code


def _of_annotations(function: Callable[..., Any]) -> Iterator[str]:
    """Yield the libraries of the parameters that are annotated with a type of a library."""
    try:
        parameters = inspect.signature(function, eval_str=True).parameters.values()
    except Exception:  # an annotation names something that only a type checker imports
        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # built into an extension, without a signature
            return
    for parameter in parameters:
        yield from _of_annotation(parameter.annotation)


def _of_annotation(annotation: object) -> Iterator[str]:
    if isinstance(annotation, str):
        yield from (_WRITTEN[name] for name in _FIRST_PART.findall(annotation) if name in _WRITTEN)
    elif library := _ROOTS.get(_root(get_origin(annotation) or annotation)):
        yield library
    else:
        for part in get_args(annotation):
            yield from _of_annotation(part)


def _of_global(value: object) -> str | None:
    """Return torch or JAX for a module of it, or for a function or class that it defines; else None."""
    if not (inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value)):
        return None
    library = _ROOTS.get(_root(value))
    return None if library == NUMPY else library


def _root(value: object) -> str:
    """Return the top-level package of a module, or of the module that defines a class or a function."""
    module = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
    return module.partition(".")[0] if isinstance(module, str) else ""


Make = Callable[[Any], Any]
"""Converts a golden's numbers or integers, in NumPy or traced by the library, into an array of a library."""


def maker(library: str, dtype: str) -> Make:
    """Return the function that creates arrays of a library in a precision.

    Raises:
        Unsupported: bfloat16 in NumPy, without ml_dtypes.
    """
    if library == TORCH:
        import torch

        from rnn_goldens.implementations.torch.layers import tensor

        kind = getattr(torch, dtype)
        return lambda a: a.to(kind) if torch.is_tensor(a) else tensor(a, torch.int64 if _is_integer(a) else kind)
    if library == JAX:
        import jax.numpy as jnp

        return lambda a: jnp.asarray(a, jnp.int32 if _is_integer(a) else dtype)
    from rnn_goldens.implementations.numpy_cells import arithmetic

    own = np.dtype(arithmetic(dtype))
    return lambda a: a if _is_integer(a) or a.dtype == own else _of_type(a, own)


def _is_integer(array: Any) -> bool:  # noqa: ANN401 - of NumPy or JAX
    return bool(array.dtype.kind == "i")


def _of_type(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a read-only copy in another type; if there are gaps between elements, the copy has gaps, too."""
    gap = 1 if array.flags.c_contiguous else 2
    wide = np.full((*array.shape[:-1], gap * array.shape[-1]), np.nan, dtype)
    wide[..., ::gap] = array
    wide.flags.writeable = False
    return wide[..., ::gap]


def setting_of(library: str, golden: Inputs) -> AbstractContextManager[object]:
    """Return the context to call a function in: JAX needs a setting for float64."""
    if library != JAX:
        return nullcontext()
    from rnn_goldens.implementations.jax_function import in_precision

    return in_precision(golden)
