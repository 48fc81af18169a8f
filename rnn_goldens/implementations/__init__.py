"""Whatever is being checked: a function ``golden → (out, h_n)``, ``(out, (h_n, c_n))`` or ``(out, h_n, c_n)``.

Built-in ones by name, a user's own as ``wrappers`` has it, a program by its command.
"""

from collections.abc import Sequence
from typing import Any

from rnn_goldens.implementations.builtin import BUILTIN, EXTRAS, NEEDS
from rnn_goldens.implementations.named import check_name, close, resolve
from rnn_goldens.implementations.wrappers import Implementation, adapt

__all__ = ["BUILTIN", "EXTRAS", "NEEDS", "Implementation", "adapt", "check_name", "close", "outputs_of", "resolve"]


def outputs_of(result: object) -> Sequence[Any]:
    """The outputs an implementation returned, as arguments of ``Golden.check``; raises TypeError if they are none."""
    if isinstance(result, tuple | list) and len(result) in (2, 3):
        return result
    what = f"{len(result)} outputs" if isinstance(result, tuple | list) else f"a {type(result).__name__}"
    raise TypeError(f"the implementation returned {what}; it returns (out, h_n), (out, (h_n, c_n)) or (out, h_n, c_n)")
