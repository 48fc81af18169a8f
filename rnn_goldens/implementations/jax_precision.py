"""JAX has float64 only where it is enabled: here, for a while, whatever JAX's own setting is."""

from contextlib import AbstractContextManager, nullcontext

import jax

from rnn_goldens.checkable.golden import Question


def in_precision(golden: Question) -> AbstractContextManager[object]:
    """In which JAX has the golden's precision."""
    context: AbstractContextManager[object] = jax.enable_x64(True) if golden.dtype == "float64" else nullcontext()
    return context
