"""Implementations to check: functions ``golden → (out, h_n)``, ``(out, (h_n, c_n))`` or ``(out, h_n, c_n)``.

Each is built in and has a name, is a user's own code (see ``resolution``), or is a program, given by its command.
"""

from rnn_goldens.comparison.returned import outputs_of
from rnn_goldens.implementations.builtin import BUILTIN
from rnn_goldens.implementations.resolution import Implementation, adapt, check_name, close, resolve

__all__ = ["BUILTIN", "Implementation", "adapt", "check_name", "close", "outputs_of", "resolve"]
