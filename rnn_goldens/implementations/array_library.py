"""The array libraries: NumPy, torch, JAX, and TensorFlow below Keras. Each class has all that differs between them.

Arrays are created in the golden's precision: half precisions have the library's own type, bfloat16 in NumPy has that of
ml_dtypes.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from rnn_goldens.checkable_golden import Inputs
from rnn_goldens.errors import Unsupported

if TYPE_CHECKING:
    import torch

Named = dict[str, Any]
"""Arrays of a library by name."""

Forward = Callable[[Named], Named]
"""Computes outputs, by the names of their cotangents, from the arrays to differentiate by."""

Back = Callable[[Named], Mapping[str, Any]]
"""Computes the gradients of these arrays from cotangents."""

Make = Callable[[Any], Any]
"""Converts a golden's numbers or integers, in NumPy or traced by the library, into an array of a library."""


class Library:
    """NumPy, which has no gradients, and what the other libraries share with it."""

    name = "NumPy"
    module = "numpy"
    """The name of the module with the library's functions."""

    @property
    def functions(self) -> Any:  # noqa: ANN401
        """The module with the library's functions, imported on first use."""
        return import_module(self.module)

    def maker(self, dtype: str) -> Make:
        """Return the function that creates arrays in a precision. Raises Unsupported for bfloat16 without ml_dtypes."""
        from rnn_goldens.implementations.numpy_cells import arithmetic

        own = np.dtype(arithmetic(dtype))
        return lambda a: a if _is_integer(a) or a.dtype == own else _converted(a, lambda a: _read_only(a, own))

    def in_precision(self, golden: Inputs) -> AbstractContextManager[object]:  # noqa: ARG002 - JAX needs it
        """Return the context to compute a golden in."""
        return nullcontext()

    def limit_cache(self) -> None:
        """Clear what the library has compiled, now and then."""

    def asarray(self, array: Any, dtype: Any = None) -> Any:  # noqa: ANN401 - arrays and types of any library
        """Return an array of the library, in a type of the library or its own."""
        return self.functions.asarray(array, dtype)

    def float32(self, array: Any) -> Any:  # noqa: ANN401
        """Return an array in float32."""
        return array.astype("float32")

    def int32(self, array: Any) -> Any:  # noqa: ANN401
        """Return integers as int32."""
        return array.astype("int32")

    def exp(self, array: Any) -> Any:  # noqa: ANN401
        """Return the exponential of an array."""
        return self.functions.exp(array)

    def take(self, array: Any, places: NDArray[np.int64], axis: int) -> Any:  # noqa: ANN401
        """Return the elements of an array at places of an axis."""
        return self.functions.take(array, self.functions.asarray(places), axis)

    def stack(self, arrays: Sequence[Any], axis: int) -> Any:  # noqa: ANN401
        """Return arrays as one with a new axis."""
        return self.functions.stack([*arrays], axis)

    def contiguous(self, array: Any) -> Any:  # noqa: ANN401
        """Return an array without gaps between its elements, the last axis first."""
        return np.ascontiguousarray(array)

    def writable(self, array: Any) -> Any:  # noqa: ANN401
        """Return an array that a function may change."""
        return np.array(array)

    def vjp(self, forward: Forward, leaves: Named) -> tuple[Named, Back]:
        """Return the outputs for these arrays, and the function that returns the gradients for cotangents."""
        raise NotImplementedError

    def is_traceable(self, forward: Forward, leaves: Named) -> bool:  # noqa: ARG002 - JAX needs them
        """Return whether the error that ``vjp`` raised is one of the user's own backward code."""
        return False

    def constant(self, outputs: Named) -> list[str]:  # noqa: ARG002 - torch needs them
        """Return the cotangents of the outputs that depend on no array to differentiate by, if the library knows."""
        return []


class _Torch(Library):
    """torch, on the CPU."""

    name = module = "torch"

    def maker(self, dtype: str) -> Make:
        import torch

        kind: torch.dtype = getattr(torch, dtype)

        def tensor(array: NDArray[Any]) -> torch.Tensor:
            return torch.tensor(array, dtype=torch.int64 if _is_integer(array) else kind)

        return lambda a: a.to(kind) if torch.is_tensor(a) else _converted(a, tensor)

    def asarray(self, array: Any, dtype: Any = None) -> "torch.Tensor":  # noqa: ANN401
        import torch

        return torch.tensor(np.asarray(array), dtype=dtype)

    def float32(self, array: Any) -> Any:  # noqa: ANN401
        return array.float()

    def int32(self, array: Any) -> Any:  # noqa: ANN401
        return array.int()

    def take(self, array: Any, places: NDArray[np.int64], axis: int) -> Any:  # noqa: ANN401
        import torch

        return array.index_select(axis % array.ndim, torch.tensor(places))

    def contiguous(self, array: Any) -> Any:  # noqa: ANN401
        return array.contiguous()

    def writable(self, array: Any) -> Any:  # noqa: ANN401
        import torch

        return array.clone(memory_format=torch.contiguous_format)

    def vjp(self, forward: Forward, leaves: Named) -> tuple[Named, Back]:
        import torch

        __tracebackhide__ = True
        of_user = {name: leaf for name, leaf in leaves.items() if isinstance(leaf, torch.nn.Parameter)}
        if frozen := [name for name, leaf in of_user.items() if not leaf.requires_grad]:
            raise TypeError(f"{', '.join(frozen)}: the network's parameter has requires_grad=False, so no gradient")
        for leaf in leaves.values():
            leaf.requires_grad_()
        with torch.enable_grad():
            outputs = forward(leaves)

        def back(cotangents: Named) -> Named:
            __tracebackhide__ = True
            of, by, given = ([*arrays.values()] for arrays in (outputs, leaves, cotangents))
            try:
                return dict(zip(leaves, torch.autograd.grad(of, by, given, allow_unused=True), strict=True))
            except RuntimeError as error:
                if "not implemented for" in str(error):
                    raise Unsupported(f"torch: {error}") from None
                raise

        return outputs, back

    def constant(self, outputs: Named) -> list[str]:
        return [name for name, output in outputs.items() if not getattr(output, "requires_grad", False)]


