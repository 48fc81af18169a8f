"""Certifies scenarios and writes goldens. Needs python-flint and more: ``pip install 'rnn-goldens[generate]'``.

Built-in scenarios also need torch.
"""

from importlib.util import find_spec

from rnn_goldens.errors import WrongUse

for module, package in (("flint", "python-flint"), ("threadpoolctl", "threadpoolctl")):
    if find_spec(module) is None:
        raise WrongUse(f"certifying needs {package}: pip install 'rnn-goldens[generate]'")
