"""Certifies scenarios and writes goldens. Needs python-flint: ``pip install 'rnn-goldens[generate]'``.

Built-in scenarios also need torch.
"""

from importlib.util import find_spec

from rnn_goldens.errors import WrongUse

if find_spec("flint") is None:
    raise WrongUse("certifying needs python-flint: pip install 'rnn-goldens[generate]'")
