"""What JAX compiled for one golden serves no other; with the programs of some two hundred XLA can load no more."""

from itertools import count

import jax

_ASKED = count(1)
_KEPT = 50
"""Of so many goldens the programs stay."""


def let_go() -> None:
    """Called after each golden whose gradients were asked: lets go of all programs, now and then."""
    if not next(_ASKED) % _KEPT:
        jax.clear_caches()  # type: ignore[no-untyped-call] # JAX has no types for it