_CALLS = count(1)
_CALLS_BETWEEN_CLEARS = 50
"""Programs compiled for one golden are not reused for another. They take about 150 memory maps for each golden, and XLA
fails with "Failed to materialize symbols" when a process has more than ``vm.max_map_count``, by default 65,530."""


class _Immutable(Library):
    """A library whose arrays do not change, and have no gaps."""

    def contiguous(self, array: Any) -> Any:  # noqa: ANN401
        return array

    def writable(self, array: Any) -> Any:  # noqa: ANN401
        return array


class _Jax(_Immutable):
    """JAX."""

    name, module = "JAX", "jax.numpy"

    def maker(self, dtype: str) -> Make:
        import jax.numpy as jnp

        return lambda a: jnp.asarray(a, jnp.int32 if _is_integer(a) else dtype)

    def in_precision(self, golden: Inputs) -> AbstractContextManager[object]:
        """Return a context that enables float64 if the golden needs it, regardless of JAX's own setting."""
        import jax

        context: AbstractContextManager[object] = jax.enable_x64(True) if golden.dtype == "float64" else nullcontext()
        return context

    def limit_cache(self) -> None:
        """Clear JAX's compilation cache every 50 calls; called after each golden with gradients."""
        import jax

        if not next(_CALLS) % _CALLS_BETWEEN_CLEARS:
            jax.clear_caches()  # type: ignore[no-untyped-call] # JAX has no types for it

    def vjp(self, forward: Forward, leaves: Named) -> tuple[Named, Back]:
        import jax

        __tracebackhide__ = True
        outputs, back = jax.vjp(forward, leaves)
        return outputs, lambda cotangents: back(cotangents)[0]

    def is_traceable(self, forward: Forward, leaves: Named) -> bool:
        import jax

        try:
            jax.eval_shape(forward, leaves)
        except Exception:  # a function that expects NumPy arrays may raise anything
            return False
        return True


class _TensorFlow(Library):
    """TensorFlow, below Keras."""

    name = "TensorFlow"

    def asarray(self, array: Any, dtype: Any = None) -> Any:  # noqa: ANN401
        import tensorflow as tf

        return tf.convert_to_tensor(np.asarray(array), dtype)

    def vjp(self, forward: Forward, leaves: Named) -> tuple[Named, Back]:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch([*leaves.values()])
            outputs = forward(leaves)

        def back(cotangents: Named) -> Named:
            given = ([*arrays.values()] for arrays in (outputs, leaves, cotangents))
            return dict(zip(leaves, tape.gradient(*given), strict=True))

        return outputs, back


class _Mlx(_Immutable):
    """MLX, on the CPU; without gradients."""

    name, module = "MLX", "mlx.core"

    def maker(self, dtype: str) -> Make:
        import mlx.core as mx

        return lambda a: mx.array(np.asarray(a), mx.int32 if _is_integer(a) else getattr(mx, dtype))

    def float32(self, array: Any) -> Any:  # noqa: ANN401
        import mlx.core as mx

        return array.astype(mx.float32)

    def int32(self, array: Any) -> Any:  # noqa: ANN401
        return array  # they are int32

    def take(self, array: Any, places: NDArray[np.int64], axis: int) -> Any:  # noqa: ANN401
        import mlx.core as mx

        return mx.take(array, mx.array(places), axis)


NUMPY, TORCH, JAX, TENSORFLOW, MLX = Library(), _Torch(), _Jax(), _TensorFlow(), _Mlx()


ROOTS = {"torch": TORCH, "jax": JAX, "jaxlib": JAX, "mlx": MLX, "numpy": NUMPY, "ml_dtypes": NUMPY}
"""The library that a top-level package belongs to."""


def library_of_array(array: object) -> Library | None:
    """Return the library that defines the type of an array, or a base of it; None for any other."""
    return next((found for base in type(array).__mro__ if (found := library_that_defines(base))), None)


def library_that_defines(value: object) -> Library | None:
    """Return the library that a module belongs to, or the module that defines a class or function; None for none."""
    module = value.__name__ if inspect.ismodule(value) else getattr(value, "__module__", None)
    return ROOTS.get(module.partition(".")[0]) if isinstance(module, str) else None


def _is_integer(array: Any) -> bool:  # noqa: ANN401 - of NumPy or JAX
    return bool(array.dtype.kind == "i")


def _converted(array: NDArray[Any], convert: Make) -> Any:  # noqa: ANN401
    """Return a copy of an array; if there are gaps between its elements, the copy has gaps with NaN, too."""
    if array.flags.c_contiguous:
        return convert(array)
    wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), np.nan, array.dtype)
    wide[..., ::2] = array
    return convert(wide)[..., ::2]


def _read_only(array: NDArray[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Return a read-only copy of an array in another type."""
    found = array.astype(dtype)
    found.flags.writeable = False
    return found
