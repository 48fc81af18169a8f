"""Whatever is being checked: a function ``golden → (out, h_n)``, ``(out, (h_n, c_n))`` or ``(out, h_n, c_n)``.

Built-in ones by name, a user's own as ``wrappers`` has it, a program by its command.
"""

from rnn_goldens.implementations.builtin import BUILTIN
from rnn_goldens.implementations.named import check_name, close, resolve
from rnn_goldens.implementations.users_own import Implementation, adapt
from rnn_goldens.judging.outputs import outputs_of

__all__ = ["BUILTIN", "Implementation", "adapt", "check_name", "close", "outputs_of", "resolve"]
